#!/bin/bash
# The launcher: exit statuses, what is left, ranks that die, hosts, starts at the
# same time.
# time-limit: 600
. "$(dirname "$0")/support.sh"

have_mpirun || { skip all "no mpirun"; exit; }

statuses() {
    runs 0 launch -n 3 sh -c 'echo rank $OMPI_COMM_WORLD_RANK' &&
        [ "$(sort out | tr '\n' ' ')" = "rank 0 rank 1 rank 2 " ] && [ ! -s err ] &&
        runs 7 launch -n 2 sh -c '[ $OMPI_COMM_WORLD_RANK = 1 ] || exit 7' &&
        runs 0 launch -n 2 sh -c '[ $OMPI_COMM_WORLD_RANK = 0 ] || exit 7' &&
        runs 143 launch -n 1 sh -c 'kill -TERM $$' && grep -q 'killed by signal 15' err &&
        runs 2 launch -n 2 ./none && runs 127 launch -n 1 none-such-program
}
check rank_0_has_the_exit_status statuses

launch_stdin() {
    echo hello | timeout 120 "$hayfork" launch -n 2 sh -c '[ $OMPI_COMM_WORLD_RANK != 0 ] || cat' >out 2>err &&
        [ "$(cat out)" = hello ]
}
check standard_input_is_rank_0s launch_stdin

launch_direct() {
    runs 5 launch sh -c '[ -z "$OMPI_COMM_WORLD_RANK" ] && exit 5'
}
check without_n_it_is_just_started launch_direct

launch_interrupted() {
    rm -f up
    "$hayfork" launch -n 2 sh -c '[ $OMPI_COMM_WORLD_RANK != 0 ] || touch up; exec tail -f /dev/null' >out 2>err </dev/null &
    local pid=$! rc
    until_true [ -e up ] || return
    kill -INT $pid
    wait $pid
    rc=$?
    [ $rc = 130 ] && until_true nothing_left
}
check interrupted_launch_ends launch_interrupted

no_mpirun() {
    echo 'touch ran' >t.hay
    PATH=$work/none HAYFORK_MPIRUN='' runs_plain 3 run -n 2 t.hay &&
        grep -q 'mpirun is not in PATH' err && [ ! -e ran ] && [ ! -e hayfork-runs ]
}
runs_plain() {
    local expected=$1 rc
    shift
    "$hayfork" "$@" >out 2>err </dev/null
    rc=$?
    [ $rc = "$expected" ]
}
check no_mpirun_is_told no_mpirun

ranks() { # N
    printf '#HAY name=a[1..20]\necho {n}\n' >t.hay
    runs 0 run --output=grouped -n "$1" t.hay && [ "$(sort -n out | tr '\n' ' ')" = "$(seq 20 | tr '\n' ' ')" ]
}
for n in 1 2 3 5; do check "run_with_${n}_ranks" ranks $n; done

hosts() {
    runs 0 run --hosts "localhost:2" --output=grouped t.hay && [ "$(wc -l <out)" = 20 ] &&
        grep -q ' of 2 workers' err && runs 2 run --hosts 'a b' t.hay
}
check hosts_are_counted hosts

plain_mpirun() {
    timeout 120 mpirun --allow-run-as-root --oversubscribe -n 3 "$hayfork" run --output=grouped t.hay >out 2>err </dev/null &&
        [ "$(wc -l <out)" = 20 ]
}
check under_a_plain_mpirun plain_mpirun

# Ranks that die: another worker runs what it had; without any, or without rank
# 0, the run ends with a word and status 3; and nothing is left.
# shellcheck disable=SC2016
dies() { # RANKS RANK STATUS WORDS
    local rc pid began
    rm -f up.* go
    printf '#HAY name=a[1..20]\ntouch up.$$; until [ -e go ]; do sleep 0.05; done\n' >t.hay
    "$hayfork" run -n "$1" t.hay >out 2>err </dev/null &
    pid=$!
    until_true eval 'compgen -G "up.*" >/dev/null' || return
    began=$SECONDS
    kill -9 "$(rank_pid "$2")" || return
    [ "$3" != 0 ] || touch go
    wait $pid
    rc=$?
    [ $rc = "$3" ] || { echo "# exit status $rc"; return 1; }
    # Far from what would end a hang.
    [ $((SECONDS - began)) -le 60 ] || { echo "# $((SECONDS - began)) s"; return 1; }
    grep -q "$4" err || return
    until_true nothing_left || { marked | sed 's/^/# left: /'; return 1; }
}
check a_worker_rank_is_killed dies 3 2 0 'lost worker 2 .* run again'
lost_line() {
    local runs=hayfork-runs/latest/tasks.tsv
    [ "$(cut -f4 $runs | grep -c finished)" = 20 ] && grep -q 'failed.*lost worker 2' $runs
}
check lost_attempts_are_recorded lost_line
check the_only_worker_rank_is_killed dies 2 1 3 'lost worker 1 .* the run ends'
check rank_0_is_killed dies 3 0 3 'rank 0 was killed by signal 9'

many_starts() {
    local i n=10 pids=() bad=0
    echo 'echo hello' >m.hay
    for i in $(seq $n); do "$hayfork" run -n 2 -q --output=grouped m.hay >"many.$i" 2>&1 </dev/null & pids+=($!); done
    for i in "${pids[@]}"; do wait "$i" || bad=1; done
    [ $bad = 0 ] && [ "$(cat many.* | sort | uniq -c | tr -s ' ')" = " $n hello" ] || { cat many.*; return 1; }
}
check many_start_at_the_same_time many_starts

# Open MPI's files lie in a folder of the run's own, below one that the user
# names, too: each mpirun removes what is common and empty when it ends, and
# others that are starting fail by that ("orte_session_dir failed").
own_folder() {
    local -x OMPI_MCA_orte_tmpdir_base=$work/mpi # not there yet
    # shellcheck disable=SC2016
    runs 0 launch -n 1 sh -c 'echo "$OMPI_MCA_orte_tmpdir_base"' &&
        [[ $(cat out) == "$work"/mpi/hayfork.?????? ]] && [ -d mpi ] && [ -z "$(ls -A mpi)" ]
}
check each_run_has_a_folder_for_mpi own_folder
