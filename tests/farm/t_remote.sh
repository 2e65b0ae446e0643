#!/bin/bash
# t_remote.sh - tasks that start tasks in other processes than the manager's:
# over MPI, with workers that share a node.
# time-limit: 200
set -u
program=$BUILDDIR/tests/farm/farm_remote
hayfork=$BUILDDIR/apps/hayfork
command -v mpirun >/dev/null || { echo "skip farm_remote: there is no mpirun"; exit 0; }

# passes TEST RANKS LINES OPTION...: as many lines tell of lost workers
passes() {
    local test=$1 ranks=$2 lines=$3 rc told
    shift 3
    rm -f struck begun
    timeout 60 "$hayfork" launch -n "$ranks" "$program" "$test" "$@" >out 2>err </dev/null
    rc=$?
    told=$(grep -c '^hayfork: lost worker .*; ' err)
    if [ "$rc $told" = "0 $lines" ] && grep -q "^ok $test\$" out; then
        echo "ok farm/remote/$test on $ranks ranks $*"
    else
        echo "not ok farm/remote/$test on $ranks ranks $*: exit status $rc, $told lost"
        sed 's/^/# /' out err
    fi
}
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
for ranks in 2 3; do
    for test in fib follow culprit forget map objects follow_objects commands \
        fails cancel cancel_nested; do
        passes "$test" "$ranks" 0
    done
done
# One that waits runs the very child that it waits for.
passes claim 2 0 --hay-slots=1 --hay-suspended-max=1
# A rank dies whose tasks wait for others, and have them waited for.
passes killed 4 1
# The same of tasks in processes of their own, through their ranks.
for ranks in 1 3; do
    for test in fib follow culprit forget map follow_objects commands fails \
        cancel cancel_nested child_killed; do
        passes "$test" "$ranks" 0 --hay-runner=process
    done
done
