#!/usr/bin/env bash
# A folder that version 0.1 made, whose random numbers followed from the study's name and setting: read, audited and continued as
# it was begun. And what runs of now share, whose random numbers follow from the seed.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
cd "$work" || exit 1

mkdir old old/figures
cp -r "$tests/Studies/folder-0.1/weights" old/weights
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())' \
  old/results.sqlite "$tests/Studies/folder-0.1/results.sql"
ends "its measure has the name of now" 0 "criticalPoint,0," -- "$UNDERSTUDY" export old
ends "audited" 0 "largest gradient  units" -- "$UNDERSTUDY" audit old --seed 1 --where teacher.strengthDecay=0
ends "continued, and it is said how" 0 "was begun with version 0.1" "2 of 4 runs recorded" \
  -- "$UNDERSTUDY" run "$tests/Studies/folder-0.1/old.yaml" --results old
check "with the numbers of then" python3 - "$tests/Studies/folder-0.1/losses.csv" <<'PYTHON'
import csv, sqlite3, sys
wanted = list(csv.DictReader(open(sys.argv[1])))
assert {row["seed"] for row in wanted} == {"1", "2"}
db = sqlite3.connect("old/results.sqlite")
for row in wanted:
    found = db.execute("SELECT value FROM scalar WHERE run = ? AND measure = ? AND epoch = ?",
                       (row["run"], row["measure"], int(row["epoch"]))).fetchone()
    assert found and repr(found[0]) == row["value"], (row, found)
PYTHON
sed 's/^name: old/name: other/' "$tests/Studies/folder-0.1/old.yaml" >other.yaml
ends "then the name was part of a run" 2 "holds results of the study \"old\"" -- "$UNDERSTUDY" run other.yaml --results old

ends "so is a benchmark's former name" 0 "bench critical-point" -- "$UNDERSTUDY" bench finishing --help

# --- equal seeds ---

study two.yaml "record: [{measures: [trainingLoss, evaluationLoss, teacherFanOutNorms], every: 1}]"
ends "a study" 0 -- "$UNDERSTUDY" run two.yaml --set seeds=2 --results two
sed 's/^network:/name: renamed\nnetwork:/' two.yaml >renamed.yaml
ends "the same by another name" 0 -- "$UNDERSTUDY" run renamed.yaml --set seeds=2 --results renamed
rows() { query "$1" "SELECT run, measure, epoch, value FROM scalar ORDER BY 1, 2, 3"; }
equal "has the same runs with the same numbers" "$(rows renamed)" "$(rows two)"
check "which are some" test "$(rows two | wc -l)" -eq 20
ends "and is continued by that name" 0 "1 of 3 runs recorded" -- "$UNDERSTUDY" run renamed.yaml --set seeds=3 --results two
ends "a study without those runs is refused" 2 "holds results of the study \"renamed\"" \
  -- "$UNDERSTUDY" run two.yaml --set seeds=1 --set training.epochs=5 --results two

ends "a key varies" 0 -- "$UNDERSTUDY" run two.yaml --set 'student.overRealization=[1, 3]' --set 'student.scale=[0.1, 0.2]' \
  --set 'teacher.strengthDecay=[0, 1]' --set seeds=2 --results varied
check "settings of one teacher and seed have one teacher, another seed another" python3 - <<'PYTHON'
import sqlite3
db = sqlite3.connect("varied/results.sqlite")
teachers = {}
for setting, seed, values in db.execute(
        """SELECT json_extract(setting, '$."teacher.strengthDecay"'), seed, hex("values") FROM array
           JOIN run ON run.hash = array.run WHERE measure = 'teacherFanOutNorms' AND epoch = 0"""):
    teachers.setdefault((setting, seed), set()).add(values)
assert len(teachers) == 4 and all(len(v) == 1 for v in teachers.values()), teachers
assert len(set.union(*teachers.values())) == 4, teachers
PYTHON

finish
