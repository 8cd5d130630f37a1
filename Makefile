# The commands of this repository; `make` lists them.

UNDERSTUDY := .build/release/understudy
RESULTS ?= results
# A Python that has torch and jax, for `make bench`; see Benchmarks/README.md. `make test` uses torch if it is there.
PEERS_PYTHON ?= python3
# How long `make fuzz` tries each kind of input.
FUZZ_SECONDS ?= 30

.DEFAULT_GOAL := help
.PHONY: help demo build docs test lint bench fuzz sanitize clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: build ## install what is missing, build, reproduce the paper's two-layer figures (quick) in $(RESULTS)
	$(UNDERSTUDY) reproduce two-layer --scale quick --results "$(RESULTS)"
	@echo "The report: $(abspath $(RESULTS))/report.html (open it in a browser)"

build: ## install what is missing and build the program
	@Scripts/install.sh
	swift build -c release --product understudy

docs: build ## write the reference of the Swift library, as a site in .build-docs
	@python3 Scripts/docs.py --scratch .build --output .build-docs

test: ## install what is missing, build, run every test and check
	@Scripts/install.sh --tests
	@PEERS_PYTHON="$(PEERS_PYTHON)" Scripts/test.sh

lint: ## hold the Swift sources against the formatter's rules
	swift format lint --strict --recursive --parallel Sources Tests Package.swift

bench: build ## time the training steps beside PyTorch and JAX (PEERS_PYTHON=a Python that has them)
	$(PEERS_PYTHON) Benchmarks/compare.py --understudy $(UNDERSTUDY) --peers-python $(PEERS_PYTHON)
	$(PEERS_PYTHON) Benchmarks/compare_deep.py --understudy $(UNDERSTUDY) --peers-python $(PEERS_PYTHON)
	$(PEERS_PYTHON) Benchmarks/compare_convolution.py --understudy $(UNDERSTUDY) --peers-python $(PEERS_PYTHON)

fuzz: build ## give the program damaged and hostile files, FUZZ_SECONDS=30 for each kind; what it finds goes into Tests/Fuzzing/corpus
	swift build --package-path Tests/Fuzzing --sanitize fuzzer --scratch-path .build-fuzz --product parsers
	python3 Tests/Fuzzing/fuzz.py --understudy $(UNDERSTUDY) --parsers .build-fuzz/debug/parsers --seconds $(FUZZ_SECONDS)

sanitize: ## run the tests under the address, undefined behaviour and thread sanitizers; the first time takes long to build
	@Scripts/install.sh
	Scripts/sanitize.sh

clean: ## remove what was built and installed here; results stay
	rm -rf .build .build-test .build-address .build-thread .build-fuzz .build-docs .venv
