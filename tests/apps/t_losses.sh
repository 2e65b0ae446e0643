#!/bin/bash
# Worker ranks that are killed under hayfork run and replay: exit 0, the lost
# attempts and the second ones in tasks.tsv; and what is stuck gets a second
# attempt where that is asked for.
# time-limit: 240
. "$(dirname "$0")/support.sh"

have_mpirun || { skip all "no mpirun"; exit; }

of_rank() { # PID RANK: its environment says so
    { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$2"
}

# The process of a rank: its parent is none of its own.
pid_of_rank() { # RANK
    local pid rest parent
    while read -r pid rest; do
        of_rank "$pid" "$1" || continue
        parent=$({ sed 's/.*) . //; s/ .*//' "/proc/$pid/stat"; } 2>/dev/null)
        of_rank "$parent" "$1" || echo "$pid"
    done < <(marked)
}

finished_on_2() { awk -F'\t' '$5 == 2 && $4 == "finished"' r/tasks.tsv 2>/dev/null | wc -l; }
on_2() { [ "$(finished_on_2)" -ge 3 ]; }
over() { ! kill -0 "$pid" 2>/dev/null; }

found_2() { victim=$(pid_of_rank 2) && [ -n "$victim" ]; }

works=on_2 # until this is true, it is left alone
# kills ARGUMENT...: worker 2 is killed while it works; the run ends with 0.
# 2: it was over before.
kills() {
    local pid rc
    rm -rf r go two.* held.*
    "$hayfork" "$@" --run-folder r -n 4 >out 2>err </dev/null &
    pid=$!
    # Looking for it takes a while.
    until_true eval 'over || found_2' && until_true eval "over || $works" &&
        ! over && kill -9 "$victim"
    touch go
    wait $pid
    rc=$?
    [ $rc = 0 ] || return 1
    grep -q 'lost worker 2 ' err || { echo "# it was over before"; return 2; }
    until_true nothing_left
}

# again: each task finished once, the lost ones at their second attempt
again() {
    awk -F'\t' '
        NR == 1 { next }
        $4 == "finished" { finished[$2]++; attempt[$2] = $3; next }
        $4 == "failed" && $12 ~ /^lost worker 2/ {
            lost[$2]++
            if ($8 <= 0 || $9 < $8) bad = 1 # when it was heard of, and lost
            next
        }
        { print "# " $0; bad = 1 }
        END {
            for (t in finished) if (finished[t] != 1) bad = 1
            for (t in lost) { n++; if (attempt[t] != 2) bad = 1 }
            exit bad || n == 0
        }' r/tasks.tsv &&
        [ "$(awk -F'\t' '$4 == "finished"' r/tasks.tsv | wc -l)" = "$1" ]
}

# The tasks of a replay wait for nobody: where it is over before the rank is
# killed, once more, and slower.
lost_in_replay() { # FILE TASKS
    local scale rc=2
    for scale in 0.3 1 3; do
        kills replay --time-scale $scale --slots 4 "$1"
        rc=$?
        [ $rc = 2 ] || break
    done
    [ $rc = 0 ] && again "$2"
}
instances=${HAYFORK_WFINSTANCES:-$SRCDIR/../shared/wfinstances}
montage=$instances/montage-chameleon-2mass-01d-001.json
if ! command -v python3 >/dev/null; then
    skip montage_outlives_a_rank "no python3"
elif [ -f "$montage" ]; then
    tasks=$(python3 -c 'import json, sys
w = json.load(open(sys.argv[1]))["workflow"]
print(len(w.get("specification", w)["tasks"]))' "$montage")
    check montage_outlives_a_rank lost_in_replay "$montage" "$tasks"
else
    skip montage_outlives_a_rank "no ../shared/wfinstances and no HAYFORK_WFINSTANCES"
fi

lost_in_run() {
    # Three or four end on worker 2; all others wait until it has been killed.
    # shellcheck disable=SC2016
    printf '#HAY name=a[1..60]\n%s; until [ -e go ]; do sleep 0.05; done; echo {n}\n' \
        'if tr "\\0" "\\n" </proc/$PPID/environ | grep -qx OMPI_COMM_WORLD_RANK=2; then for i in 1 2 3; do if [ ! -e two.$i ]; then touch two.$i; echo {n}; exit; fi; done; touch held.{n}; fi' >t.hay
    local works='{ on_2 && compgen -G "held.*" >/dev/null; }'
    kills run --slots 2 t.hay && again 60 &&
        [ "$("$hayfork" output --run-folder=r $(seq -f 'a[%g]' 60) | xargs)" = "$(seq 60 | xargs)" ]
}
check commands_outlive_a_rank lost_in_run

# The last one is stuck at its first attempt.
stuck() {
    printf '#HAY name=a[1..12]\nif [ {n} = 12 ] && [ "$HAY_TASK_ATTEMPT" = 1 ]; then echo stuck; exec sleep 1000; fi; sleep 0.1; echo {n}\n' >t.hay
    rm -rf r
    runs 0 run -n 4 --slots 1 --stragglers 3 --run-folder r t.hay &&
        [ "$(awk -F'\t' '$2 == "a[12]" {print $3, $4}' r/tasks.tsv | sort | xargs)" = "1 cancelled 2 finished" ] &&
        [ "$("$hayfork" output --run-folder=r 'a[12]')" = 12 ] && until_true nothing_left
}
check a_stuck_command_gets_a_second_attempt stuck

refused() {
    runs 2 run --stragglers 0.5 t.hay && grep -q 'bad value --stragglers=0.5' err &&
        runs 2 run --stragglers x t.hay
}
check factors_below_1_are_refused refused
finish
