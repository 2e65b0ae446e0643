#!/bin/bash
# t_waits.sh - tasks in process slots that wait for others: in one process with
# one slot and over MPI; and so many that wait that they run their children
# themselves.
# time-limit: 200
set -u
program=$BUILDDIR/tests/farm/farm_waits
hayfork=$BUILDDIR/apps/hayfork

# passes PLACE TEST COMMAND...
passes() {
    local place=$1 test=$2
    shift 2
    if timeout 60 "$@" >out 2>err </dev/null && grep -q "^ok $test\$" out; then
        echo "ok farm/waits/$test $place"
    else
        echo "not ok farm/waits/$test $place"
        sed 's/^/# /' out err
    fi
}
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
process="--hay-runner=process --hay-resources=licence=1"
for test in fib ways crash killed limit forced chunks ranges deadlock; do
    # shellcheck disable=SC2086
    passes "in one slot" "$test" "$program" "$test" $process --hay-slots=1
    command -v mpirun >/dev/null || continue
    # shellcheck disable=SC2086
    passes "on 3 ranks" "$test" \
        "$hayfork" launch -n 3 "$program" "$test" $process
done
for runner in thread process; do
    passes "with 2 that wait, $runner" fib \
        "$program" fib --hay-runner=$runner --hay-slots=2 --hay-suspended-max=2
    command -v mpirun >/dev/null || continue
    passes "on 3 ranks with 2 that wait, $runner" fib \
        "$hayfork" launch -n 3 "$program" fib --hay-runner=$runner \
        --hay-suspended-max=2
done
