#!/bin/bash
# t_leave.sh - a worker that has joined leaves while the run goes on, with
# objects that only it has.
# time-limit: 200
set -u
program=$BUILDDIR/tests/farm/farm_leave
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# leaves PLACE OPTION...
leaves() {
    local place=$1 run guest rc left
    shift
    rm -rf "${folder:?}"/*
    timeout 90 "$program" --hay-listen --hay-slots=1 --hay-run-folder="$folder/run" \
        "$@" "$folder" >"$folder/out" 2>"$folder/err" &
    run=$!
    until [ -s "$folder/run/join" ]; do
        if ! kill -0 $run 2>/dev/null; then break; fi
        sleep 0.05
    done
    if grep -q 'built without ZeroMQ' "$folder/err"; then
        wait $run
        echo "skip farm/leave: built without ZeroMQ"
        exit 0
    fi
    "$program" --hay-join="$folder/run" --hay-slots=1 2>"$folder/err.guest" &
    guest=$!
    until [ -e "$folder/leave" ]; do
        if ! kill -0 $run 2>/dev/null; then break; fi
        sleep 0.05
    done
    kill -TERM $guest
    wait $guest
    left=$?
    wait $run
    rc=$?
    if [ "$left $rc" = "0 0" ] && grep -q '^ok ' "$folder/out" &&
        grep -q 'worker 2 on .* leaves' "$folder/err" && ! grep -q 'lost worker' "$folder/err"; then
        sed -n "s|^ok \(.*\)|ok farm/leave/\1 ($place)|p" "$folder/out"
    else
        echo "not ok farm/leave ($place): exit status $rc, the guest's $left"
        sed 's/^/# /' "$folder/out" "$folder/err" "$folder/err.guest"
    fi
}
leaves "room for all"
