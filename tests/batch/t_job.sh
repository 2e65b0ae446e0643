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

# Says what it got; "wait" as its task file: until a signal comes.
cat >stand-in <<'EOS'
#!/bin/bash
trap 'echo got INT; exit 130' INT
trap 'echo got TERM; exit 143' TERM
echo "$*" >args
echo "$OMPI_MCA_orte_tmpdir_base" >base
[ -d "$OMPI_MCA_orte_tmpdir_base" ] && touch existed
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

for pair in USR1:INT:130 USR2:INT:130 TERM:TERM:143; do
    IFS=: read -r signal got status <<<"$pair"
    # A shell starts its children in the background with INT ignored.
    env --default-signal=INT bash "$SRCDIR/batch/slurm" wait >out &
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
