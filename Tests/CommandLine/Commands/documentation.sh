#!/usr/bin/env bash
# The README as a reader follows it: in its order, its YAML is saved under the name in its first line, its `sh` and
# Python blocks are run in one temporary folder, and its Swift is type-checked. A block that is not run here has a comment
# `<!-- not run here: why -->` above it in the README, and is printed. Docs/Python.md, Docs/Results.md, Docs/Reconstruction.md,
# Docs/Images.md, Docs/FromPyTorch.md and the first page of the Swift reference likewise; the Python of Docs/Formats.md is run, too.
#
# UNDERSTUDY is the program's path. The last line is `N passed, N failed`.
set -uo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
UNDERSTUDY=$(realpath "${UNDERSTUDY:?give the path of the program}")

. "$repository/Tests/CommandLine/Python/package.bash"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/blocks" "$folder/modules" "$folder/here"
ln -s "$UNDERSTUDY" "$folder/bin/understudy"
export PATH=$folder/bin:$PATH
# The program finds the Python that draws beside itself; a caller's choice stays.
[ ! -x "$repository/.venv/bin/python" ] || export UNDERSTUDY_PYTHON=${UNDERSTUDY_PYTHON:-$python}

passed=0
failed=0

# check NAME COMMAND...: runs the command in the reader's folder; its output is shown if it fails.
check() {
  local name=$1
  shift
  if (cd "$folder/here" && "$@") </dev/null >"$folder/output" 2>&1; then
    echo "passed: $name"
    passed=$((passed + 1))
  else
    echo "FAILED: $name"
    tail -n 20 "$folder/output" | sed 's/^/  | /'
    failed=$((failed + 1))
  fi
}

# blocks FILE PREFIX: writes each fenced block to blocks/PREFIX-NUMBER.LANGUAGE, those that are not run to
# blocks/PREFIX-NUMBER.skipped with the reason in the first line.
blocks() {
  awk -v start="$folder/blocks/$2-" '
    !inside && /^<!-- not run here: .* -->$/ { reason = substr($0, 20, length($0) - 23); next }
    !inside && /^```/ {
      inside = 1
      language = substr($0, 4)
      file = sprintf("%s%02d.%s", start, ++count, reason == "" ? language : "skipped")
      if (reason != "") print reason > file
      next
    }
    inside && /^```$/ { inside = 0; reason = ""; close(file); next }
    inside { print > file; next }
    NF { reason = "" }
  ' "$1"
}

type_check() {
  local build modules
  build=$(dirname "$(dirname "$UNDERSTUDY")")  # release is a link beside the folder of its platform
  [ -d "$build/checkouts" ] || build=$(dirname "$build")
  modules=$(dirname "$UNDERSTUDY")
  swiftc -typecheck -I "$modules/Modules" -I "$build/checkouts/GRDB.swift/Sources/GRDBSQLite" \
    -I "$build/checkouts/Yams/Sources/CYaml/include" -module-cache-path "$folder/modules" \
    -Xcc -fmodule-map-file="$modules/CUnderstudyKernels.build/module.modulemap" \
    -Xcc -fmodule-map-file="$modules/CBoost.build/module.modulemap" \
    -Xcc -fmodule-map-file="$repository/Sources/COpenBLAS/module.modulemap" \
    -Xcc -fmodule-map-file="$repository/Sources/COneDNN/module.modulemap" \
    -Xcc -fmodule-map-file="$repository/Sources/CZlib/module.modulemap" \
    $(pkg-config --cflags-only-I openblas) "$1"
}

# The README recommends the safetensors package. Where it is missing, the code without it in Docs/Formats.md stands in.
blocks "$repository/Docs/Formats.md" formats
if ! "$python" -c 'import safetensors.numpy' 2>/dev/null; then
  echo "note: $python has no safetensors; the functions of Docs/Formats.md stand in for it"
  mkdir "$folder/modules/safetensors"
  touch "$folder/modules/safetensors/__init__.py"
  {
    cat "$(grep -l 'def read_network' "$folder"/blocks/formats-*.python)"
    echo "load_file = read_network"
    echo "def save_file(tensors, path): write_network(path, tensors)"
  } >"$folder/modules/safetensors/numpy.py"
  export PYTHONPATH=$folder/modules${PYTHONPATH:+:$PYTHONPATH}
fi

# follow PAGE PREFIX
follow() {
  local block line name
  blocks "$repository/$1" "$2"
  for block in "$folder/blocks/$2"-*; do
    case $block in
      *.yaml)
        name=$(sed -n '1s/^# \([a-z-]*\.yaml\)$/\1/p' "$block")
        check "$1: YAML begins with its file's name (${name:-none})" test -n "$name"
        cp "$block" "$folder/here/${name:-unnamed.yaml}"
        ;;
      *.sh)
        while IFS= read -r line; do
          [ -z "$line" ] || check "$1: $line" bash -c "set -euo pipefail; $line"
        done <"$block"
        ;;
      *.python) check "$1: Python ($(grep -m 1 -E '^(db|rng|study|student) ' "$block"))" "$python" "$block" ;;
      *.swift) check "$1: Swift is type-checked" type_check "$block" ;;
      *.skipped) echo "not run: $(sed 1d "$block" | tr '\n' ';') ($(head -n 1 "$block"))" ;;
      *) check "$1: a block of a known language ($(head -n 1 "$block"))" false ;;
    esac
  done
}

install_package "$folder/packages"
follow README.md readme
follow Docs/Python.md python
follow Docs/Results.md results
follow Docs/Reconstruction.md recovery
follow Docs/Images.md images
follow Docs/FromPyTorch.md pytorch
follow Sources/Understudy/Understudy.docc/Understudy.md reference
for block in "$folder"/blocks/formats-*.python; do
  check "Docs/Formats.md: Python ($(head -n 1 "$block"))" "$python" "$block"
done
check "Docs/Gallery.md: what its studies say" "$python" "$repository/Scripts/gallery.py" --check
check "Docs/Sweep.md: the tables, of the README's study" "$python" "$repository/Scripts/sweep_table.py" weak

# What the pages point to is there. (The pictures of the full sweep, too.)
cd "$repository" || exit 1
for page in README.md ARCHITECTURE.md CONTRIBUTING.md Benchmarks/*.md Docs/*.md Docs/Derivations/*.md; do
  while IFS= read -r target; do
    check "$page points to $target" test -e "$(dirname "$repository/$page")/$target"
  done < <(tr '\n' ' ' <"$repository/$page" | grep -oE '\]\([^)]*\)' | sed -E 's/^\]\(//; s/\)$//; s/#.*//' |
    grep -vE '^(https?:|$)' | sort -u)
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
