#!/bin/bash
# t_remote.sh - tasks that start tasks in other processes than the manager's:
# over MPI, with workers that share a node.
# time-limit: 200
set -u
program=$BUILDDIR/tests/farm/farm_remote
hayfork=$BUILDDIR/apps/hayfork
command -v mpirun >/dev/null || { echo "skip farm_remote: there is no mpirun"; exit 0; }

# passes TEST RANKS OPTION...
passes() {
    local test=$1 ranks=$2 rc
    shift 2
    timeout 60 "$hayfork" launch -n "$ranks" "$program" "$test" "$@" >out 2>err </dev/null
    rc=$?
    if [ "$rc" = 0 ] && grep -q "^ok $test\$" out && ! [ -s err ]; then
        echo "ok farm/remote/$test on $ranks ranks"
    else
        echo "not ok farm/remote/$test on $ranks ranks: exit status $rc"
        sed 's/^/# /' out err
    fi
}
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
for ranks in 2 3; do
    for test in forget map objects commands fails cancel; do
        passes "$test" "$ranks"
    done
done
