#!/bin/bash
# hayfork submit on three Slurm nodes, with more work than a job's time limit
# holds: the job puts itself back into the queue until all is done.  Then a job
# that is killed in mid-run and resumed, and one whose first node crashes.
# time-limit: 560
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/slurm_again
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
testbed_up slurm 3
trap '"$SRCDIR/tests/testbed/slurm" down' EXIT

in_queue() { [ -n "$(squeue -h -j "$1" 2>/dev/null)" ]; }

not_in_queue() { ! in_queue "$1"; }
finished() { [ "$(awk -F '\t' '$4 == "finished"' "hayfork-runs/$1/tasks.tsv" 2>/dev/null | wc -l)" -ge "$2" ]; }

# Each name once as finished, and what each wrote is there once.
all_once() { # RUN TASKS
    [ "$(awk -F '\t' '$4 == "finished" {print $2}' "hayfork-runs/$1/tasks.tsv" | sort | uniq -c | awk '$1 == 1' | wc -l)" = "$2" ] &&
        [ "$("$hayfork" output --run-folder "hayfork-runs/$1" --all | sort -n | xargs)" = "$(seq "$2" | xargs)" ]
}

# ---- more work than a minute -------------------------------------------------

tasks=${TASKS:-72}
printf '#HAY name=step[1..%s]\nsleep 5; echo {n}\n' "$tasks" >again.hay
id=$("$hayfork" submit --nodes 3 --time 1 again.hay)
ok "hayfork submit prints an id: $id" test -n "$id"
ok 'status knows the job' eval '"$hayfork" status again | grep -q "job $id (slurm)"'
ok 'the job leaves the queue' wait_for 400 not_in_queue "$id"
state=$(scontrol show job "$id" | grep -oE '(JobState|ExitCode|Restarts)=[^ ]*' | xargs)
ok "it is completed: $state" eval '[[ $state == *JobState=COMPLETED*ExitCode=0:0* ]]'
ok 'it was in the queue again' eval '[[ $state == *Restarts=[1-9]* ]]'
cat "hayfork-runs/again/job-$id.out"
ok 'each task finished, and once' all_once again "$tasks"
ok 'none was killed by the walltime' eval '[ -z "$(awk -F "\t" "NR > 1 && \$3 > 0 && \$4 != \"finished\"" hayfork-runs/again/tasks.tsv)" ]'

# ---- killed in mid-run ---------------------------------------------------------

printf '#HAY name=step[1..60]\nsleep 0.5; echo {n}\n' >killed.hay
id=$("$hayfork" submit --nodes 3 --time 5 killed.hay)
ok 'tasks finish' wait_for 60 finished killed 12
scancel --signal=KILL --full "$id"
ok 'the killed job leaves the queue' wait_for 60 not_in_queue "$id"
ok 'not all was done' eval '! finished killed 60'
"$hayfork" resume hayfork-runs/killed 2>resume.err
rc=$?
cat resume.err
ok "hayfork resume ends with 0: $rc" test $rc = 0
ok 'each task finished, and once, after that' all_once killed 60

# ---- the first node crashes ------------------------------------------------------

printf '#HAY name=step[1..90]\nsleep 0.5; echo {n}\n' >crash.hay
id=$("$hayfork" submit --nodes 3 --time 5 crash.hay)
ok 'tasks finish' wait_for 60 finished crash 12
first=$(scontrol show hostnames "$(squeue -h -j "$id" -o %N)" | head -n 1)
"$SRCDIR/tests/testbed/slurm" kill "$first"
is_down() { sinfo -h -n "$first" -o %T | grep -q down; }
ok 'Slurm sees the crash' wait_for 60 is_down
"$SRCDIR/tests/testbed/slurm" start "$first"
scontrol update NodeName="$first" State=RESUME 2>/dev/null
ok 'the job ends' wait_for 120 not_in_queue "$id"
state=$(scontrol show job "$id" | grep -oE '(JobState|ExitCode)=[^ ]*' | xargs)
cat "hayfork-runs/crash/job-$id.out"
ok "it is completed: $state" test "$state" = 'JobState=COMPLETED ExitCode=0:0'
ok 'each task finished, and once, after a crash' all_once crash 90
exit $failed
