#!/bin/bash
# hayfork submit --grow on three hosts of Grid Engine: a run of one node gets workers in
# jobs of their own, which end with it; those that wait are cancelled.
# time-limit: 200
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/gridengine_grow
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
testbed_up gridengine 3
trap '"$SRCDIR/tests/testbed/gridengine" down' EXIT

queue_is_empty() { [ -z "$(qstat -u "*")" ]; }
lines() { [ "$(wc -l 2>/dev/null <"$1")" = "$2" ]; }

# None ends before a task has run on each node.
cat >grow.hay <<'X'
#HAY name=half[1..6] out=half.{n}
hostname >at.{n}; until [ $(cat at.* | sort -u | wc -l) = 3 ]; do sleep 0.1; done; echo {n} >half.{n}
#HAY name=both[1..3] in=half.{n},half.4 out=both.{n}
cat half.{n} half.4 >both.{n}
X
id=$("$hayfork" submit --system=gridengine --pe mpi --cpus 4 --time 10 --grow 2 --backlog=0 grow.hay --slots=1)
ok "hayfork submit prints an id: $id" test -n "$id"
run=hayfork-runs/grow
ok 'two workers are submitted' wait_for 60 lines $run/job.workers 2
if ! ok 'the queue is empty again' wait_for 90 queue_is_empty || [ "$failed" = 1 ]; then qstat -f; fi
cat "$run/job-$id.out"
ok 'the job has ended well' grep -q 'exit status 0' "$run/job-$id.out"
ok 'each task finished, and once' eval '[ "$(table state | sort | uniq -c | xargs)" = "9 finished" ]'
ok 'all three workers have run tasks' eval '[ "$(table worker | sort -u | wc -l)" = 3 ]'
ok 'what was made elsewhere is there' eval '[ "$(cat both.1 both.2 both.3 | xargs)" = "1 4 2 4 3 4" ]'
while IFS=$'\t' read -r _ worker _; do
    cat "$run/job-$worker.out"
    ok "worker job $worker has ended well" grep -q 'exit status 0' "$run/job-$worker.out"
done <$run/job.workers
ok 'the secret is gone' test ! -e $run/join

# No host is free for them: they wait, and are cancelled at the end of the run.
ok 'two hosts are taken' eval 'qsub -terse -b y -cwd -o /dev/null -j y -pe spread 8 -l "h=n2|n3" sleep 100 >other'
other=$(cat other)
in_state() { qstat -u '*' | awk -v id="$1" -v state="$2" '$1 == id && $5 == state {n++} END {exit n == 0}'; }
wait_for 30 in_state "$other" r
for i in 1 2 3; do echo 'until [ -e go ]; do sleep 0.1; done'; done >wait.hay
id=$("$hayfork" submit --system=gridengine --pe mpi --cpus 4 --time 10 --grow 2 --backlog=0 wait.hay --slots=1)
ok 'workers wait' wait_for 60 lines hayfork-runs/wait/job.workers 2
ok 'status knows them' eval '"$hayfork" status wait | tee status | grep -q "worker jobs: 0 run, 2 wait"'
touch go
gone() { [ "$(qstat -u '*' | awk 'NR > 2 {print $1}' | xargs)" = "$other" ]; }
ok 'they are cancelled with its end' wait_for 60 gone
cat "hayfork-runs/wait/job-$id.out"
ok 'the job has ended well' grep -q 'exit status 0' "hayfork-runs/wait/job-$id.out"
qdel "$other"
exit $failed
