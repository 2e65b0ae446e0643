#!/bin/bash
# What tasks ask for: never more at a time than there is, by the record; the
# machine kept busy; each sees what it got; what nobody can meet is refused.
# time-limit: 400
. "$(dirname "$0")/support.sh"

command -v python3 >/dev/null || { skip all "no python3"; exit; }

# make.py SEED COUNT MEMORY: a task file of random mixtures, each of which one
# of two workers that share the node can meet.  A task fails if it does not see
# what it asked for.
cat >make.py <<'PY'
import random, sys
seed, count, memory = (int(a) for a in sys.argv[1:])
r = random.Random(seed)
def see(name, amount):
    return f'[ "${{HAY_RES_{name}-0}}" = {amount} ]'
for i in range(count):
    keys, look = [], []
    cores = r.choice([1, 1, 1, 2, 3, 4])
    lic, scratch = r.choice([0, 0, 1, 2, 3]), r.choice(["0", "0", "0.25", "0.5", "2"])
    mem = int(memory * r.choice([0, 0, 0.1, 0.25, 0.4]))
    gpus = r.choice(["0", "0", "0.25", "0.5", "1", "2"])
    array = r.random() < 0.15
    either = r.random() < 0.1
    if array: keys.append("res.download=1")
    if either: keys.append('request="gpus=2 | cores=3"')
    elif cores > 1: keys.append(f"cores={cores}")
    if gpus != "0" and not either: keys.append(f"gpus={gpus}")
    if lic: keys.append(f"res.lic={lic}")
    if scratch != "0": keys.append(f"res.scratch={scratch}")
    if mem: keys.append(f"mem={mem}")
    look.append(see("LIC", lic))
    look.append(see("SCRATCH", scratch))
    look.append(see("DOWNLOAD", 1 if array else 0))
    look.append(f'[ "${{HAY_TASK_MEMORY-0}}" = {mem} ]')
    dealt = '[ "$(echo "$CUDA_VISIBLE_DEVICES" | tr "," "\\n" | grep -c .)" = '
    if either:
        look.append('case $HAY_TASK_VARIANT in'
                    ' 0) ' + dealt + '2 ] && [ "$HAY_TASK_CORES" = 1 ] ;;'
                    ' 1) ' + dealt + '0 ] && [ "$HAY_TASK_CORES" = 3 ] ;; *) false ;; esac')
    else:
        look.append(f'[ "$HAY_TASK_CORES" = {cores} ]')
        look.append(dealt + ("2 ]" if gpus == "2" else "0 ]" if gpus == "0" else "1 ]"))
    if keys: print("#HAY " + " ".join(keys))
    print(f"sleep {r.choice([0.01, 0.02, 0.04])}; " + " && ".join(look))
PY

# judge.py FOLDER COUNT WORKERS SLOTS GPUS MEMORY AMOUNT...: SLOTS and MEMORY of a
# worker, GPUS of the node; NAME=N of a worker, or of the farm if 'all:NAME=N'.
cat >judge.py <<'PY'
import sys
folder, count, workers, slots, gpus, memory = sys.argv[1], *(int(a) for a in sys.argv[2:7])
most, farm = {}, set()
for word in sys.argv[7:]:
    name, amount = word.split("=")
    if name.startswith("all:"):
        name = name[4:]
        farm.add(name)
    most[name] = round(float(amount) * 10000)
lines = [l.rstrip("\n").split("\t") for l in open(folder + "/tasks.tsv")]
rows = [dict(zip(lines[0], l)) for l in lines[1:]]
assert len(rows) == count, f"{len(rows)} attempts"
bad = [r for r in rows if r["state"] != "finished"]
assert not bad, f"{len(bad)} have not finished: {bad[0]}"
assert len({r["worker"] for r in rows}) == workers, "not all workers had tasks"

def takes(row):
    """What an attempt had: {(whose, what): units}."""
    w = row["worker"]
    had = {(w, "cores"): int(row["cores"]), (w, "mem"): int(row["mem"] or 0)}
    share = None
    for word in row["resources"].split():
        name, amount = word.split("=")
        if name == "gpus":
            share = float(amount)
        else:
            had[("farm" if name in farm else w, name)] = round(float(amount) * 10000)
    names = [g for g in row["gpus"].split(",") if g]
    for g in names: # of the node: two workers have none in common
        had[("node", "gpu " + g)] = 10000 if share is None or share >= 1 else round(share * 10000)
    if share is not None:
        assert len(names) == max(1, int(share)), f"{share} gpus, but {names}"
    return had

def limit(what):
    if what.startswith("gpu "):
        assert 0 <= int(what[4:]) < gpus, what
        return 10000
    return {"cores": slots, "mem": memory}.get(what, most.get(what))

events, work = [], {}
for row in rows:
    start, end = float(row["start_s"]), float(row["end_s"])
    had = takes(row)
    events += [(end, 0, had), (start, 1, had)] if end > start else []
    for key, units in had.items():
        work[key] = work.get(key, 0) + units * (end - start)
now, top = {}, {}
for time, begins, had in sorted(events, key=lambda e: e[:2]):
    for key, units in had.items():
        now[key] = now.get(key, 0) + (units if begins else -units)
        assert now[key] <= limit(key[1]), f"{key}: {now[key]} of {limit(key[1])} at {time} s"
        top[key] = max(top.get(key, 0), now[key])
assert all(v == 0 for v in now.values())
# Something was scarce, so this run could have gone wrong.
tight = [k for k in top if top[k] == limit(k[1])]
assert len(tight) >= 3, f"only {tight} were ever used up"
# Busy: nothing can be faster than what is scarcest; how near to it was this?
span = max(e[0] for e in events) - min(e[0] for e in events)
least = max(seconds / limit(key[1]) for key, seconds in work.items())
print(f"# {span:.1f} s; the scarcest alone: {least:.1f} s")
assert span <= 2.5 * least, f"{span} s, though {least} s of work on the scarcest"
PY

node_kib=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
tasks=1000

# mixtures SEED WORKERS SLOTS ARGUMENT...: SLOTS of each worker.
mixtures() {
    local seed=$1 workers=$2 slots=$3
    shift 3
    rm -rf r
    python3 make.py "$seed" $tasks $((node_kib / 2 * 1024)) >t.hay || return
    timeout 180 "$hayfork" run "$@" --run-folder r --slots "$slots" --gpus 4 \
        --resources lic=6,scratch=5 --limits download=2 t.hay >out 2>err </dev/null ||
        { echo "# exit status $?"; return 1; }
    # scratch=5 of two workers: 2 and 3.
    python3 judge.py r $tasks "$workers" "$slots" 4 $((node_kib / workers * 1024)) \
        lic=$((6 / workers)) scratch=$((workers == 1 ? 5 : 3)) all:download=2
}
check random_mixtures_are_never_overbooked mixtures 1 1 8
if have_mpirun; then
    check random_mixtures_are_never_overbooked_by_two_workers mixtures 2 2 4 -n 3
else
    skip random_mixtures_are_never_overbooked_by_two_workers "no mpirun"
fi

# A limit holds for an array of its name, whatever else there is room for.
limited() {
    printf '#HAY name=fetch[1..30]\nsleep 0.02\n' >t.hay
    rm -rf r
    runs 0 run --slots 8 --limits fetch=3 --run-folder r t.hay || return
    awk -F '\t' 'NR > 1 { print $8, 1; print $9, -1 }' r/tasks.tsv | sort -k1,1g -k2,2g |
        awk '{ n += $2; if (n > most) most = n } END { print most }' >most
    [ "$(cat most)" = 3 ] || { echo "# $(cat most) at a time"; return 1; }
}
check an_array_keeps_to_its_limit limited

# Whose place is free first, waits for what it cannot have at the same time.
alternatives() {
    printf '%s\n' '#HAY request="gpus=1 | cores=2" name=a[1..2]' \
        'echo $HAY_TASK_VARIANT; sleep 0.3' >t.hay
    rm -rf r
    runs 0 run --slots 2 --gpus 1 --run-folder r t.hay || return
    runs 0 output r 'a[1]' 'a[2]' || return
    grep -qx 0 out
}
check the_first_alternative_that_is_free_is_taken alternatives

refuses() { # WORDS LINE ARGUMENT...
    local words=$1 line=$2
    shift 2
    rm -rf hayfork-runs started
    printf 'touch started\n#HAY %s\ntrue\n' "$line" >t.hay
    runs 2 run --slots 2 --gpus 1 --resources lic=2 --limits few=1 "$@" t.hay || return
    grep -q "t.hay:2: .*$words" err || return
    [ ! -e started ] || { echo "# something was started"; return 1; }
}
check an_unknown_name_is_refused refuses "there is no licence: there is few (a limit), lic" res.licence=1
check more_than_there_is_is_refused refuses "lic=3 asked for, but no worker has more than 2" res.lic=3
check more_than_a_limit_is_refused refuses "the farm's limit is 1" res.few=2
check more_gpus_than_there_are_are_refused refuses "2 gpus asked for" gpus=2
check a_wrong_request_is_refused refuses "more than one gpu must be whole" 'gpus=1.5'
check alternatives_of_which_none_can_be_met_are_refused refuses "no alternative" 'request="gpus=2 | cores=3"'
if have_mpirun; then
    check an_unknown_name_is_refused_under_mpirun refuses "there is no licence" res.licence=1 -n 3
else
    skip an_unknown_name_is_refused_under_mpirun "no mpirun"
fi

wrong_option() {
    printf 'true\n' >t.hay
    runs 2 run "$1" t.hay && grep -q "$2" err
}
check resources_without_an_amount_are_refused wrong_option --resources=lic 'NAME=AMOUNT'
check a_name_of_the_farm_s_own_is_refused wrong_option --limits=cores=2 "farm's own name"

check nothing_left nothing_left
[ $failures = 0 ]
