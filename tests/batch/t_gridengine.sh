#!/bin/bash
# A task file as a Grid Engine job on three hosts, by the script that users
# submit.
# time-limit: 300
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/gridengine
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
testbed_up gridengine 3
trap '"$SRCDIR/tests/testbed/gridengine" down' EXIT
make_tasks
export HAYFORK=$hayfork

# -sync y waits for the job's end and passes on its exit status.
timeout 120 qsub -sync y -pe spread 6 "$SRCDIR/batch/gridengine" tasks.hay
rc=$?
cat hayfork-*.out
ok "the job ends with 0: $rc" test $rc = 0
ok 'each task finished, and once' each_once
ok 'tasks ran on all three hosts' hosts_used 3

printf 'true\nfalse\n' >fails.hay
timeout 120 qsub -sync y -pe mpi 2 "$SRCDIR/batch/gridengine" fails.hay
rc=$?
ok "the job of a failing task ends with 1: $rc" test $rc = 1
exit $failed
