#!/usr/bin/env bash
# Runs Swift tests and the C kernels under sanitizers, each in a build folder of its own: from scratch the first time, which takes
# many minutes.
#
#   Scripts/sanitize.sh [address | thread]...     both by default
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Leaks are not looked for: Swift's runtime and OpenBLAS keep what they allocate once.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1

# Every test. The kernels are also watched for undefined behaviour: overflows, shifts, alignment. Swift is in release, as the tests
# take hours otherwise; the kernels are not optimised, as their unrolled loops with all checks in them take hours to compile.
address() {
  swift test -c release --sanitize address --scratch-path .build-address -Xswiftc -enable-testing \
    -Xcc -O0 -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined
}

# What threads share: runs beside each other, their store, kernels over several threads. In debug, which has no optimisations that
# hide a race; the other tests use one thread.
thread() {
  swift test --sanitize thread --scratch-path .build-thread \
    --filter 'RunnerTests|ExecutorTests|StageTests|StoreTests|StoreSafetyTests|StoreSharingTests|DeepKernelTests'
}

failed=()
[ $# -gt 0 ] || set -- address thread
for stage in "$@"; do
  case $stage in
    address | thread) echo "=== $stage" ;;
    *)
      echo "sanitize: no sanitizer $stage; there are address and thread" >&2
      exit 64
      ;;
  esac
  "$stage" || failed+=("$stage")
done
[ ${#failed[@]} -eq 0 ] || {
  echo "sanitize: failed: ${failed[*]}" >&2
  exit 1
}
