# The commands of this repository; `make` lists them.

UNDERSTUDY := .build/release/understudy
RESULTS ?= results
# A Python that has torch and jax, for `make bench`; see Benchmarks/README.md. `make test` uses torch if it is there.
PEERS_PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help demo build test lint bench clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: build ## install what is missing, build, reproduce the paper's two-layer figures (quick) in $(RESULTS)
	$(UNDERSTUDY) reproduce two-layer --scale quick --results "$(RESULTS)"
	@echo "The report: $(abspath $(RESULTS))/report.html (open it in a browser)"

build: ## install what is missing and build the program
	@Scripts/install.sh
	swift build -c release --product understudy

test: ## install what is missing, build, run every test and check
	@Scripts/install.sh --tests
	@PEERS_PYTHON="$(PEERS_PYTHON)" Scripts/test.sh

lint: ## hold the Swift sources against the formatter's rules
	swift format lint --strict --recursive --parallel Sources Tests Package.swift

bench: build ## time the training steps beside PyTorch and JAX (PEERS_PYTHON=a Python that has them)
	$(PEERS_PYTHON) Benchmarks/compare.py --understudy $(UNDERSTUDY) --peers-python $(PEERS_PYTHON)
	$(PEERS_PYTHON) Benchmarks/compare_deep.py --understudy $(UNDERSTUDY) --peers-python $(PEERS_PYTHON)

clean: ## remove what was built and installed here; results stay
	rm -rf .build .build-test .venv
