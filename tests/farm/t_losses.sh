#!/bin/bash
# t_losses.sh - worker ranks that are killed or stopped in the middle of a run:
# the others run again what they had, each task ends once, nothing is left.
# time-limit: 400
set -u
program=$BUILDDIR/tests/farm/farm_losses
hayfork=$BUILDDIR/apps/hayfork
command -v mpirun >/dev/null || { echo "skip farm_losses: there is no mpirun"; exit 0; }

# loses STATE RANKS LINES OPTION...: it ends with 0, and as many lines tell of
# lost workers
loses() {
    local state=$1 ranks=$2 lines=$3 rc told
    shift 3
    rm -f struck late
    timeout 120 "$hayfork" launch -n "$ranks" "$program" "$state" "$@" >out 2>err </dev/null
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
loses transfer 4 1
loses file 4 1
loses stopped 4 1 --hay-silence=3
loses beside 5 3 --hay-slots=4
loses straggler 4 1 --hay-stragglers=3
loses slow 4 0 --hay-stragglers=3

# What dies with its result sealed and not told leaves nothing.
losing=$program program=$BUILDDIR/tests/farm/farm_left
for runner in thread process; do
    loses left 4 2 --hay-slots=1 --hay-runner=$runner
done
# After MPI_Init(), before it has joined: known as dead by its silence alone.
program=$BUILDDIR/tests/farm/farm_unjoined
loses ready 4 1 --hay-silence=2
HAYFORK_START_SECONDS=5 timeout 120 "$hayfork" launch -n 4 "$program" starting \
    >out 2>err </dev/null
rc=$?
if [ $rc = 3 ] && grep -q 'not all ranks have started within 5 s' err; then
    echo "ok farm/losses/starting"
else
    echo "not ok farm/losses/starting: exit status $rc"
    sed 's/^/# /' err
fi
program=$losing

# A rank dies before it has begun: the others cannot begin without it.
HAYFORK_START_SECONDS=3 timeout 120 "$hayfork" launch -n 4 sh -c \
    '[ $OMPI_COMM_WORLD_RANK = 2 ] && kill -9 $$; exec "$0" running' "$program" >out 2>err </dev/null
rc=$?
if [ $rc = 3 ] && grep -q 'not all ranks have started within 3 s' err; then
    echo "ok farm/losses/unborn"
else
    echo "not ok farm/losses/unborn: exit status $rc"
    sed 's/^/# /' err
fi

# How many processes have their working folder here, but for this shell?
here=$PWD
left() {
    cd / || exit 1
    local cwd pid count=0
    for cwd in /proc/[0-9]*/cwd; do
        pid=${cwd#/proc/} pid=${pid%/cwd}
        [ "$pid" != $$ ] && [ "$(readlink "$cwd")" = "$here" ] && count=$((count + 1))
    done
    echo "$count"
}

# Rank 0 is killed: nobody lingers on, nor does what they have started.
"$hayfork" launch -n 4 "$program" orphan --hay-slots=2 >out 2>err </dev/null &
launcher=$!
for _ in {1..300}; do
    [ "$(cat pid.* 2>/dev/null | wc -l)" = 7 ] && break
    sleep 0.1
done
before=$(left)
kill -9 "$(cat pid.0)"
wait $launcher
rc=$?
for _ in {1..300}; do
    rest=$(left)
    [ "$rest" = 0 ] && break
    sleep 0.1
done
if [ "$rc $rest" = "137 0" ] && [ "$before" -ge 14 ]; then
    echo "ok farm/losses/orphan"
else
    echo "not ok farm/losses/orphan: exit status $rc, $before processes, $rest are left"
    sed 's/^/# /' err
fi
