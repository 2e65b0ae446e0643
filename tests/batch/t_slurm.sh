#!/bin/bash
# A task file as a Slurm job on three nodes, by the script that users submit.
# time-limit: 300
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/slurm
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
testbed_up slurm 3
trap '"$SRCDIR/tests/testbed/slurm" down' EXIT
make_tasks
export HAYFORK=$hayfork

id=$(sbatch --parsable -N 3 "$SRCDIR/batch/slurm" tasks.hay)
ok 'sbatch takes batch/slurm as it is' test -n "$id"
for _ in {1..300}; do
    [ -n "$(squeue -h -j "$id" 2>/dev/null)" ] || break
    sleep 0.3
done
cat "hayfork-$id.out"
state=$(scontrol show job "$id" | grep -oE '(JobState|ExitCode)=[^ ]*' | xargs)
ok "the job is completed: $state" test "$state" = 'JobState=COMPLETED ExitCode=0:0'
ok 'each task finished, and once' each_once
ok 'tasks ran on all three nodes' hosts_used 3

# A failing task is the job's failure, too.
printf 'true\nfalse\n' >fails.hay
id=$(sbatch --parsable -N 2 "$SRCDIR/batch/slurm" fails.hay)
for _ in {1..300}; do
    [ -n "$(squeue -h -j "$id" 2>/dev/null)" ] || break
    sleep 0.3
done
state=$(scontrol show job "$id" | grep -oE '(JobState|ExitCode)=[^ ]*' | xargs)
ok "the job of a failing task is failed: $state" test "$state" = 'JobState=FAILED ExitCode=1:0'
exit $failed
