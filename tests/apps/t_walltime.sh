#!/bin/bash
# The walltime: what does not fit is not started, what runs too long is ended,
# the exit status says that there is more to do.
# time-limit: 300
. "$(dirname "$0")/support.sh"

states() { # the states of all attempts, and how many of each
    cut -f4 hayfork-runs/"$1"/tasks.tsv | tail -n +2 | sort | uniq -c |
        awk '{printf "%s%s %s", sep, $2, $1; sep = ", "}'
}

column() { # RUN NAME of tasks.tsv
    awk -F'\t' -v name="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i; next}
                             {print $at}' hayfork-runs/"$1"/tasks.tsv
}

# 40 tasks of 1 s on 2 cores with 5 s of work: most of them are left.
fits() {
    for i in $(seq 40); do echo "sleep 1"; done >fits.hay
    runs 75 run --slots 2 --time-left 10 "$@" fits.hay || return
    grep -q 'leaves .* tasks over: there is more to do' err || return
    ! states fits | grep -q failed &&
        [ "$(column fits cause | grep -c walltime)" = "$(column fits state | grep -c cancelled)" ] &&
        # None was begun and ended: all that is left was never started.
        [ "$(paste <(column fits attempt) <(column fits state) | grep -c '[1-9].*cancelled')" = 0 ]
    local rc=$?
    rm -rf hayfork-runs
    return $rc
}

# What nobody knows is started, and ended before the deadline.
ended_by_force() {
    printf 'true\nsleep 100\n' >long.hay
    runs 75 run --slots 2 --time-left 12 long.hay || return
    grep -q '1 finished' err &&
        column long reason | grep -q 'walltime: it was over before the task'
}

none_finished() {
    printf 'sleep 100\n' >none.hay
    runs 3 run --slots 1 --time-left 6 none.hay &&
        grep -q 'another job as long would do no better' err
}

# A deadline that has passed: nothing starts.
too_late() {
    printf 'touch late\n' >late.hay
    HAYFORK_DEADLINE=$(($(date +%s) - 1)) runs 3 run late.hay && [ ! -e late ]
}

bad_values() {
    printf 'true\n' >bad.hay
    runs 2 run --time-left soon bad.hay && grep -q 'time-left' err || return
    HAYFORK_DEADLINE=tomorrow runs 2 run bad.hay && grep -q HAYFORK_DEADLINE err
}

# The shell round it has no handler, and lives; the program saves and says 75.
warned() {
    cat >saver <<'SH'
#!/bin/bash
trap 'echo saved >state; exit 75' USR1
while :; do sleep 0.1; done
SH
    chmod +x saver
    printf '#HAY warn=3s name=saver\n./saver; exit $?\n#HAY after=saver\ntouch after\n' >warn.hay
    runs 75 run --slots 1 --time-left 14 warn.hay || return
    [ -e state ] && [ ! -e after ] && grep -q 'has saved what it had' err &&
        column warn reason | grep -q 'exit status 75 after the warning'
}

# 75 without a warning is a failure as any other.
not_warned() {
    printf 'exit 75\n' >fail.hay
    runs 1 run --time-left 60 fail.hay
}

begin() { # ARGUMENT ...: in the background, until a task runs
    rm -rf begun go hayfork-runs
    printf 'touch begun; while [ ! -e go ]; do sleep 0.05; done\n' >t.hay
    for i in 1 2 3; do echo "touch more.$i"; done >>t.hay
    "$hayfork" run --slots 1 "$@" t.hay >out 2>err </dev/null &
    pid=$!
    until_true [ -e begun ]
}

ends() { # STATUS
    local rc
    wait $pid
    rc=$?
    rm -f more.*
    [ $rc = "$1" ] || { echo "# exit status $rc"; return 1; }
}

# Nobody knows the end but who sends this: no new task starts.
hint_without_deadline() { # SIGNAL OPTION ...
    local number=$1
    shift
    begin "$@" || return
    kill "-$number" $pid
    until_true grep -q 'no new task starts' err || return
    kill "-$number" $pid
    touch go
    ends 75 && grep -q '1 finished, 3 cancelled' err
}

# The end is far: a hint is no reason to stop.
hint_too_early() {
    begin --time-left 1h "$@" || return
    kill -USR1 $pid
    until_true grep -q 'the run goes on' err || return
    kill -USR2 $pid
    touch go
    ends 0
}

hint_near_the_end() {
    begin --time-left 10s "$@" || return
    kill -USR1 $pid
    until_true grep -q 'no new task starts' err || return
    touch go
    ends 75
}

# The batch system has moved the end.
moved() {
    echo $(($(date +%s) + 12)) >deadline
    HAYFORK_DEADLINE_FILE=$PWD/deadline begin --time-left 1h "$@" || return
    ends 3 && grep -q 'another job as long would do no better' err
}

# A program on the library: exit status, and what its functions see.
stats_of_a_run_that_was_killed() {
    printf 'sleep 1\nsleep 1\nsleep 30\nsleep 30\n' >k.hay
    runs 75 run --slots 2 --time-left 12 k.hay && [ "$(states k)" = "cancelled 2, finished 2" ]
}

# As batch jobs do it: again and again until it is done.  What is left is known
# to take long, and is not begun where it would not fit.
again_until_done() {
    local jobs=0 rc=75
    rm -rf hayfork-runs done.*
    for i in $(seq 20); do echo "sleep 1; echo $i >>done.$i"; done >again.hay
    while [ $rc = 75 ] && [ $jobs -lt 10 ]; do
        jobs=$((jobs + 1))
        timeout 60 "$hayfork" run --slots 2 --time-left 12 --run-folder again again.hay >out 2>err </dev/null
        rc=$?
    done
    echo "# $jobs jobs"
    [ $rc = 0 ] && [ $jobs -gt 1 ] && [ "$(cat done.* | wc -l)" = 20 ]
}

# A job that is too short for what is left says so at once.
known_to_be_too_long() {
    rm -rf hayfork-runs
    printf 'sleep 3; true\n' >known.hay
    runs 0 run --slots 1 --run-folder known known.hay || return
    printf 'sleep 3; true\nsleep 3; echo 2\n' >known.hay
    runs 3 run --slots 1 --time-left 7 --run-folder known known.hay &&
        grep -q '0 finished, 1 cancelled' err && grep -q 'another job as long would do no better' err
}

check fits fits
check again_until_done again_until_done
check known_to_be_too_long known_to_be_too_long
check ended_by_force ended_by_force
check none_finished none_finished
check too_late too_late
check bad_values bad_values
check warned warned
check not_warned not_warned
check usr1_without_deadline hint_without_deadline USR1
check usr2_without_deadline hint_without_deadline USR2
check hint_too_early hint_too_early
check hint_near_the_end hint_near_the_end
check moved moved
check what_is_left_is_counted stats_of_a_run_that_was_killed
if have_mpirun; then
    check fits_under_mpirun fits -n 2
    check usr1_under_mpirun hint_without_deadline USR1 -n 2
    check usr2_under_mpirun hint_without_deadline USR2 -n 2
    check hint_too_early_under_mpirun hint_too_early -n 2
    check moved_under_mpirun moved -n 2
else
    skip under_mpirun "no mpirun"
fi
exit $((failures > 0))
