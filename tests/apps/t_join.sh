#!/bin/bash
# Workers that join a run by hand: they take commands, are lost like others, and
# nobody comes in without the secret.
# time-limit: 240
. "$(dirname "$0")/support.sh"

echo true >one.hay
"$hayfork" run --listen --run-folder probe one.hay >out 2>err </dev/null
if grep -q 'built without ZeroMQ' err; then skip all "built without ZeroMQ"; exit; fi

# Two commands that end when both of them run, or have run: a worker of one slot
# is not enough.
for i in 1 2; do
    echo "touch s.$i; until [ -e s.1 ] && [ -e s.2 ]; do sleep 0.05; done; echo $i"
done >both.hay
# Two that wait for a word.
for i in 1 2; do echo "touch t.$i; until [ -e go ]; do sleep 0.05; done"; done >wait.hay

listens() { # RUN FILE OPTION...: sets run
    local folder=$1 file=$2
    shift 2
    rm -f s.* t.* go
    "$hayfork" run --listen --slots=1 --run-folder "$folder" "$@" "$file" >out 2>err </dev/null &
    run=$!
    set -- "$folder"
    until_true [ -s "$1/join" ]
}
joins() { # RUN: sets worker
    "$hayfork" worker --join="$1" --hay-slots=1 >out.w 2>err.w </dev/null &
    worker=$!
}
ends() { # PID STATUS
    local rc
    wait "$1"
    rc=$?
    [ $rc = "$2" ] || { echo "# exit status $rc, not $2"; cat err.w; return 1; }
}
finished() { awk -F'\t' '$4 == "finished"' "$1/tasks.tsv" | wc -l; }
both_started() { [ -e t.1 ] && [ -e t.2 ]; }

serves() {
    listens r1 both.hay && joins r1 && ends $run 0 && ends $worker 0 &&
        [ "$(finished r1)" = 2 ] && grep -q 'worker 2 on .* joins' err &&
        [ "$(awk -F'\t' '$4 == "finished" && $5 == 2' r1/tasks.tsv | wc -l)" -ge 1 ]
}
check a_worker_that_joins_takes_commands_until_the_run_ends serves
printed() { runs 0 output --run-folder=r1 1 2 && [ "$(sort out | xargs)" = "1 2" ]; }
check what_it_printed_is_found printed
check the_secret_is_gone_with_the_run [ ! -e r1/join ]

over_mpi() {
    listens r4 both.hay -n 2 && joins r4 && ends $run 0 && ends $worker 0 &&
        [ "$(finished r4)" = 2 ] && grep -q 'worker 2 on .* joins' err &&
        [ "$(awk -F'\t' '$4 == "finished" && $5 == 2' r4/tasks.tsv | wc -l)" -ge 1 ] &&
        [ ! -e r4/join ]
}
if have_mpirun; then
    check a_run_over_mpi_is_joined_the_same_way over_mpi
else
    skip a_run_over_mpi_is_joined_the_same_way "no mpirun"
fi

loses() {
    listens r2 wait.hay && joins r2 && until_true both_started &&
        kill -9 $worker && wait $worker 2>/dev/null
    until_true grep -q 'lost worker 2 ' err && touch go && ends $run 0 &&
        [ "$(finished r2)" = 2 ] && until_true nothing_left
}
check commands_of_a_killed_one_run_again loses

mode() { stat -c %a r3/join; }
refused() { # WORDS ARGUMENT...
    local words=$1
    shift
    runs 3 worker "$@" && grep -q "$words" err
}
strangers() {
    listens r3 wait.hay || return 1
    cp err err.run
    check the_secret_is_its_owners_alone [ "$(mode)" = 600 ]
    cp -r r3 wrong && chmod 640 wrong/join
    check a_secret_that_others_may_read_is_refused refused 'others may read' --join=wrong
    chmod 600 wrong/join
    "$hayfork" run --listen --slots=1 --run-folder other wait.hay >out.o 2>err.o </dev/null &
    local other=$!
    until_true [ -s other/join ]
    { grep -v ^guest r3/join; grep ^guest other/join; } | sort -r >text
    { head -n 1 r3/join; grep -v '^hayfork join' text; } >wrong/join
    check a_wrong_secret_is_refused refused 'the secret is not its own' --join=wrong
    touch go
    ends $other 0 && ends $run 0 && [ "$(finished r3)" = 2 ]
}
check strangers_do_no_harm strangers
check nobody_listens_any_more refused 'cannot be read' --join=r3

check a_worker_needs_a_run eval 'runs 2 worker && grep -q -e "--join=RUN is missing" err'
