#!/bin/bash
# A task file as a PBS job.  No PBS is in Debian, so this does what one does
# to a job: a copy of the script is read by a login shell from standard input,
# in the home folder, in a session of its own, with PBS's variables.
# time-limit: 120
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/pbs
. "$SRCDIR/tests/support/farm.sh"
[ -x "$hayfork" ] || skip "no $hayfork"
command -v mpirun >/dev/null || skip 'no mpirun'
make_tasks
mkdir home
for _ in 1 2; do hostname; done >nodes
qsub() { # ARGUMENTS, for TASKS
    (
        export HAYFORK=$hayfork TASKS=$1 HOME=$PWD/home PBS_O_WORKDIR=$PWD \
            PBS_NODEFILE=$PWD/nodes PBS_JOBID=1.stub PBS_JOBNAME=hayfork \
            PBS_ENVIRONMENT=PBS_BATCH PBS_QUEUE=stub NCPUS=2
        cd home && timeout 60 setsid -w bash -l <"$SRCDIR/batch/pbs"
    )
}
qsub tasks.hay
rc=$?
ok "the job ends with 0: $rc" test $rc = 0
ok 'each task finished, and once' each_once
printf 'true\nfalse\n' >fails.hay
qsub fails.hay
rc=$?
ok "the job of a failing task ends with 1: $rc" test $rc = 1
exit $failed
