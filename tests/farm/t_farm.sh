#!/bin/sh
# t_farm.sh - the public calls against real farms: in one process, and under
# mpirun with 1 to 5 ranks, in thread and in process slots; random streams must
# be the same everywhere.
# time-limit: 300
set -u
program=${FARM_CALLS:-$BUILDDIR/tests/farm/farm_calls}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# run PLACE COMMAND...: each test's line with the place behind it
run() {
    place=$1
    shift
    "$@" >"$folder/out" 2>"$folder/err"
    status=$?
    sed -n "s/^ok \(.*\)/ok \1 ($place)/p; s/^not ok \(.*\)/not ok $place: \1/p" \
        "$folder/out"
    grep '^streams' "$folder/out" >>"$folder/streams"
    if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$folder/out"; then
        echo "not ok farm_calls ($place): exit $status: $(head -n 3 "$folder/err")"
    fi
}

run "one process" "$program"
run "process slots" env HAYFORK_RUNNER=process "$program"
if command -v mpirun >/dev/null; then
    for ranks in 1 2 3 5; do
        run "mpirun -n $ranks" mpirun --oversubscribe -n "$ranks" \
            "$program" --hay-quiet
    done
    run "mpirun -n 3, process slots" mpirun --oversubscribe -n 3 \
        "$program" --hay-quiet --hay-runner=process
else
    echo "skip farm_calls under mpirun: there is no mpirun"
fi
if [ "$(sort -u "$folder/streams" | wc -l)" -eq 1 ]; then
    echo "ok random_streams_are_the_same_everywhere"
else
    echo "not ok random_streams_are_the_same_everywhere: $(sort -u "$folder/streams" | tr '\n' ' ')"
fi
