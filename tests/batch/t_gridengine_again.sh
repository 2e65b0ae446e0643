#!/bin/bash
# hayfork submit on three Grid Engine hosts, with more work than a job's time
# limit holds: the job puts itself back into the queue until all is done.  Then
# a job that is deleted in mid-run, and resumed.
# time-limit: 400
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/gridengine_again
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
testbed_up gridengine 3
trap '"$SRCDIR/tests/testbed/gridengine" down' EXIT

not_in_queue() { ! qstat -u '*' | grep -qw "^ *$1"; }
finished() { [ "$(awk -F '\t' '$4 == "finished"' "hayfork-runs/$1/tasks.tsv" 2>/dev/null | wc -l)" -ge "$2" ]; }
all_once() { # RUN TASKS
    [ "$(awk -F '\t' '$4 == "finished" {print $2}' "hayfork-runs/$1/tasks.tsv" | sort | uniq -c | awk '$1 == 1' | wc -l)" = "$2" ] &&
        [ "$("$hayfork" output --run-folder "hayfork-runs/$1" --all | sort -n | xargs)" = "$(seq "$2" | xargs)" ]
}

tasks=${TASKS:-30}
printf '#HAY name=step[1..%s]\nsleep 5; echo {n}\n' "$tasks" >again.hay
id=$("$hayfork" submit --nodes 3 --pe spread --time 30s again.hay)
ok "hayfork submit prints an id: $id" test -n "$id"
ok 'status knows the job' eval '"$hayfork" status again | grep -q "job $id (gridengine)"'
ok 'the job leaves the queue' wait_for 250 not_in_queue "$id"
cat "hayfork-runs/again/job-$id.out"
ok 'it was in the queue again' grep -q 'exit status 75' "hayfork-runs/again/job-$id.out"
ok 'its last status is 0' eval '[ "$(grep -o "exit status [0-9]*" "hayfork-runs/again/job-$id.out" | tail -n 1)" = "exit status 0" ]'
ok 'each task finished, and once' all_once again "$tasks"

printf '#HAY name=step[1..60]\nsleep 0.5; echo {n}\n' >killed.hay
id=$("$hayfork" submit --nodes 3 --pe spread killed.hay)
ok 'tasks finish' wait_for 60 finished killed 12
ok 'hayfork cancel deletes the job' "$hayfork" cancel killed
ok 'it leaves the queue' wait_for 60 not_in_queue "$id"
ok 'not all was done' eval '! finished killed 60'
"$hayfork" resume hayfork-runs/killed 2>resume.err
rc=$?
cat resume.err
ok "hayfork resume ends with 0: $rc" test $rc = 0
ok 'each task finished, and once, after that' all_once killed 60
exit $failed
