#!/bin/bash
# time-limit: 600
# The MPI transport: the contract, refusals, and deaths, over shared memory and
# over TCP.
set -u
program=${BUILDDIR:-build}/tests/mpi/mpi_transport
command -v mpirun >/dev/null || { echo "skip mpi/transport no mpirun"; exit 77; }
[ -x "$program" ] || { echo "not ok mpi/transport: no $program"; exit 1; }
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
bad=0

run() { # VARIANT COUNT MPIRUN-ARGUMENTS -- SCENARIO...: COUNT lines "ok" must come
    local variant=$1 count=$2 options=()
    shift 2
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    timeout -k 5 200 mpirun --oversubscribe --mca pml ob1 "${options[@]}" \
        "$program" "$@" >"$log" 2>&1 </dev/null
    sed -n "s#^\(ok\|not ok\) mpi/transport/#&$variant/#p; /^#/p" "$log"
    if [ "$(grep -c '^ok ' "$log")" != "$count" ] || grep -q '^not ok' "$log"; then
        sed 's/^/# /' "$log"
        echo "not ok mpi/transport/$variant/$1: $count lines \"ok\" are due"
        bad=1
    fi
}

tcp=(--mca btl "self,tcp")
run vader_2 8 -n 2 -- contract
run vader_4 8 -n 4 -- contract
run no_single_copy 8 -n 3 --mca btl_vader_single_copy_mechanism none -- contract
run tcp_3 8 -n 3 "${tcp[@]}" -- contract
run guest 16 -n 3 -- guest
run start 1 -n 2 -- level
run start 1 -n 4 -- mismatch
run vader 1 -n 3 --enable-recovery -- death
run tcp 1 -n 3 --enable-recovery "${tcp[@]}" -- death
run vader 2 -n 3 --enable-recovery -- orphan
# Above the credit btl tcp would abort rank 0 when the stopped worker dies.
for size in 64 4000 30000; do
    run tcp 1 -n 3 --enable-recovery "${tcp[@]}" -- flood $size
    run vader 1 -n 3 --enable-recovery -- flood $size
done
for ends in 1 3 8; do
    run tcp 1 -n 3 --enable-recovery "${tcp[@]}" -- bulk_death $ends
    run vader 1 -n 3 --enable-recovery -- bulk_death $ends
done
exit $bad
