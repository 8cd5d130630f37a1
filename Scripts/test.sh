#!/usr/bin/env bash
# Builds everything once and runs every check. Each stage prints `N passed, N failed`; so does the last line, for all of
# them. Everything is built in release, because C is not optimised otherwise, and in a folder of its own, because
# -enable-testing changes every module. Arguments are passed on to `swift test`, e.g. --filter NumericsTests.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=.build-test
options=(-c release --scratch-path "$scratch" -Xswiftc -enable-testing)
understudy=$scratch/release/understudy
python=.venv/bin/python
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

passed=0
failed=0
summary=()

# stage NAME COMMAND...: runs a command whose last line of the form `N passed, N failed` is its count.
stage() {
  local name=$1 status=0 line
  shift
  echo "=== $name"
  "$@" </dev/null 2>&1 | tee "$output/stage" || status=$?
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$output/stage" | tail -n 1)
  if [ -z "$line" ]; then
    summary+=("$name: left with status $status and no count of its checks")
    failed=$((failed + 1))
    return 1
  fi
  local here_passed=${line%% passed*} here_failed=${line##*, }
  here_failed=${here_failed%% failed}
  # A program that fails without a failed check, or that checked nothing, has failed all the same.
  [ "$status" -eq 0 ] || [ "$here_failed" -gt 0 ] || here_failed=1
  [ $((here_passed + here_failed)) -gt 0 ] || here_failed=1
  passed=$((passed + here_passed))
  failed=$((failed + here_failed))
  summary+=("$name: $here_passed passed, $here_failed failed")
  [ "$here_failed" -eq 0 ]
}

# one COMMAND...: a command as a single check.
one() {
  if "$@"; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; fi
}

swift_tests() {
  local status=0 files=()
  rm -f "$output"/tests*.xml
  swift test "${options[@]}" --skip-build --xunit-output "$output/tests.xml" "$@" || status=$?
  # The tests of Swift Testing and of XCTest are in files of their own, and one without tests may be missing.
  for file in "$output"/tests*.xml; do
    [ -e "$file" ] && files+=("$file")
  done
  [ ${#files[@]} -gt 0 ] || return 1
  "$python" Scripts/xunit_counts.py "${files[@]}" || return 1
  return $status
}

# A Python that imports torch and numpy: the one of PEERS_PYTHON, or of the reference; nothing if neither does.
python_with_torch() {
  local candidate
  for candidate in "${PEERS_PYTHON:-python3}" "$python"; do
    if "$candidate" -c "import numpy, torch" >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
}

stage "lint" one swift format lint --strict --recursive --parallel Sources Tests Package.swift
if stage "build" one swift build "${options[@]}" --build-tests; then
  stage "Swift tests" swift_tests "$@"
  # Roundings of the BLAS decide where searches go; what the tests ask for has to hold with the kernels of other processors.
  [ $# -gt 0 ] || OPENBLAS_CORETYPE=Nehalem stage "Swift tests on an older processor's BLAS" \
    swift_tests --filter 'TrainingTests|TheoryTests|ReconstructionTests|ExperimentsTests'
  stage "NumPy reference" "$python" Tests/Reference/two_layer.py --understudy "$understudy"
  stage "NumPy reference of any depth" "$python" Tests/Reference/deep.py --understudy "$understudy"
  stage "NumPy reference over images" "$python" Tests/Reference/images.py --understudy "$understudy"
  stage "networks by onnxruntime" "$python" Tests/Reference/exchange.py --understudy "$understudy" --by onnxruntime
  # The same against PyTorch, where there is one.
  peer=$(python_with_torch)
  if [ -n "$peer" ]; then
    stage "PyTorch" "$peer" Tests/Reference/deep_torch.py --understudy "$understudy"
    stage "PyTorch over images" "$peer" Tests/Reference/images_torch.py --understudy "$understudy"
    stage "networks by PyTorch" "$peer" Tests/Reference/exchange.py --understudy "$understudy" --by torch
  else
    summary+=("PyTorch: skipped, as no Python here has torch and numpy (PEERS_PYTHON may name one)")
  fi
  stage "SciPy assignment" "$python" Tests/Reference/linear_assignment.py --understudy "$understudy"
  stage "docstrings" "$python" Tests/Docstrings/docstrings.py --scratch "$scratch"
  stage "Swift reference" one python3 Scripts/docs.py --scratch "$scratch" --output "$output/reference"
  stage "whole program" "$python" Tests/WholeProgram/whole_program.py --understudy "$understudy"
  for script in Tests/CommandLine/*/*.sh; do
    [ -e "$script" ] || continue
    stage "$(basename "$script" .sh)" env UNDERSTUDY="$PWD/$understudy" bash "$script"
  done
fi

echo
echo "=== all stages"
printf '%s\n' "${summary[@]}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
