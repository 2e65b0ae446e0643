#!/bin/bash
# t_losses.sh - worker ranks that are killed or stopped in the middle of a run:
# the others run again what they had, each task ends once, nothing is left.
# time-limit: 200
set -u
program=$BUILDDIR/tests/farm/farm_losses
hayfork=$BUILDDIR/apps/hayfork
command -v mpirun >/dev/null || { echo "skip farm_losses: there is no mpirun"; exit 0; }

# loses STATE RANKS LINES OPTION...: it ends with 0, and as many lines tell of
# lost workers
loses() {
    local state=$1 ranks=$2 lines=$3 rc told
    shift 3
    rm -f struck
    timeout 60 "$hayfork" launch -n "$ranks" "$program" "$state" "$@" >out 2>err </dev/null
    rc=$?
    told=$(grep -c '^hayfork: lost worker .*; ' err)
    if [ "$rc $told" = "0 $lines" ] && grep -q "^ok $state\$" out; then
        echo "ok farm/losses/$state"
    else
        echo "not ok farm/losses/$state: exit status $rc, $told lost: $(grep '^not ok' out)"
        sed 's/^/# /' err
    fi
}
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
loses running 4 1
loses holding 4 1
loses map 4 1
loses poison 5 3
loses once 4 1
loses data 4 1
loses stopped 4 1 --hay-silence=3
