#!/bin/bash
# time-limit: 600
# Movers over MPI: the contract and a death, over shared memory and
# over TCP.
set -u
program=${BUILDDIR:-build}/tests/mpi/mpi_mover
command -v mpirun >/dev/null || { echo "skip mpi/mover no mpirun"; exit 77; }
[ -x "$program" ] || { echo "not ok mpi/mover: no $program"; exit 1; }
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
    sed -n "s#^\(ok\|not ok\) mpi/mover/#&$variant/#p; /^#/p" "$log"
    if [ "$(grep -c '^ok ' "$log")" != "$count" ] || grep -q '^not ok' "$log"; then
        sed 's/^/# /' "$log"
        echo "not ok mpi/mover/$variant/$1: $count lines \"ok\" are due"
        bad=1
    fi
}

tcp=(--mca btl "self,tcp")
run vader_2 5 -n 2 -- contract
run tcp_3 5 -n 3 "${tcp[@]}" -- contract
run no_single_copy 5 -n 3 --mca btl_vader_single_copy_mechanism none -- contract
for _ in 1 2; do
    run tcp 1 -n 3 --enable-recovery "${tcp[@]}" -- death
    run vader 1 -n 3 --enable-recovery -- death
done
exit $bad
