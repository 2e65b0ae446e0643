#!/bin/sh
# t_arrays.sh - chunked arrays on real farms: in one process, and under mpirun
# with 1 to 5 ranks.
# time-limit: 300
set -u
program=${FARM_ARRAYS:-$BUILDDIR/tests/farm/farm_arrays}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/files" && cd "$folder/files" || exit 1

# run PLACE COMMAND...: each test's line with the place behind it
run() {
    place=$1
    shift
    rm -rf "$folder"/files/*
    "$@" >"$folder/out" 2>"$folder/err"
    status=$?
    sed -n "s/^ok \(.*\)/ok arrays: \1 ($place)/p; s/^not ok \(.*\)/not ok arrays ($place): \1/p" \
        "$folder/out"
    if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$folder/out"; then
        echo "not ok farm_arrays ($place): exit $status: $(head -n 3 "$folder/err")"
    fi
    for left in *.parts *.part *.gone; do
        [ -e "$left" ] && echo "not ok farm_arrays ($place): $left is left"
    done
}

run "one process" "$program"
if command -v mpirun >/dev/null; then
    for ranks in 1 2 3 5; do
        run "mpirun -n $ranks" mpirun --oversubscribe -n "$ranks" \
            "$program" --hay-quiet
    done
else
    echo "skip farm_arrays under mpirun: there is no mpirun"
fi
exit 0
