#!/bin/sh
# t_process.sh - functions in process slots: in one process, under a plain mpirun
# and under hayfork launch; nothing is left behind.
# time-limit: 300
set -u
program=$BUILDDIR/tests/farm/farm_process
hayfork=$BUILDDIR/apps/hayfork
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# Processes of ours that are children of process slots, by a variable that all
# of a run's have.
left() {
    for environ in /proc/[0-9]*/environ; do
        pid=${environ#/proc/}
        if tr '\0' '\n' <"$environ" 2>/dev/null | grep -q "^T_PROCESS=$1\$"; then
            echo "${pid%/environ}"
        fi
    done
}

# run PLACE COMMAND...: each test's line with the place behind it
run() {
    place=$1
    mark=$$.$(echo "$place" | tr ' ' _)
    shift
    T_PROCESS=$mark "$@" >"$folder/out" 2>"$folder/err" </dev/null
    status=$?
    sed -n "s/^ok \(.*\)/ok \1 ($place)/p; s/^not ok \(.*\)/not ok $place: \1/p" \
        "$folder/out"
    if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$folder/out"; then
        echo "not ok farm_process ($place): exit $status: $(head -n 3 "$folder/err")"
    fi
    try=1
    while [ -n "$(left "$mark")" ] && [ "$try" -lt 100 ]; do
        try=$((try + 1))
        sleep 0.3
    done
    if [ -z "$(left "$mark")" ]; then
        echo "ok nothing_is_left ($place)"
    else
        echo "not ok nothing_is_left ($place): $(left "$mark" | tr '\n' ' ') after $try looks"
    fi
}

# refused HOW STATUS WORDS: what a program without such slots is told
refused() {
    said=$("$program" "$1" 2>&1)
    case $said in
    "$2 "*"$3"*) echo "ok $1_is_refused_with_words" ;;
    *) echo "not ok $1_is_refused_with_words: $said" ;;
    esac
}

refused unforked -16 "hay_prefork() first in main()"
refused late -5 "registered after hay_prefork()"
run "one process" "$program"
run "one slot" "$program" --hay-slots=1
limits=$BUILDDIR/tests/farm/farm_limits
run "limits, one process" "$limits"
children=$BUILDDIR/tests/farm/farm_children
run "children, one slot" "$children" --hay-slots=1
if command -v mpirun >/dev/null; then
    run "mpirun -n 3" mpirun --oversubscribe -n 3 "$program" --hay-quiet
    run "hayfork launch -n 3" "$hayfork" launch -n 3 "$program"
    run "limits, mpirun -n 3" mpirun --oversubscribe -n 3 "$limits" --hay-quiet
    run "children, mpirun -n 3" mpirun --oversubscribe -n 3 "$children" --hay-quiet
else
    echo "skip farm_process under mpirun: there is no mpirun"
fi
