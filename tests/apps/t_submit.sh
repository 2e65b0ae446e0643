#!/bin/bash
# hayfork submit, status and cancel, with stand-ins for the batch systems'
# commands (tests/batch has the real ones) and for real with --system=local.
. "${SRCDIR:?run by tests/run-tests}/tests/apps/support.sh"

mkdir bin
cat >bin/sbatch <<'EOS'
#!/bin/bash
printf '%s\n' "$@" >args
echo "$HAYFORK" >program
[ ! -e refuse ] || { echo "sbatch: error: Batch job submission failed: no such partition" >&2; exit 1; }
echo "12;cluster"
EOS
cat >bin/squeue <<'EOS'
#!/bin/bash
[ ! -e gone ] || { echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; }
echo "PENDING (Resources), 1:00:00 left"
EOS
cat >bin/scancel <<'EOS'
#!/bin/bash
echo "$@" >cancelled
EOS
cp bin/sbatch bin/qsub
sed -i 's/12;cluster/14/' bin/qsub
cat >bin/qstat <<'EOS'
#!/bin/bash
[ "$1" != --version ] || { cat version; exit 0; }
[ "$1" != -help ] || { echo "GE 8.1.9"; echo "usage: qstat [options]"; exit 0; }
echo "job-ID  prior   name       user         state submit/start at     queue"
echo "-----------------------------------------------------------------------"
echo "     14 0.55500 tasks      root         qw    11/22/2026 21:00:00      "
EOS
cat >bin/qconf <<'EOS'
#!/bin/bash
case $2 in
fill) echo 'allocation_rule    $fill_up' ;;
four) echo 'allocation_rule    4' ;;
one) echo 'allocation_rule    $pe_slots' ;;
*) exit 1 ;;
esac
EOS
chmod +x bin/*
: >version
PATH=$PWD/bin:$PATH
unset SLURM_CONF SGE_ROOT HAYFORK_RUN_FOLDER
printf 'echo a\necho b\n' >tasks.hay

lacks() { ! grep -q "$@"; }
has_args() { # ARGUMENT ...: each was given to sbatch or qsub
    local arg
    for arg; do grep -qxF -e "$arg" args || { echo "# not there: $arg"; cat args; return 1; }; done
}

check prints_the_id_only eval 'runs 0 submit --nodes=3 --time=90 -q long --account=me --gpus=2 tasks.hay --retries=2 -- --mail-type=END && [ "$(cat out)" = 12 ]'
check slurm_gets_what_was_asked has_args --nodes=3 --time=90 --partition=long --account=me \
    --gpus-per-node=2 --mail-type=END --parsable --requeue "$(realpath "$SRCDIR")/batch/slurm" tasks.hay --retries=2
check the_run_folder_is_told has_args "--run-folder=$PWD/hayfork-runs/tasks"
check the_program_is_told test "$(cat program)" = "$(realpath "$hayfork")"
check status_tells_of_the_job eval 'runs 0 status && grep -q "job 12 (slurm): waits in the queue: PENDING (Resources)" out'
check status_knows_the_run_by_name eval 'runs 0 status tasks && grep -q "nothing has been started" out'
check cancel_ends_the_job eval 'runs 0 cancel && [ "$(cat cancelled)" = 12 ]'
touch gone
check a_job_that_has_ended_is_not_cancelled eval 'runs 2 cancel && grep -q "has ended already" err'
check a_job_that_has_ended_is_told eval 'runs 0 status && grep -q "(slurm): it has ended" out'

check minutes_are_rounded_up eval 'runs 0 submit --time=61s tasks.hay && has_args --time=2'
check hours_are_understood eval 'runs 0 submit --time=2:00:00 tasks.hay && has_args --time=120'
check each_run_has_a_folder_of_its_own has_args "--run-folder=$PWD/hayfork-runs/tasks.3"

# ---- nothing is submitted --------------------------------------------------------

rm -rf args hayfork-runs
printf 'echo a\n#HAY after=nobody\necho b\n' >bad.hay
check a_bad_file_is_refused eval 'runs 2 submit bad.hay && grep -q "bad.hay:2" err'
check a_bad_option_of_run_is_refused eval 'runs 2 submit tasks.hay --retries=many && grep -q "retries" err'
check standard_input_is_refused eval 'runs 2 submit - && grep -q "standard input" err'
check no_file_is_refused eval 'runs 2 submit --nodes=2 && grep -q "no file" err'
check a_bad_time_is_refused eval 'runs 2 submit --time=soon tasks.hay && grep -q "time" err'
check another_system_is_refused eval 'runs 2 submit --system=lsf tasks.hay && grep -q "slurm, gridengine, pbs, local" err'
check a_dry_run_prints_command_and_script eval \
    'runs 0 submit --dry-run --time=5 tasks.hay && grep -q "^sbatch .*--time=5 .*tasks.hay$" out && grep -q "^hay_job" out'
touch refuse
check a_refusal_is_told eval 'runs 3 submit tasks.hay 2>/dev/null; grep -q "sbatch refused the job: sbatch: error: Batch job" err'
check and_nothing_is_left test ! -e hayfork-runs
rm -f refuse
rm args
check nothing_of_it_was_submitted eval 'runs 0 submit --dry-run tasks.hay && [ ! -e args ]'

# A machine without any batch system but those above.
mkdir tools
for tool in bash cat env sleep; do ln -s "$(command -v $tool)" tools; done
check no_system_is_told eval '! PATH=$PWD/tools "$hayfork" submit tasks.hay 2>err; grep -q "system=local" err'

# ---- Grid Engine and PBS -----------------------------------------------------------

check gridengine_fills_up_nodes eval 'runs 0 submit --system=gridengine --nodes=3 --pe=fill --cpus=4 --time=90m tasks.hay && has_args -terse -pe fill 12 h_rt=1:30:00 -notify tasks.hay'
check gridengine_has_slots_by_its_rule eval 'runs 0 submit --system=gridengine --nodes=3 --pe=four tasks.hay && has_args -pe four 12'
check gridengine_needs_an_environment eval 'runs 2 submit --system=gridengine --nodes=3 tasks.hay && grep -q "pe=NAME" err'
check one_host_is_not_three eval 'runs 2 submit --system=gridengine --nodes=3 --pe=one tasks.hay && grep -q "pe_slots" err'
check no_such_environment eval 'runs 2 submit --system=gridengine --nodes=3 --pe=lost tasks.hay && grep -q "no such parallel environment" err'
check qstat_is_read eval 'runs 0 submit --system=gridengine tasks.hay && runs 0 status && grep -q "job 14 (gridengine): waits in the queue: qw" out'
rm bin/sbatch
check a_qsub_of_grid_engine_is_known eval 'PATH=$PWD/bin:$PWD/tools "$hayfork" submit --dry-run tasks.hay >out && grep -q "^qsub -terse" out'
echo "pbs_version = 23.06.06" >version
check a_qsub_of_pbs_is_known eval 'PATH=$PWD/bin:$PWD/tools "$hayfork" submit --nodes=2 --cpus=8 --gpus=1 --time=2h tasks.hay --retries=1 && has_args select=2:ncpus=8:ngpus=1 walltime=2:00:00 -- /bin/bash tasks.hay --retries=1'

# ---- for real ----------------------------------------------------------------------

rm -rf hayfork-runs
check local_runs_in_the_background eval 'runs 0 submit --system=local tasks.hay && until_true grep -q "exit status 0" hayfork-runs/tasks/job-$(cat out).out'
check its_tasks_have_finished eval 'runs 0 status && grep -q "2 finished, 0 failed" out'
# What a command and its values hold comes to the tasks as it was typed.
cat >words <<'EOS'
#!/bin/bash
printf '<%s>' "$@"
echo
EOS
chmod +x words
# shellcheck disable=SC2016
values=(a 'b c' "it's" 'c"d' '$HOME' '$(touch ran)' '`touch ran`' 'back\slash' 'end\' $'new\nline' $'tab\tx'
    -n --retries=9 '*' 'e;f' '#g' '~' '' '!x' '{1}' '&' '(h)' é)
printf '<%s><x y>\n' "${values[@]}" >wanted
typed() {
    runs 0 submit --system=local "./words {1} 'x y'" ::: "${values[@]}" || return
    until_true grep -q 'exit status 0' "hayfork-runs/parallel/job-$(cat out).out" &&
        runs 0 output --all && diff wanted out && [ ! -e ran ]
}
check values_come_as_they_were_typed typed
successor() { # what the job's script evaluates is what was given to qsub
    runs 0 submit --system=pbs "./words {1} 'x y'" ::: "${values[@]}" || return
    eval "set -- $(cat hayfork-runs/latest/job.command)"
    shift
    printf '%s\n' "$@" | diff args - && [ ! -e ran ]
}
check a_successor_has_the_same_words successor
# Seen with Grid Engine 8.1.9: of "new\nline" the job gets "new".
check gridengine_would_cut_lines eval 'runs 2 submit --system=gridengine echo ::: "${values[@]}" && grep -q "cuts arguments of jobs at the end of a line" err'

mkfifo go
printf 'echo started >seen; read x <go\n' >waits.hay
check local_can_be_cancelled eval 'runs 0 submit --system=local waits.hay && until_true test -s seen && runs 0 cancel && until_true grep -q "exit status" hayfork-runs/waits/job-*.out'
check nothing_is_left_running until_true eval '[ -z "$(marked)" ]'
check two_nodes_are_not_local eval 'runs 2 submit --system=local --nodes=2 tasks.hay && grep -q "on this machine" err'

rm -rf "$work"
exit $((failures > 0))
