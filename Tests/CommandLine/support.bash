# Shared by the scripts of this folder, which source it and end with `finish`. They need UNDERSTUDY, the program's path,
# and python3 with its standard library.
set -uo pipefail
: "${UNDERSTUDY:?set it to the path of the program}"

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
passed=0
failed=0

at_exit=()
clean_up() {
  local command
  for command in ${at_exit[@]+"${at_exit[@]}"}; do eval "$command"; done
  rm -rf "$work"
}
trap clean_up EXIT

pass() {
  echo "  ok      $1"
  passed=$((passed + 1))
}

fail() {
  echo "  FAILED  $1${2:+: $2}"
  failed=$((failed + 1))
}

# check WHAT COMMAND...: passes if the command succeeds.
check() {
  local what=$1
  shift
  if "$@" >"$work/check.log" 2>&1; then pass "$what"; else fail "$what" "$(tail -n 3 "$work/check.log")"; fi
}

# equal WHAT GOT WANTED
equal() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got \"$2\", expected \"$3\""; fi; }

# reproduced FOLDER STUDY: a study of a reproduction has runs, none diverged, pictures, and its part of the report.
reproduced() {
  check "$2: recorded, and none diverged" python3 - "$1/$2/results.sqlite" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
runs, diverged = db.execute("SELECT count(*), sum(outcome <> 'completed') FROM run").fetchone()
assert runs > 0 and diverged == 0, (runs, diverged)
PYTHON
  check "$2: pictures" bash -c "ls $1/$2/figures/*.svg $1/$2/figures/*.png $1/$2/figures/*.pdf"
  check "$2: in the report" grep -q "<h2 [^>]*>$2</h2>" "$1/report.html"
}

# ends WHAT CODE [TEXT...] -- COMMAND...: the command ends with the exit code, and what it prints contains each text.
# What it printed is in $work/ends.log afterwards, what of it is no progress and no error (JSON) in $work/ends.out.
ends() {
  local what=$1 wanted=$2 status=0 text texts=()
  shift 2
  while [ "$1" != -- ]; do
    texts+=("$1")
    shift
  done
  shift
  "$@" >"$work/ends.out" 2>"$work/ends.err" </dev/null || status=$?
  cat "$work/ends.out" "$work/ends.err" >"$work/ends.log"
  if [ "$status" -ne "$wanted" ]; then
    fail "$what" "exit code $status, expected $wanted: $(tail -n 3 "$work/ends.log")"
    return
  fi
  for text in ${texts[@]+"${texts[@]}"}; do
    if ! grep -qiF -- "$text" "$work/ends.log"; then
      fail "$what" "\"$text\" is not in: $(tail -n 3 "$work/ends.log")"
      return
    fi
  done
  pass "$what"
}

# study FILE [EXTRA LINE...]: writes a small study; about 10 ms a run.
study() {
  local file=$1
  shift
  cat >"$file" <<'YAML'
network: {inputDimension: 10, outputDimension: 5}
teacher: {hiddenNodes: 3, strengthDecay: 1}
student: {overRealization: 2, scale: 0.1}
inputs: {training: {count: 200}, evaluation: {count: 100}}
YAML
  printf '%s\n' 'training: {epochs: 4, stepsPerEpoch: 100, learningRate: 0.05}' 'seeds: [1]' "$@" >>"$file"
}

# query FOLDER SQL: rows of the database of results, a line each, columns separated by spaces. Opened for writing, because
# SQLite takes back what a killed process left half-written when the next one reads.
query() {
  python3 - "$1/results.sqlite" "$2" <<'PYTHON'
import sqlite3, sys
try:
    rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, timeout=10).execute(sys.argv[2]).fetchall()
except sqlite3.Error:
    rows = []
for row in rows:
    print(*row)
PYTHON
}

# wait_until SECONDS COMMAND...: waits until the command succeeds; fails after that time.
wait_until() {
  local limit=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$limit" ] || return 1
    sleep 0.05
  done
}

# checksums FOLDER: of every file in it, but for the lock's, whose text names who last held it.
checksums() { (cd "$1" && find . -type f ! -name .understudy.lock -print0 | sort -z | xargs -0 -r cksum); }

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}
