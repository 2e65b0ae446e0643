#!/bin/bash
# Runs that grow: worker jobs are submitted while work waits, cancelled when none
# does.  For real with --system=local, and with stand-ins for Slurm's commands
# (tests/batch has the real ones).
# time-limit: 300
. "$(dirname "$0")/support.sh"

unset SLURM_CONF SGE_ROOT HAYFORK_RUN_FOLDER
echo true >one.hay
"$hayfork" run --listen --run-folder probe one.hay >out 2>err </dev/null
if grep -q 'built without ZeroMQ' err; then skip all "built without ZeroMQ"; exit; fi

# Three that end when all of them run, or have run; three that wait for a word,
# and a fourth for another one.
for i in 1 2 3; do
    echo "touch s.$i; until [ -e s.1 ] && [ -e s.2 ] && [ -e s.3 ]; do sleep 0.05; done; echo $i"
done >three.hay
for i in 1 2 3; do echo "touch t.$i; until [ -e go ]; do sleep 0.05; done"; done >wait.hay
{ cat wait.hay; echo 'touch t.4; until [ -e last ]; do sleep 0.05; done'; } >last.hay

grows() { # RUN FILE OPTIONS-OF-JOB OPTION ...: sets run
    local folder=$1 file=$2 job=$3
    shift 3
    rm -f s.* t.* go last
    "$hayfork" run --slots=1 --grow=2 --grow-job="--backlog=0 $job" "$@" --run-folder "$folder" "$file" \
        >out 2>err </dev/null &
    run=$!
}
ends() { # PID STATUS
    local rc
    wait "$1"
    rc=$?
    [ $rc = "$2" ] || { echo "# exit status $rc, not $2"; cat err; return 1; }
}
lines() { [ "$(wc -l 2>/dev/null <"$1")" = "$2" ]; }
finished() { # RUN NUMBER: each once
    [ "$(awk -F'\t' '$4 == "finished" {print $1}' "$1/tasks.tsv" | sort | uniq -c | awk '$1 == 1' | wc -l)" = "$2" ]
}

# ---- for real ------------------------------------------------------------------------

real() {
    grows r1 three.hay --system=local && ends $run 0 && finished r1 3 && lines r1/job.workers 2
}
check workers_come_for_tasks_that_wait real
check they_have_taken_some eval '[ "$(awk -F"\t" "\$4 == \"finished\" {print \$5}" r1/tasks.tsv | sort -u | wc -l)" = 3 ]'
check none_was_lost eval '! grep -q lost err'
check nothing_is_left_of_them until_true nothing_left
check they_have_ended_well eval '[ "$(cat r1/job-*.out | grep -c "exit status 0")" = 2 ]'
check status_knows_them eval 'runs 0 status r1 && grep -q "worker jobs: 0 run, 0 wait in the queue, 2 have ended" out'
check what_is_told_while_it_lasts_is_gone test ! -e r1/load

# By another process than the run.
beside() {
    rm -f s.* t.* go
    "$hayfork" run --slots=1 --listen --run-folder r2 three.hay >out.r 2>err.r </dev/null &
    run=$!
    until_true [ -e r2/load ] || return 1
    "$hayfork" grow --max=2 --backlog=0 --system=local r2 >out 2>err </dev/null &
    local grow=$!
    ends $run 0 && finished r2 3 && ends $grow 0
}
check workers_are_submitted_from_beside beside
again() {
    rm -f t.* go
    "$hayfork" run --slots=1 --listen --run-folder r3 wait.hay >out.r 2>err.r </dev/null &
    run=$!
    until_true [ -e r3/load ] || return 1
    "$hayfork" grow r3 --max=1 --backlog=0 --system=local >out.g 2>err.g </dev/null &
    local grow=$! rc=0
    until_true lines r3/job.workers 1 || rc=1
    check two_do_not_submit_for_one_run eval 'runs 3 grow --max=2 --system=local r3 && grep -q "another hayfork grow" err'
    kill -INT $grow
    ends $grow 130 || rc=1
    touch go
    ends $run 0 && finished r3 3 || rc=1
    return $rc
}
check it_ends_at_an_interrupt_and_the_run_goes_on again

# ---- stand-ins -------------------------------------------------------------------------

mkdir bin
export STATE=$PWD/state
mkdir "$STATE"
cat >bin/sbatch <<'EOS'
#!/bin/bash
[ ! -e "$STATE/refuse" ] || { echo "sbatch: error: Access/permission denied" >&2; exit 1; }
env >"$STATE/env"
printf '%s\n' "$@" >"$STATE/args"
id=$(($(ls "$STATE" | grep -c '^job') + 1))
: >"$STATE/job$id"
echo $id
EOS
cat >bin/squeue <<'EOS'
#!/bin/bash
case "$*" in *%T*) ;; *) exit 0 ;; esac
for job in "$STATE"/job*; do [ ! -e "$job" ] || echo "${job##*job} PENDING"; done
EOS
cat >bin/scancel <<'EOS'
#!/bin/bash
echo "$1" >>"$STATE/cancelled"
rm -f "$STATE/job$1"
EOS
chmod +x bin/*
PATH=$PWD/bin:$PATH

# The environment of a job that the run is in is not that of its workers.
waits() {
    SLURM_MEM_PER_NODE=5 HAYFORK_DEADLINE=$(($(date +%s) + 3600)) \
        grows r4 wait.hay '--time=90 -q long -- "--comment=a b"'
    until_true lines r4/job.workers 2 || return 1
    check they_get_what_was_asked_for eval 'for a in --time=90 --partition=long "--comment=a b" --no-requeue --nodes=1 \
        "--join=$PWD/r4" --idle-timeout=60s; do grep -qxF -e "$a" "$STATE/args" || { echo "# $a"; cat "$STATE/args"; exit 1; }; done'
    check they_get_no_variables_of_the_job eval '! grep -qE "^(SLURM_MEM_PER_NODE|HAYFORK_DEADLINE)=" "$STATE/env" && grep -q ^HAYFORK=/ "$STATE/env"'
    check status_tells_that_they_wait eval 'runs 0 status r4 && grep -q "worker jobs: 0 run, 2 wait" out'
    touch go
    ends $run 0 && finished r4 3
}
check jobs_that_wait_do_not_hold_up_the_run waits
cancelled() { [ "$(sort -u "$STATE/cancelled" 2>/dev/null | xargs)" = "1 2" ]; }
check they_are_cancelled_at_its_end cancelled

dries() {
    rm -f "$STATE"/*
    grows r5 last.hay ''
    until_true lines r5/job.workers 2 || return 1
    touch go
    until_true lines "$STATE/cancelled" 2 && touch last && ends $run 0 && finished r5 4
}
check they_are_cancelled_when_nothing_waits dries

killed() {
    rm -f "$STATE"/*
    grows r6 wait.hay ''
    until_true lines r6/job.workers 2 || return 1
    kill -9 $run
    wait $run 2>/dev/null
    until_true cancelled && until_true nothing_left
}
check they_are_cancelled_when_the_run_is_killed killed

by_hand() {
    rm -f "$STATE"/*
    touch "$STATE/job1" "$STATE/job2"
    runs 0 cancel r6 && grep -q '2 jobs of workers are cancelled' out && cancelled
}
check cancel_ends_them by_hand

refuses() {
    rm -f "$STATE"/*
    touch "$STATE/refuse"
    grows r7 wait.hay ''
    until_true grep -q 'no worker job: sbatch refused the job: sbatch: error: Access/permission denied; the run goes on' err || return 1
    touch go
    ends $run 0 && finished r7 3 && [ "$(grep -c 'no worker job' err)" = 1 ]
}
check a_refusal_is_said_once_and_the_run_goes_on refuses

# PBS runs what stands behind "--", with variables of its own.
cat >bin/qsub <<'EOS'
#!/bin/bash
id=$(($(ls "$STATE" | grep -c '^pbs') + 1)).stub
while [ "$1" != -- ]; do
    if [ "$1" = -v ]; then IFS=, read -ra variables <<<"$2"; export "${variables[@]}"; fi
    shift
done
shift
PBS_JOBID=$id PBS_O_WORKDIR=$PWD PBS_ENVIRONMENT=PBS_BATCH setsid "$@" </dev/null >"$STATE/out.$id" 2>&1 &
echo $! >"$STATE/pbs$id"
echo "$id"
EOS
cat >bin/qstat <<'EOS'
#!/bin/bash
[ "$1" = -f ] && kill -0 "$(cat "$STATE/pbs$2")" 2>/dev/null || { echo "qstat: Unknown Job Id $2" >&2; exit 153; }
echo "Job Id: $2"
echo "    job_state = R"
EOS
chmod +x bin/*
pbs() {
    rm -f "$STATE"/*
    grows r8 three.hay --system=pbs && ends $run 0 && finished r8 3 && lines r8/job.workers 2 &&
        until_true nothing_left && [ "$(cat "$STATE"/out.* | grep -c 'exit status 0')" = 2 ]
}
check jobs_of_pbs_join_too pbs

# ---- words --------------------------------------------------------------------------------

check a_dry_run_prints_the_command_of_workers eval 'runs 0 submit --dry-run --grow=3 --time=2h -q long one.hay -- --mem=8G &&
    grep -q "^sbatch .*--grow=3 .*--grow-job=.*--system=slurm --time=7200s --queue=long -- --mem=8G" out && grep -q "^# each worker job, at most 3 at once" out &&
    tail -n 1 out | grep -q "^sbatch .*--no-requeue .*--time=120 .*--mem=8G .*batch/slurm --join=.*/one --idle-timeout=60s$"'
check grow_has_a_dry_run eval 'runs 0 grow --dry-run --max=2 r7 && grep -q "^sbatch .* --join=.*/r7 " out'
check grid_engine_is_asked eval 'runs 0 submit --dry-run --system=gridengine --grow=1 --time=90m one.hay && tail -n 1 out | grep -q "^qsub .*-r n .*h_rt=1:30:00.* --join="'
check pbs_is_asked eval 'runs 0 submit --dry-run --system=pbs --grow=1 --cpus=4 one.hay && tail -n 1 out | grep -q "^qsub .*-r n .*select=1:ncpus=4. .*/bin/bash .* --join="'
check a_bad_number_is_refused eval 'runs 2 run --grow=0 one.hay && grep -q "grow" err && runs 2 submit --grow=many one.hay'
check bad_options_of_jobs_are_refused eval 'runs 2 run --grow=1 --grow-job="--soon=1" one.hay && grep -q -e "--soon=1" err && runs 2 run --grow=1 --grow-job="--nodes=2" one.hay'
check grow_needs_a_number eval 'runs 2 grow r7 && grep -q -e "--max=N is missing" err'
check grow_needs_a_run eval 'runs 2 grow --max=2 nowhere && grep -q "not the folder of a run" err'
