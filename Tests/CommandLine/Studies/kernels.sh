#!/usr/bin/env bash
# OpenBLAS's kernels: where the library does not know the processor, the program begins again with better ones; a user's
# choice stands; arguments, exit codes and standard input are those of one program.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
cd "$work" || exit 1
unset OPENBLAS_CORETYPE
bench=("$UNDERSTUDY" bench two-layer --precision float32 --rounds 1)
old='OpenBLAS (Prescott|Core2|Penryn|Dunnington|Atom|Nehalem|Sandybridge|generic)'

ends "bench says which kernels run" 0 "OpenBLAS" -- "${bench[@]}"
if grep -q ' avx2 ' /proc/cpuinfo && grep -q ' fma ' /proc/cpuinfo; then
  check "not those of older processors, where this one has AVX2" bash -c "! grep -Eq '$old' ends.log"
  ends "a user's choice stands, with a note" 0 "OpenBLAS Nehalem" "set OPENBLAS_CORETYPE=" -- \
    env OPENBLAS_CORETYPE=Nehalem "${bench[@]}"
  ends "a user's choice of others stands, without one" 0 "OpenBLAS Haswell" -- env OPENBLAS_CORETYPE=Haswell "${bench[@]}"
  check "no note" bash -c '! grep -q "set OPENBLAS_CORETYPE" ends.log'
fi
study plain.yaml
ends "a run" 0 "1 of 1 runs recorded" -- "$UNDERSTUDY" run plain.yaml --results plain
check "records which kernels ran" bash -c "$(declare -f query); query plain 'SELECT machine FROM run' | grep -q OpenBLAS"

ends "arguments with spaces, quotes and letters of all kinds" 2 "no  such 'stüdy\".yaml" -- \
  "$UNDERSTUDY" run "no  such 'stüdy\".yaml"
ends "an empty argument is one" 64 -- "$UNDERSTUDY" keys ""
ends "wrong usage" 64 -- "$UNDERSTUDY" nonsense
loader=$(ls /lib64/ld-linux-x86-64.so.2 2>/dev/null || true)
if [ -n "$loader" ]; then
  ends "started by the loader" 0 "OpenBLAS" -- "$loader" "$UNDERSTUDY" bench two-layer --precision float32 --rounds 1
fi

finish
