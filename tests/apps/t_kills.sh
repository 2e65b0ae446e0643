#!/bin/bash
# Runs that are killed with -9 at random instants, again and again, and resumed
# each time: what comes out is what an undisturbed run gives, and the journal
# has each task finished once.  In one process, and under mpirun: the launcher,
# rank 0, a worker.  By hand: KILLS=100 t_kills.sh (the seed that it prints, in
# SEED, repeats its choices).
# time-limit: 300
. "$(dirname "$0")/support.sh"

kills=${KILLS:-24}
seed=${SEED:-$$$RANDOM}
RANDOM=$((seed % 32768))
echo "# seed $seed, $kills kills"
mkdir -p tasks
cat >tasks/k.hay <<'END'
#HAY defaults retries=2
#HAY name=prep out=o/prep
echo prepared; echo prep >o/.prep.$$; mv o/.prep.$$ o/prep
#HAY name=sim[1..120] in=o/prep out=o/sim{n}
[ $(( {n} % 10 )) != 3 ] || [ "$HAY_TASK_ATTEMPT" -ge 2 ] || exit 9; echo sim {n}; echo err {n} >&2; seq {n} 400 >o/.sim{n}.$$; mv o/.sim{n}.$$ o/sim{n}
#HAY name=big[1..8] after=prep
seq {n} 60000
#HAY name=sum[1..120] in=o/sim{n} out=o/sum{n}
awk '{s += $1} END {print "sum", s}' "$HAY_IN_1" | tee o/.sum{n}.$$; mv o/.sum{n}.$$ o/sum{n}
echo unnamed 1
echo unnamed 2
echo unnamed 2
#HAY name=all after=sum,big
cat o/sum* | sort | cksum | tee o/.all.$$; mv o/.all.$$ o/all
END

fresh() { rm -rf "$1" && mkdir -p "$1/o" && cp tasks/k.hay "$1"; }
log_size() { stat -c %s "$1/r/journal.log" 2>/dev/null || echo 0; }
grown() { [ "$(log_size "$1")" -ge "$2" ] || over; }
over() { ! kill -0 "$pid" 2>/dev/null; }
outputs() { (cd "$1" && cat o/*) >"$2.files" && "$hayfork" output --run-folder "$1/r" --all >"$2.all"; }

# Each name has one finished attempt, and all have; what has no name is three.
once() { # FOLDER
    awk -F'\t' 'NR > 1 && $4 == "finished" { if ($2 == "") none++; else n[$2]++ }
        END { for (t in n) { all++; if (n[t] != 1) { print "# " t " finished " n[t] " times"; bad = 1 } }
            if (all != 250 || none != 3) { print "# " all " names, " none " without"; bad = 1 }
            exit bad }' "$1/r/tasks.tsv"
}

fresh calm
(cd calm && "$hayfork" run k.hay --run-folder r >../out 2>../err </dev/null) ||
    { not_ok calm "exit status $?"; exit 1; }
outputs calm calm
check calm_run_finishes_each_task_once once calm
calm_size=$(log_size calm)

# begin FOLDER OPTION...: in the background, its process in $pid.
begin() {
    local folder=$1
    shift
    (cd "$folder" && exec "$hayfork" run k.hay --run-folder r "$@" >>../out 2>>../err </dev/null) &
    pid=$!
}

# The run in this folder is over: what there is of it is right.
compare() {
    outputs "$1" "$1" && cmp calm.files "$1.files" && cmp calm.all "$1.all" && once "$1"
}

# storm FOLDER WHOM COUNT OPTION...: start, kill, resume, kill, ... and whenever
# a run comes to its end in spite of that, look, and begin anew.
storm() {
    local folder=$1 whom=$2 count=$3 done=0 ends=0 target victim rc
    shift 3
    fresh "$folder"
    while [ $done -lt "$count" ]; do
        begin "$folder" "$@"
        # From where it stands to the end, somewhere.
        target=$(log_size "$folder")
        target=$((target + 1 + (RANDOM * 32768 + RANDOM) % (calm_size / 4 + 1)))
        until_true grown "$folder" "$target" || return 1
        case $whom in
        process | launcher) victim=$pid ;;
        *) victim=$(rank_pid "$whom") ;;
        esac
        [ -z "$victim" ] || ! kill -9 "$victim" 2>/dev/null || done=$((done + 1))
        wait "$pid" 2>/dev/null
        rc=$?
        # What is left of it ends soon; until then the folder is in use.
        [ "$whom" = process ] || until_true nothing_left || return 1
        if [ $rc = 0 ]; then
            ends=$((ends + 1))
            compare "$folder" || return 1
            fresh "$folder"
        fi
    done
    echo "# $done kills, $ends runs that came to their end"
    if [ $rc != 0 ]; then
        (cd "$folder" && timeout 120 "$hayfork" resume r >../out 2>../err </dev/null)
        rc=$?
        [ $rc = 0 ] || { echo "# exit status $rc"; return 1; }
        compare "$folder"
    fi
}

check kill_9_and_resume_end_as_an_undisturbed_run storm alone process $kills
if have_mpirun; then
    few=$((kills / 4 + 1))
    check under_mpirun_when_the_launcher_is_killed storm launcher launcher $few -n 3
    check under_mpirun_when_rank_0_is_killed storm rank0 0 $few -n 3
    check under_mpirun_when_a_worker_is_killed storm worker 2 $few -n 3
else
    skip under_mpirun "no mpirun"
fi
check nothing_runs_any_more until_true nothing_left
