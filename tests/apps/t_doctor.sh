#!/bin/bash
# hayfork doctor: on a machine that is well, and with real faults.
. "${SRCDIR:?run by tests/run-tests}/tests/apps/support.sh"
unset OMP_NUM_THREADS TMPDIR HAYFORK_DEADLINE

says() { grep -qE "$1" out || { echo "# not said: $1"; return 1; }; }
# The line behind a finding tells how to mend it.
mends() { grep -EA1 "$1" out | grep -q -- "-> .*$2" || { echo "# no such mending: $2"; return 1; }; }

check all_is_well_here eval 'runs 0 doctor && says "^ok +pinning" && says "^ok +HDF5" && says "^ok +shared memory"'
check nothing_is_left eval '[ -z "$(find . -name ".hayfork*")" ] && [ -z "$(marked)" ]'
if command -v mpirun >/dev/null; then
    check ranks_are_looked_at eval 'runs 0 doctor -n 3 && says "^ok +farm +2 workers" && says "^worker 2" && says "^ok +clock" && says "sees what 2 of 2 workers wrote"'
    check nothing_is_left_of_ranks eval '[ -z "$(find . -name ".hayfork*")" ]'
fi
check fewer_cores_are_noted eval 'taskset -c 0 "$hayfork" doctor >out && { [ "$(nproc)" = 1 ] || mends "^note +cores" exclusive; }'
check few_open_files_are_a_warning eval '(ulimit -n 128; "$hayfork" doctor >out); [ $? = 1 ] && mends "^warn +open files +128, needed" "ulimit -n"'
check small_files_are_a_failure eval '(ulimit -f 1000; "$hayfork" doctor >out); [ $? = 3 ] && mends "^FAIL +file size" "ulimit -f"'
check no_temporary_folder_is_a_failure eval 'TMPDIR=/nowhere/at/all "$hayfork" doctor >out; [ $? = 3 ] && mends "^FAIL +temporary folder" writable'
check variables_that_harm_are_noted eval 'OMP_NUM_THREADS=3 "$hayfork" doctor >out && says "^note +environment +OMP_NUM_THREADS=3"'
check a_bad_list_of_nodes_is_a_failure eval 'SLURM_JOB_ID=1 SLURM_JOB_NODELIST="n[1-" "$hayfork" doctor >out 2>err; [ $? = 3 ] && says "^FAIL +allocation"'
check an_unknown_deadline_is_noted eval 'SLURM_JOB_ID=1 SLURM_JOB_NODELIST=$(hostname) "$hayfork" doctor >out && mends "^note +time left" submit'
check a_near_deadline_is_a_warning eval 'SLURM_JOB_ID=1 SLURM_JOB_NODELIST=$(hostname) HAYFORK_DEADLINE=$(($(date +%s) + 40)) "$hayfork" doctor >out; [ $? = 1 ] && says "^warn +time left"'
mkdir bin
for tool in bash env; do ln -s "$(command -v $tool)" bin; done
check no_mpirun_is_a_warning eval 'PATH=$PWD/bin "$hayfork" doctor >out; [ $? = 1 ] && mends "^warn +mpirun" "Open MPI"'
check wrong_use_is_told eval 'runs 2 doctor now && grep -q "too many" err'

rm -rf "$work"
exit $((failures > 0))
