#!/usr/bin/env bash
# The studies of samples, activations and layers in quick form: they run, and every figure is drawn.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

repository=$(cd "$tests/../.." && pwd)
[ ! -x "$repository/.venv/bin/python" ] || export UNDERSTUDY_PYTHON=${UNDERSTUDY_PYTHON:-$repository/.venv/bin/python}
cd "$work" || exit 1

# reproduce NAME STUDY...: the quick form, with all its studies, figures and findings.
reproduce() {
  local name=$1
  shift
  ends "reproduce $name" 0 "report:" -- "$UNDERSTUDY" reproduce "$name" --scale quick --results "$name"
  cp ends.log "$name.log"
  check "every figure of $name is drawn" bash -c '! grep "figure left out" '"$name.log"
  check "every finding of $name is borne out" bash -c '! grep -E "not borne out|not measurable|undecided" '"$name.log"
  for study in "$@"; do reproduced "$name" "$study"; done
}

reproduce samples sample-nodes sample-precision sample-observation boundary-data
reproduce activations leaky-slope batch-normalization
reproduce layers layer-factors frozen-layers unaligned-layers deep-samples

finish
