#!/bin/bash
# batch/job with a stand-in for hayfork: arguments, exit status, signals, and
# the temporary folder.
: "${SRCDIR:?is set by tests/run-tests}"
name=batch/job
failed=0
ok() { # TEXT COMMAND ...
    local text=$1
    shift
    if "$@"; then echo "ok $name: $text"; else echo "not ok $name: $text"; failed=1; fi
}

# Says what it got; "wait" as its task file: until a signal comes.  (A shell
# cannot trap what was ignored when it began; hayfork can.)
cat >stand-in <<'EOS'
#!/usr/bin/env -S --default-signal=USR1,USR2 bash
trap 'echo got USR1; exit 75' USR1
trap 'echo got USR2; exit 75' USR2
trap 'echo got TERM; exit 143' TERM
echo "$*" >args
echo "$OMPI_MCA_orte_tmpdir_base" >base
[ -d "$OMPI_MCA_orte_tmpdir_base" ] && touch existed
echo "${HAYFORK_DEADLINE:-none}" >deadline
[ "$2" != more ] || exit 75
[ "$2" != wait ] || { echo ready >fifo; while :; do sleep 0.05; done; }
exit 7
EOS
chmod +x stand-in
export HAYFORK=$PWD/stand-in SLURM_SUBMIT_DIR=$PWD PBS_O_WORKDIR=$PWD
mkdir batch
ln -s "$SRCDIR/batch/job" batch/job
mkfifo fifo

for system in slurm gridengine pbs; do
    rm -f args base existed
    bash "$SRCDIR/batch/$system" tasks.hay --output=files >out
    rc=$?
    ok "$system passes on the exit status: $rc" test $rc = 7
    ok "$system runs 'hayfork run' with the arguments" test "$(cat args)" = 'run tasks.hay --output=files'
    ok "$system has a temporary folder for MPI" test -e existed
    ok "$system removes it" test ! -e "$(cat base)"
done
TASKS='a.hay -n 2' bash "$SRCDIR/batch/pbs" >out
ok 'pbs takes its arguments from TASKS' test "$(cat args)" = 'run a.hay -n 2'
bash "$SRCDIR/batch/slurm" >out 2>&1
rc=$?
ok "no task file: wrong use, $rc" test $rc = 2
HAYFORK=/nowhere PATH=/usr/bin:/bin bash "$SRCDIR/batch/slurm" x >out 2>&1
rc=$?
ok "no hayfork: $rc and a word" eval 'test $rc = 2 && grep -q HAYFORK= out'

# Batch systems' commands that say what they were asked.
mkdir bin
cat >bin/scontrol <<'EOS'
#!/bin/bash
echo "scontrol $*" >>asked
[ ! -e ended ] || kill $$
[ ! -e refuse ]
EOS
cat >bin/squeue <<'EOS'
#!/bin/bash
echo "2030-01-31T12:00:00"
EOS
cat >bin/qsub <<'EOS'
#!/bin/bash
printf '<%s>' "$@" >>asked
echo 13.server
EOS
cat >bin/qstat <<'EOS'
#!/bin/bash
echo "    Resource_List.walltime = 01:00:30"
EOS
chmod +x bin/*
PATH=$PWD/bin:$PATH
export SLURM_JOB_ID=12 PBS_JOBID=12.server

# A hint that comes before the script listens, and one before hayfork does.
mkdir early
printf '#!/bin/bash\nkill -USR1 $MAIN\n' >early/squeue
cp early/squeue early/qstat
printf '#!/bin/bash\nkill -USR1 $$\nexit 7\n' >early/hayfork
chmod +x early/*
for system in slurm gridengine pbs; do
    JOB_ID=12 HAYFORK=$PWD/early/hayfork PATH=$PWD/early:$PATH \
        bash -c 'export MAIN=$$; exec bash "$@"' bash "$SRCDIR/batch/$system" tasks.hay >out 2>&1
    rc=$?
    ok "a hint as soon as the job of $system starts does not end it: $rc" test $rc = 7
done

bash "$SRCDIR/batch/slurm" more >out
rc=$?
ok "slurm: more to do is put back into the queue: $rc" eval 'test $rc = 0 && grep -qx "scontrol requeue 12" asked'
ok 'slurm: the deadline is what squeue says' test "$(cat deadline)" = "$(date -d 2030-01-31T12:00:00 +%s)"
touch ended
bash "$SRCDIR/batch/slurm" more >out 2>&1
rc=$?
ok "slurm: scontrol may end with the job that it requeues: $rc" eval 'test $rc = 0 && ! grep -q "does not requeue" out'
rm ended
touch refuse
bash "$SRCDIR/batch/slurm" more >out 2>&1
rc=$?
ok "slurm: a refusal is told: $rc" eval 'test $rc = 75 && grep -q "submit it again" out'
SLURM_JOB_END_TIME=2000000000 bash "$SRCDIR/batch/slurm" x >out
ok 'slurm: a variable tells the deadline, too' test "$(cat deadline)" = 2000000000

HAYFORK_TIME_LIMIT=3600 bash "$SRCDIR/batch/gridengine" more >out
rc=$?
ok "gridengine: more to do is 99: $rc" test $rc = 99
left=$(($(cat deadline) - $(date +%s)))
ok "gridengine: the deadline is counted from the start: $left s" test $left -gt 3500 -a $left -le 3600

rm -f asked
mkdir "a run"
echo "qsub -V -N x -- /bin/bash '/a b/pbs' x.hay" >"a run/job.command"
bash "$SRCDIR/batch/pbs" more "--run-folder=a run" >out
rc=$?
ok "pbs: more to do is the successor's: $rc" test $rc = 0
ok 'pbs: it comes after this one, and is submitted likewise' \
    test "$(cat asked)" = '<-W><depend=afterany:12.server><-V><-N><x><--></bin/bash></a b/pbs><x.hay>'
ok 'pbs: it is recorded' grep -q $'^pbs\t13.server\t' 'a run/job'
left=$(($(cat deadline) - $(date +%s)))
ok "pbs: the deadline is what qstat says: $left s" test $left -gt 3500 -a $left -le 3630
bash "$SRCDIR/batch/pbs" more >out 2>&1
rc=$?
ok "pbs: without hayfork submit the user is told: $rc" eval 'test $rc = 75 && grep -q "submit it again" out'

for pair in USR1:USR1:75 USR2:USR2:75 TERM:TERM:143; do
    IFS=: read -r signal got status <<<"$pair"
    # A shell starts its children in the background with INT ignored.
    env --default-signal=INT bash "$SRCDIR/batch/slurm" wait >out 2>&1 &
    pid=$!
    read -r _ <fifo
    kill "-$signal" $pid
    wait $pid
    rc=$?
    ok "$signal is passed on as $got" grep -q "got $got" out
    ok "and the status is the run's: $rc" test $rc = "$status"
    ok 'no folder is left' test ! -e "$(cat base)"
done
exit $failed
