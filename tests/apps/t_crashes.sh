#!/bin/bash
# crashes: tasks that do the worst in process slots, each failing alone for its
# own reason, and no process left.
# time-limit: 240
. "$(dirname "$0")/support.sh"
crashes=$BUILDDIR/apps/examples/crashes

reasons() {
    ! grep 'NOT as it should be' out || return
    grep -q '^dereferences_null *failed *signal *signal 11' out &&
        grep -q '^calls_exit *failed *exit .*exit status 3' out &&
        grep -q '^calls_abort *failed *signal *signal 6' out &&
        grep -q '^sleeps_for_ever *failed *time limit *time limit of 0.5 s' out &&
        grep -q '^takes_all_memory *failed *memory limit *memory limit of 128.0 MiB (used' out &&
        grep -q '^writes_over_its_input *failed *signal ' out &&
        grep -q '^1000 of 1000 other tasks gave the right result' out
}

alone() {
    timeout 100 "$crashes" --hay-run-folder "r$1" "${@:2}" >out 2>err </dev/null || { echo "# exit status $?"; return 1; }
    reasons && until_true nothing_left || return
    [ "$(awk -F '\t' '$4 == "failed" { print $13 }' "r$1/tasks.tsv" | sort -u | tr '\n' ,)" = \
        'dependency,exit,memory limit,output limit,signal,status,time limit,' ]
}
check each_bad_task_fails_alone alone 1
check each_bad_task_fails_alone_with_one_slot alone 2 --hay-slots=1

with_mpirun() {
    timeout 100 mpirun --oversubscribe -n 3 "$crashes" --hay-quiet >out 2>err </dev/null || { echo "# exit status $?"; return 1; }
    reasons && until_true nothing_left
}
launched() {
    timeout 100 "$hayfork" launch -n 2 "$crashes" --hay-quiet >out 2>err </dev/null || { echo "# exit status $?"; return 1; }
    reasons && until_true nothing_left
}
if have_mpirun; then
    check each_bad_task_fails_alone_on_ranks with_mpirun
    check each_bad_task_fails_alone_when_launched launched
else
    skip mpirun "there is no mpirun"
fi

killed() {
    "$crashes" --hay-run-folder rk >out 2>err </dev/null &
    local pid=$!
    until_true grep -qs "^task" rk/tasks.tsv || return
    kill -KILL $pid
    wait $pid
    until_true nothing_left || { marked | sed 's/^/# left: /'; return 1; }
}
check nothing_is_left_when_the_rank_is_killed killed
