#!/bin/bash
# Workers that join a run and leave it in order: at a signal, when they have had
# nothing to do, before their job ends; and those that do not.
# time-limit: 300
. "$(dirname "$0")/support.sh"

echo true >one.hay
"$hayfork" run --listen --run-folder probe one.hay >out 2>err </dev/null
if grep -q 'built without ZeroMQ' err; then skip all "built without ZeroMQ"; exit; fi

# Each waits for a word of its own, or for the word for all.
for i in 1 2 3 4; do
    echo "touch t.$i; until [ -e go.$i ] || [ -e go ]; do sleep 0.05; done; echo $i"
done >wait.hay

listens() { # RUN FILE OPTION...: sets run
    local folder=$1 file=$2
    shift 2
    rm -f t.* go go.*
    timeout 90 "$hayfork" run --listen --slots=1 --run-folder "$folder" "$@" "$file" >out 2>err </dev/null &
    run=$!
    until_true [ -s "$folder/join" ]
}
joins() { # RUN OPTION...: sets worker
    local folder=$1
    shift
    "$hayfork" worker --join="$folder" --hay-slots=1 "$@" >out.w 2>err.w </dev/null &
    worker=$!
}
ends() { # PID STATUS
    local rc
    wait "$1"
    rc=$?
    [ $rc = "$2" ] || { echo "# exit status $rc, not $2"; cat err.w; return 1; }
}
started() { [ "$(find . -maxdepth 1 -name 't.*' | wc -l)" -ge "$1" ]; }
attempts() { awk -F'\t' 'NR > 1 {print $4}' "$1/tasks.tsv" | sort | uniq -c | xargs; }
at_a_signal() { # RUN SIGNAL
    listens "$1" wait.hay && joins "$1" && until_true started 2 || return 1
    kill "-$2" $worker
    until_true grep -q 'worker 2 on .* leaves' err && touch go &&
        ends $worker 0 && ends $run 0 && [ "$(attempts "$1")" = "4 finished" ] &&
        ! grep -q lost err && until_true nothing_left
}
check a_worker_leaves_in_order_at_SIGTERM at_a_signal r1 TERM
check a_worker_leaves_in_order_at_SIGINT at_a_signal r2 INT
check a_worker_leaves_in_order_at_SIGUSR1 at_a_signal r3 USR1
printed() { runs 0 output --run-folder=r1 1 2 3 4 && [ "$(sort out | xargs)" = "1 2 3 4" ]; }
check what_it_printed_is_found printed

gets_nothing_more() {
    listens r4 wait.hay && joins r4 && until_true started 2 || return 1
    kill -TERM $worker
    until_true grep -q 'worker 2 on .* leaves' err || return 1
    # Its task ends, whichever it is, and nothing follows there.
    for i in t.*; do touch "go.${i#t.}"; done
    ends $worker 0 || return 1
    touch go
    ends $run 0 &&
        [ "$(awk -F'\t' 'NR > 1 && $5 == 2' r4/tasks.tsv | wc -l)" = 1 ] &&
        [ "$(attempts r4)" = "4 finished" ]
}
check one_that_leaves_ends_its_task_and_gets_no_other gets_nothing_more

at_two_signals() {
    listens r5 wait.hay && joins r5 && until_true started 2 || return 1
    kill -TERM $worker
    until_true grep -q 'worker 2 on .* leaves' err && kill -TERM $worker
    ends $worker 143 && until_true grep -q 'lost worker 2 ' err && touch go &&
        ends $run 0 && [ "$(awk -F'\t' '$4 == "finished"' r5/tasks.tsv | wc -l)" = 4 ] &&
        until_true nothing_left
}
check a_second_signal_ends_it_at_once at_two_signals

# Rank 0 has the only task from the start: whoever joins has nothing to do.
joins_idle() { # RUN OPTION...
    head -n 1 wait.hay >first.hay
    local folder=$1
    shift
    listens "$folder" first.hay && until_true started 1 && joins "$folder" "$@"
}
leaves_idle() { # RUN WORDS
    ends $worker 0 && grep -q "$2" err.w && grep -q 'worker 2 on .* leaves' err && touch go &&
        ends $run 0 && [ "$(attempts "$1")" = "1 finished" ] && ! grep -q lost err
}
when_idle() { joins_idle r6 --idle-timeout 1 && leaves_idle r6 'nothing to do for 1 s'; }
check one_without_work_leaves_after_its_idle_timeout when_idle
before_its_end() { joins_idle r7 --time-left=7 && leaves_idle r7 'its time is nearly over'; }
check one_leaves_before_its_job_ends before_its_end

at_its_end() {
    listens r9 wait.hay && joins r9 --time-left=20 && until_true started 2 || return 1
    ends $worker 3 && grep -q 'its time is over' err.w &&
        until_true grep -q 'lost worker 2 .* its task runs again' err && touch go &&
        ends $run 0 && [ "$(awk -F'\t' '$4 == "finished"' r9/tasks.tsv | wc -l)" = 4 ] &&
        until_true nothing_left
}
check what_does_not_end_in_time_runs_again_elsewhere at_its_end

fenced() {
    listens r10 wait.hay --hay-silence=4 && joins r10 && until_true started 2 || return 1
    kill -STOP $worker
    until_true grep -q 'lost worker 2 .*: it has been silent for too long' err && kill -CONT $worker
    # Before, the shell may tell that it is stopped.
    until_true eval '! kill -0 $worker 2>/dev/null' && ends $worker 3 && touch go && ends $run 0 &&
        [ "$(awk -F'\t' '$4 == "finished"' r10/tasks.tsv | wc -l)" = 4 ] && until_true nothing_left
}
check a_silent_one_is_given_up_and_ends_itself fenced

check a_time_has_to_be_one eval \
    'runs 2 worker --join=r1 --idle-timeout=soon && grep -q "is no time" err'
check an_option_without_its_value_is_refused eval \
    'runs 2 worker --join=r1 --idle-timeout && grep -q "incomplete option" err'
[ $failures = 0 ]
