#!/bin/bash
# t_move.sh - objects that are made on one rank and used on others: in one
# process, by ranks of one node, and by ranks of nodes of their own; with room
# for all, and with so little that they are spilled at both ends.
# time-limit: 400
set -u
program=$BUILDDIR/tests/farm/farm_move
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# run PLACE COMMAND...: each test's line with the place behind it
run() {
    place=$1
    shift
    timeout 150 "$@" >"$folder/out" 2>"$folder/err"
    status=$?
    sed -n "s/^ok \(.*\)/ok \1 ($place)/p; s/^not ok \(.*\)/not ok $place: \1/p; /^#/p" \
        "$folder/out"
    if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$folder/out"; then
        echo "not ok farm_move ($place): exit $status: $(head -n 3 "$folder/err")"
    fi
}

run "one process" "$program"
run "one process, 64M" "$program" --hay-memory-limit=64M

# run_joined PLACE OPTION...: two more workers join by hand
run_joined() {
    place=$1
    shift
    (for _ in 1 2; do
        until [ -s "$folder/joined/join" ] || [ -e "$folder/over" ]; do sleep 0.05; done
        [ -e "$folder/over" ] ||
            timeout 150 "$program" --hay-join="$folder/joined" >/dev/null 2>>"$folder/guests" &
    done; wait) &
    FARM_MOVE_WORKERS=3 run "$place" "$program" --hay-listen --hay-quiet \
        --hay-run-folder="$folder/joined" "$@"
    touch "$folder/over"
    wait
    [ ! -s "$folder/guests" ] || echo "not ok guests ($place): $(head -n 1 "$folder/guests")"
    rm -rf "$folder/joined" "$folder/over" "$folder/guests"
}
"$program" --hay-listen --hay-run-folder="$folder/probe" none >/dev/null 2>"$folder/err"
if grep -q 'built without ZeroMQ' "$folder/err"; then
    echo "skip farm_move with guests: built without ZeroMQ"
else
    run_joined "joined"
    run_joined "joined, 64M" --hay-memory-limit=64M
fi
if ! command -v mpirun >/dev/null; then
    echo "skip farm_move under mpirun: there is no mpirun"
    exit 0
fi
run "mpirun -n 3" mpirun --oversubscribe -n 3 "$program" --hay-quiet
run "mpirun -n 3, 64M" mpirun --oversubscribe -n 3 "$program" --hay-quiet \
    --hay-memory-limit=64M

# Hosts in network namespaces share a process table: each rank must not find
# the others' memory by it.
bed=$SRCDIR/tests/testbed/netns-hosts
export NH_PREFIX=hm$$x
if [ "$(id -u)" -ne 0 ] || ! command -v ip >/dev/null \
    || ! "$bed" up 3 >/dev/null 2>&1; then
    echo "skip farm_move on three hosts: they cannot be made here"
    exit 0
fi
trap '"$bed" down; rm -rf "$folder"' EXIT
hosts=${NH_PREFIX}1:1,${NH_PREFIX}2:1,${NH_PREFIX}3:1
run "three hosts" "$bed" mpirun --host "$hosts" -n 3 "$program" --hay-quiet
run "three hosts, 64M" "$bed" mpirun --host "$hosts" -n 3 "$program" \
    --hay-quiet --hay-memory-limit=64M
run "three hosts, checksum" "$bed" mpirun --host "$hosts" -n 3 "$program" \
    --hay-quiet --hay-checksum
