#!/bin/bash
# hayfork replay: each recorded task once, none before all its parents ended.
# time-limit: 240
. "$(dirname "$0")/support.sh"

# judge FILE RUN_FOLDER: compares tasks.tsv with the edges of the file.
cat >judge.py <<'PY'
import json, sys
workflow = json.load(open(sys.argv[1]))["workflow"]
tasks = workflow.get("specification", workflow)["tasks"]
parents = {t.get("id", t["name"]): set(t.get("parents", [])) for t in tasks}
for t in tasks:
    for child in t.get("children", []):
        parents[child].add(t.get("id", t["name"]))
rows = [l.rstrip("\n").split("\t") for l in open(sys.argv[2] + "/tasks.tsv")]
head, rows = rows[0], [dict(zip(rows[0], r)) for r in rows[1:]]
times = {r["name"]: (float(r["start_s"]), float(r["end_s"])) for r in rows}
assert len(rows) == len(times) == len(parents), "not each task once"
assert set(times) == set(parents), "other names"
assert all(r["state"] == "finished" and r["attempt"] == "1" for r in rows), "not finished"
for task, above in parents.items():
    for parent in above:
        assert times[parent][1] <= times[task][0], f"{task} before the end of {parent}"
PY

replays() { # FILE ARGUMENT...
    local file=$1
    shift
    rm -rf r
    runs 0 replay --run-folder r --time-scale 0.001 "$@" "$file" && python3 judge.py "$file" r
}

command -v python3 >/dev/null || { skip all "no python3"; exit; }
check diamond replays "$data/wf/diamond.json"
check diamond_spinning replays "$data/wf/diamond.json" --work spin
check version_1_4 replays "$data/wf/version-1.4.json"
if have_mpirun; then
    check diamond_under_mpirun replays "$data/wf/diamond.json" -n 3
    check diamond_spinning_under_mpirun replays "$data/wf/diamond.json" -n 3 --work spin
else
    skip under_mpirun "no mpirun"
fi

times() {
    rm -rf r
    runs 0 replay --run-folder r --time-scale 0.1 "$data/wf/diamond.json" &&
        awk -F'\t' '$2 == "left_2" { t = $9 - $8 } END { exit !(t > 0.399 && t < 2) }' r/tasks.tsv
}
check recorded_times_are_scaled times

instances=${HAYFORK_WFINSTANCES:-$SRCDIR/../shared/wfinstances}
if [ -d "$instances" ]; then
    for file in "$instances"/*.json; do
        name=$(basename "$file" .json)
        check "$name" replays "$file"
        ! have_mpirun || check "$name-under_mpirun" replays "$file" -n 3
    done
else
    skip wfinstances "left out: no ../shared/wfinstances and no HAYFORK_WFINSTANCES"
fi
