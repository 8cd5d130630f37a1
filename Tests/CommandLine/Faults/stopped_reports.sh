#!/usr/bin/env bash
# Reports and exports that are stopped while they are made: what they leave, and for how long.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
study drawn.yaml "record: [{measures: [evaluationLoss], epochs: [0, 4]}]" "figures: [{name: loss, kind: evaluationLoss}]"
"$UNDERSTUDY" run drawn.yaml --results drawn --no-report >run.log 2>&1 || fail "a study" "$(cat run.log)"

# A Python that does not end by itself, and says that it has begun.
printf '#!/bin/sh\necho $$ >"%s/python.pid"\nexec sleep 600\n' "$work" >slow-python
chmod +x slow-python
mkdir tmp
export TMPDIR=$work/tmp
has_begun() { [ -s python.pid ]; }
has_ended() { ! kill -0 "$(cat python.pid)" 2>/dev/null; }
left() { find tmp -mindepth 1 -maxdepth 1 | wc -l; }

# begin NAME: starts a report that is being drawn; its process is $pid.
begin() {
  rm -f python.pid
  "$UNDERSTUDY" report drawn --python "$work/slow-python" >"$1.log" 2>&1 &
  pid=$!
  wait_until 60 has_begun || fail "$1: figures are drawn" "$(cat "$1.log")"
}

for name in INT TERM HUP; do
  begin "$name"
  kill "-$name" "$pid"
  wait "$pid"
  equal "SIG$name while figures are drawn: interrupted" $? 130
  check "and says so" grep -q "interrupted: drawing was stopped" "$name.log"
  check "Python is not left behind" wait_until 20 has_ended
  equal "nor a temporary folder" "$(left)" 0
done

begin KILL
kill -KILL "$pid"
wait "$pid" 2>/dev/null
kill "$(cat python.pid)"
check "SIGKILL: a temporary folder is left" test "$(left)" -gt 0
mkdir tmp/understudy-drawing-mine tmp/understudy-drawing-00000000-0000-0000-0000-000000000001
touch -d '1 hour ago' tmp/*
# One that another process holds is in use, however old it is.
python3 - tmp/understudy-drawing-00000000-0000-0000-0000-000000000001 <<'PYTHON' &
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
open("held", "w").close()
time.sleep(600)
PYTHON
holder=$!
check "another folder is in use" wait_until 20 test -e held
begin next
kill -TERM "$pid"
wait "$pid"
equal "the next report removes what nobody holds, and nothing else" "$(ls tmp)" \
  "$(printf '%s\n' understudy-drawing-00000000-0000-0000-0000-000000000001 understudy-drawing-mine)"
kill "$holder"
wait "$holder" 2>/dev/null

# An output that was killed half-way.
touch .table.csv.123.partial .table.csv.mine.partial .table.csv.124.partial
touch -d '1 hour ago' .table.csv.123.partial .table.csv.mine.partial
ends "an export" 0 -- "$UNDERSTUDY" export drawn --output table.csv
equal "removes the old part of a killed one, and nothing else" "$(find . -maxdepth 1 -name '.table*' | sort | tr '\n' ' ')" \
  "./.table.csv.124.partial ./.table.csv.mine.partial "

# An export that is stopped: large enough to last some seconds.
study large.yaml "record: [{measures: [evaluationCorrelation, trainingCorrelation], every: 1}]"
"$UNDERSTUDY" run large.yaml --set teacher.hiddenNodes=20 --set student.overRealization=10 --set seeds=40 --results large \
  --no-report >run.log 2>&1 || fail "a large study" "$(cat run.log)"
echo before >export.csv
"$UNDERSTUDY" export large --output export.csv >export.log 2>&1 &
pid=$!
has_part() { compgen -G '.export.csv.*.partial' >/dev/null; }
check "an export is being written" wait_until 60 has_part
kill -INT "$pid"
wait "$pid"
equal "SIGINT during an export: interrupted" $? 130
check "and says so" grep -q "stopping: export.csv stays as it was" export.log
equal "what was there stays, and no part of the new one" "$(cat export.csv) $(find . -maxdepth 1 -name '.export*' | wc -l)" "before 0"

finish
