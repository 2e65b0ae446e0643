#!/bin/sh
# t_resources.sh - functions that ask for gpus, licences, limits: in one process
# and with two workers that share a node.
# time-limit: 120
set -u
program=$BUILDDIR/tests/farm/farm_resources
HAYFORK_SPAWNER=${HAYFORK_SPAWNER:-$BUILDDIR/apps/hayfork-spawner}
export HAYFORK_SPAWNER
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

# run PLACE GPUS LIC COMMAND...
run() {
    place=$1 gpus=$2 lic=$3
    shift 3
    "$@" "$program" --hay-quiet --hay-slots=4 --hay-gpus="$gpus" \
        --hay-resources=lic="$lic" --hay-limits=few=2 >"$out" 2>&1
    status=$?
    sed -n "s/^ok .*/& on $place/p; s/^not ok .*/& on $place/p; s/^#.*/&/p" "$out"
    if [ "$status" -ne 0 ]; then
        grep -v '^ok\|^not ok\|^#' "$out" | sed 's/^/# /'
        echo "not ok farm_resources on $place: exit $status"
    fi
}

run "one process" 2 2 env
if command -v mpirun >/dev/null; then
    run "3 ranks" 4 4 mpirun --oversubscribe -n 3
else
    echo "skip farm_resources under mpirun: there is no mpirun"
fi
