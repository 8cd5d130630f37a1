#!/usr/bin/env bash
# Others at a results folder while a study runs: readers with open transactions, file systems without shared memory, folders that
# are deleted; and what a folder keeps of the files that its study names.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1

# reader FOLDER READY DONE: holds a read transaction from when READY is made until DONE is there.
cat >reader.py <<'PYTHON'
import os, sqlite3, sys, time
folder, ready, done = sys.argv[1:]
db = sqlite3.connect(f"file:{folder}/results.sqlite?mode=ro", uri=True, isolation_level=None, timeout=10)
db.execute("BEGIN")
before = db.execute("SELECT count(*) FROM run").fetchone()
open(ready, "w").close()
while not os.path.exists(done):
    time.sleep(0.05)
assert db.execute("SELECT count(*) FROM run").fetchone() == before, "a transaction sees what it saw"
PYTHON
recorded() { query "$1" "SELECT count(*) FROM run"; }
has_recorded() { [ "$(recorded "$1")" -ge "$2" ] 2>/dev/null; }

# --- an open transaction during a whole study ---

study study.yaml "record: [{measures: [evaluationLoss], every: 1}]"
short=(run study.yaml --set training.stepsPerEpoch=3000)
ends "a first part" 0 "2 of 2 runs recorded" -- "$UNDERSTUDY" "${short[@]}" --set seeds=2 --results begun
long=(run study.yaml --set training.stepsPerEpoch=20000 --set seeds=20 --threads 2 --results open)
# What is to be ended from outside does not end before: minutes.
endless=(run study.yaml --set training.stepsPerEpoch=20000 --set seeds=4000 --threads 2)
"$UNDERSTUDY" "${long[@]}" >open.log 2>&1 &
pid=$!
wait_until 60 has_recorded open 1 || fail "a run is recorded" "$(cat open.log)"
python3 reader.py open open.ready open.done 2>open.reader &
reader=$!
wait_until 60 test -e open.ready
ends "status while it is written and read" 0 "of 20 recorded" -- "$UNDERSTUDY" status open
wait "$pid"
equal "a reader with an open transaction does not end a study" $? 0
touch open.done
wait "$reader"
equal "and is not disturbed" "$? $(cat open.reader)" "0 "
equal "all is recorded" "$(recorded open)" 20
check "nobody was waited for" bash -c '! grep -q waiting open.log'

# --- where no memory can be shared: a folder stands where it would be ---

mkdir begun/results.sqlite-shm
python3 reader.py begun begun.ready begun.done &
reader=$!
wait_until 60 test -e begun.ready
"$UNDERSTUDY" "${short[@]}" --set seeds=6 --threads 1 --results begun >begun.log 2>&1 &
pid=$!
wait_until 60 grep -q "another program (python3, pid $reader) reads or writes .*waiting for it" begun.log ||
  fail "the reader is named" "$(cat begun.log)"
ends "status does not wait for the two" 0 "2 of" -- timeout 20 "$UNDERSTUDY" status begun
sleep 1
if kill -0 "$pid" 2>/dev/null; then pass "the study waits"; else fail "the study waits" "$(cat begun.log)"; fi
touch begun.done
wait "$pid"
equal "and goes on when the reader has ended" $? 0
wait "$reader"
equal "all is recorded, without a log" "$(recorded begun) $(query begun "PRAGMA journal_mode")" "6 delete"

rm begun.done begun.ready
python3 reader.py begun begun.ready begun.done &
reader=$!
wait_until 60 test -e begun.ready
"$UNDERSTUDY" "${short[@]}" --set seeds=8 --threads 1 --results begun >begun.log 2>&1 &
pid=$!
wait_until 60 grep -q "waiting for it" begun.log
# The study has grown, and waits while it opens the folder: a signal is heard there, too. (SIGTERM: a shell's background jobs ignore
# SIGINT until they ask for it.)
kill -TERM "$pid"
wait "$pid"
equal "a signal ends the waiting" $? 130
check "and it is said what was not run" grep -q "interrupted while another program had .*begun; nothing was run" begun.log
touch begun.done
wait "$reader"
ends "and what is missing is made" 0 "were there before" -- "$UNDERSTUDY" "${short[@]}" --set seeds=8 --results begun
equal "all of it" "$(recorded begun)" 8

# --- copies of a folder whose writer was killed ---

"$UNDERSTUDY" "${endless[@]}" --results killed >killed.log 2>&1 &
pid=$!
wait_until 60 has_recorded killed 3
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check "killed, it has its log" test -s killed/results.sqlite-wal
cp -r killed copy
cp -r killed fixed
rm -f fixed/results.sqlite-shm
wanted=$("$UNDERSTUDY" export killed | wc -l)
equal "a copy is read as the original" "$("$UNDERSTUDY" export copy | wc -l)" "$wanted"
# As a user who may not write there, or where nothing can be written at all.
as_reader=()
if [ "$(id -u)" -eq 0 ]; then as_reader=(setpriv --reuid=65534 --regid=65534 --clear-groups env TMPDIR=/tmp); fi
chmod -R a+rX "$work"
chmod -R a-w fixed
if "${as_reader[@]+"${as_reader[@]}"}" "$UNDERSTUDY" --version >/dev/null 2>&1; then
  ends "status of a folder that cannot be written" 0 "of 4000 recorded" -- "${as_reader[@]+"${as_reader[@]}"}" "$UNDERSTUDY" status fixed
  equal "export, too" "$("${as_reader[@]+"${as_reader[@]}"}" "$UNDERSTUDY" export fixed | wc -l)" "$("$UNDERSTUDY" export copy | wc -l)"
fi
chmod -R u+w fixed

# --- a folder that goes away ---

"$UNDERSTUDY" "${endless[@]}" --results gone >gone.log 2>&1 &
pid=$!
wait_until 60 has_recorded gone 1
rm -rf gone
wait "$pid"
equal "a folder that is deleted ends the study" $? 1
vanished="gone: the folder, its results.sqlite or its weights was deleted, moved or replaced"
check "which says what happened" grep -q "$vanished" gone.log
# What was written while the folder was being emptied may be left.
rm -rf gone

# What is deleted while it is written goes piece by piece.
"$UNDERSTUDY" "${endless[@]}" --results gone >gone.log 2>&1 &
pid=$!
wait_until 60 has_recorded gone 1
mv gone/weights taken
wait "$pid"
equal "weights that are deleted end the study" $? 1
check "with the same words" grep -q "$vanished" gone.log
there=$(recorded gone)
"$UNDERSTUDY" "${endless[@]}" --results gone >gone.log 2>&1 &
pid=$!
wait_until 60 has_recorded gone $((there + 1))
kill -INT "$pid"
wait "$pid"
equal "run again, it goes on" $? 130
check "what is missing is made again" grep -q "$there made again" gone.log
check "there it is" test "$(find gone/weights -name '*.safetensors' | wc -l)" -eq "$(recorded gone)"

# --- what is no results folder ---

mkdir other
echo "a file of that name" >other/results.sqlite
ends "a file that is called results.sqlite makes no results folder" 0 -- "$UNDERSTUDY" export open --output other/table.csv

# --- the files that a study names ---

python3 "$tests/files.py" network teacher.safetensors 6 4 5
python3 "$tests/files.py" network other.safetensors 6 4 5 2
study named.yaml "record: [{measures: [evaluationLoss], last: true}]"
sed -i '/network:/d; s/teacher: .*/teacher: {file: teacher.safetensors}/' named.yaml
ends "a study with a teacher from a file" 0 "2 of 2 runs" -- "$UNDERSTUDY" run named.yaml --set seeds=2 --results named
ends "check sees its copy" 0 "all well" -- "$UNDERSTUDY" check named
audit() { "$UNDERSTUDY" audit "$1" --json 2>"$2"; }
audit named audit.log >before.json
equal "with the original as it was, nothing is said" "$(cat audit.log)" ""
cp other.safetensors teacher.safetensors
audit named audit.log >after.json
check "an audit says that the original has changed" grep -q "teacher.safetensors has changed" audit.log
check "and goes on with the copy" cmp before.json after.json
ends "the study with another teacher is another one" 2 "another version of the study" -- \
  "$UNDERSTUDY" run named.yaml --set seeds=3 --results named
rm teacher.safetensors
ends "with the original gone, a run goes on with the copy" 0 "teacher.safetensors is gone" "1 of 3 runs" -- \
  "$UNDERSTUDY" run named.yaml --set seeds=3 --results named
mkdir away
mv named away/
ends "a folder that was moved goes on by itself" 0 "1 of 4 runs" "3 were there" -- \
  "$UNDERSTUDY" run away/named/study.yaml --set seeds=4 --results away/named
audit away/named audit.log >moved.json
equal "and its audit has what it had" "$(python3 -c '
import json
before, moved = json.load(open("before.json")), json.load(open("moved.json"))
print(len(before), len(moved), [a["teacherNodes"] for a in before] == [a["teacherNodes"] for a in moved[:2]])')" "2 4 True"
ends "recover too" 0 -- "$UNDERSTUDY" recover away/named --seed 1 --iterations 3
python3 - away/named/files/*.safetensors <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-3] ^= 1
open(sys.argv[1], "wb").write(data)
PYTHON
ends "a copy that is damaged is found" 1 "damaged: " "files/" -- "$UNDERSTUDY" check away/named
ends "and not used" 2 "is damaged, and what it is a copy of" "teacher.safetensors, is gone" -- "$UNDERSTUDY" audit away/named

# --- large studies ---

python3 - <<'PYTHON'
rates = ", ".join(f"{0.001 * (i + 1):.3f}" for i in range(200))
widths = ", ".join(f"{1 + 0.05 * i:.2f}" for i in range(100))
open("large.yaml", "w").write(f"""
network: {{inputDimension: 5, outputDimension: 2}}
teacher: {{hiddenNodes: 2}}
student: {{overRealization: [{widths}], scale: 0.1}}
inputs: {{training: {{count: 20}}, evaluation: {{count: 20}}}}
training: {{epochs: 1, stepsPerEpoch: 5, learningRate: [{rates}]}}
seeds: 50
record: [{{measures: [evaluationLoss], last: true}}]
""")
PYTHON
# Time of the processor, which does not depend on what else the machine does; and the most memory.
cat >measured.py <<'PYTHON'
import resource, signal, subprocess, sys, time
seconds, megabytes, stop = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "stop"
process = subprocess.Popen(sys.argv[4:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
if stop:
    import sqlite3
    while True:  # until the first runs are recorded
        time.sleep(0.2)
        try:
            if sqlite3.connect("file:large/results.sqlite?mode=ro", uri=True).execute("SELECT count(*) FROM run").fetchone()[0]:
                break
        except sqlite3.Error:
            if process.poll() is not None:
                break
    process.send_signal(signal.SIGINT)
text = process.communicate()[1]
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
spent, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000
print(f"exit code {process.returncode}, {spent:.1f} s, {memory:.0f} MB; {text.strip()}")
sys.exit(0 if process.returncode == (130 if stop else 0) and spent < seconds and memory < megabytes else 1)
PYTHON
check "a million runs are planned, begun and stopped" bash -c \
  'python3 measured.py 20 300 stop "$UNDERSTUDY" run large.yaml --results large | tee planned.log; exit "${PIPESTATUS[0]}"'
check "with a message" grep -q "planning 1000000 runs" planned.log
check "their status is quick" python3 measured.py 3 300 run "$UNDERSTUDY" status large
ends "and counts" 0 "of 1000000 recorded" -- "$UNDERSTUDY" status large

finish
