#!/bin/bash
# hayfork submit --grow on three Slurm nodes: a run of one node gets workers in
# jobs of their own, which end with it; those that wait are cancelled.
# time-limit: 200
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/slurm_grow
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
testbed_up slurm 3
trap '"$SRCDIR/tests/testbed/slurm" down' EXIT

queue_is_empty() { [ -z "$(squeue -h)" ]; }
lines() { [ "$(wc -l 2>/dev/null <"$1")" = "$2" ]; }

# None ends before a task has run on each node.
cat >grow.hay <<'X'
#HAY name=half[1..6] out=half.{n}
hostname >at.{n}; until [ $(cat at.* | sort -u | wc -l) = 3 ]; do sleep 0.1; done; echo {n} >half.{n}
#HAY name=both[1..3] in=half.{n},half.4 out=both.{n}
cat half.{n} half.4 >both.{n}
X
id=$("$hayfork" submit --time 10 --grow 2 --backlog=0 grow.hay --slots=1)
ok "hayfork submit prints an id: $id" test -n "$id"
run=hayfork-runs/grow
ok 'two workers are submitted' wait_for 60 lines $run/job.workers 2
if ! ok 'the queue is empty again' wait_for 90 queue_is_empty || [ "$failed" = 1 ]; then squeue; fi
cat "$run/job-$id.out"
state=$(scontrol show job "$id" | grep -oE '(JobState|ExitCode)=[^ ]*' | xargs)
ok "the job is completed: $state" test "$state" = 'JobState=COMPLETED ExitCode=0:0'
ok 'each task finished, and once' eval '[ "$(table state | sort | uniq -c | xargs)" = "9 finished" ]'
ok 'all three workers have run tasks' eval '[ "$(table worker | sort -u | wc -l)" = 3 ]'
ok 'what was made elsewhere is there' eval '[ "$(cat both.1 both.2 both.3 | xargs)" = "1 4 2 4 3 4" ]'
while IFS=$'\t' read -r _ worker _; do
    cat "$run/job-$worker.out"
    state=$(scontrol show job "$worker" | grep -oE '(JobState|ExitCode)=[^ ]*' | xargs)
    ok "worker job $worker is completed: $state" test "$state" = 'JobState=COMPLETED ExitCode=0:0'
done <$run/job.workers
ok 'the secret is gone' test ! -e $run/join

# A run over MPI, on two nodes, gets the third one.
for i in $(seq 6); do
    echo "hostname >on.$i; until [ \$(cat on.* | sort -u | wc -l) = 3 ]; do sleep 0.1; done"
done >wide.hay
id=$("$hayfork" submit --nodes 2 --time 10 --grow 1 --backlog=0 wide.hay --slots=1)
ok 'the queue is empty again after a run on two nodes' wait_for 90 queue_is_empty
cat hayfork-runs/wide/job-*.out
state=$(scontrol show job "$id" | grep -oE '(JobState|ExitCode)=[^ ]*' | xargs)
ok "the job is completed: $state" test "$state" = 'JobState=COMPLETED ExitCode=0:0'
ok 'all three hosts were used' eval '[ "$(cat on.* | sort -u | wc -l)" = 3 ] && [ "$(table state | sort | uniq -c | xargs)" = "6 finished" ]'

# No node is free for them: they wait, and are cancelled at the end of the run.
other=$(sbatch --parsable -N 2 --exclusive --wrap 'sleep 100')
in_state() { [ "$(squeue -h -j "$1" -o %T)" = "$2" ]; }
ok 'two nodes are taken' wait_for 30 in_state "$other" RUNNING
for i in 1 2 3; do echo 'until [ -e go ]; do sleep 0.1; done'; done >wait.hay
id=$("$hayfork" submit --time 10 --grow 2 --backlog=0 wait.hay --slots=1)
ok 'workers wait' wait_for 60 lines hayfork-runs/wait/job.workers 2
ok 'status knows them' eval '"$hayfork" status wait | tee status | grep -q "worker jobs: 0 run, 2 wait"'
touch go
gone() { [ "$(squeue -h -o %i | xargs)" = "$other" ]; }
ok 'they are cancelled with its end' wait_for 60 gone
cat "hayfork-runs/wait/job-$id.out"
state=$(scontrol show job "$id" | grep -oE '(JobState|ExitCode)=[^ ]*' | xargs)
ok "the job is completed: $state" test "$state" = 'JobState=COMPLETED ExitCode=0:0'
scancel "$other"
exit $failed
