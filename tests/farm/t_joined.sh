#!/bin/bash
# t_joined.sh - ranks over MPI and two guests that join by hand: values of all
# are used by all; a guest, or a rank, is killed; the run ends in order.
# time-limit: 400
set -u
joined=$BUILDDIR/tests/farm/farm_joined
move=$BUILDDIR/tests/farm/farm_move
hayfork=$BUILDDIR/apps/hayfork
command -v mpirun >/dev/null || { echo "skip farm/joined: there is no mpirun"; exit 0; }
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
"$move" --hay-listen --hay-run-folder=probe none >/dev/null 2>err
if grep -q 'built without ZeroMQ' err; then
    echo "skip farm/joined: built without ZeroMQ"
    exit 0
fi

# Two of the program, as soon as there is a door; what each ends with.
guests() { # PROGRAM
    local i
    until [ -s r/join ] || [ -e over ]; do sleep 0.05; done
    for i in 1 2; do
        [ -e over ] || (timeout 150 "$1" --hay-join=r >out.$i 2>err.$i; echo $? >rc.$i) &
    done
    wait
}
# farm NAME LOST RCS COMMAND... -- ARGUMENT...: it ends with 0, as many lines
# tell of lost workers, and guests end with these (in the order of numbers)
farm() {
    local name=$1 lost=$2 wanted=$3 program=$4 rc told rcs
    shift 4
    rm -rf r over out.? err.? rc.?
    guests "$program" &
    timeout 150 "$@" --hay-listen --hay-run-folder=r >out 2>err </dev/null
    rc=$?
    touch over
    wait
    told=$(grep -c '^hayfork: lost worker .*; ' err)
    rcs=$(sort -n rc.? 2>/dev/null | xargs)
    if [ "$rc $told" = "0 $lost" ] && [ "$rcs" = "$wanted" ] && ! grep -q '^not ok' out &&
        grep -q '^ok' out && [ ! -e r/join ]; then
        echo "ok farm/joined/$name"
    else
        echo "not ok farm/joined/$name: exit status $rc, $told lost, guests: $rcs"
        grep -h . out err err.? | sed 's/^/# /'
    fi
}
launched() { # NAME LOST RCS VICTIM
    farm "$1" "$2" "$3" "$joined" "$hayfork" launch -n 3 "$joined" 4 "$4" --hay-slots=1
}
launched all_work_together 0 "0 0" 0
launched a_guest_is_killed 1 "0 137" 3
launched a_rank_is_killed 1 "0 0" 2
# Without a folder there is no place for the door.
timeout 60 mpirun --oversubscribe -n 3 "$joined" 4 0 --hay-listen >out 2>err </dev/null
rc=$?
if [ $rc = 3 ] && grep -q 'needs a run folder' err; then
    echo "ok farm/joined/a_folder_is_needed"
else
    echo "not ok farm/joined/a_folder_is_needed: exit status $rc"
    sed 's/^/# /' err
fi
export FARM_MOVE_WORKERS=4
farm values_go_both_ways 0 "0 0" "$move" mpirun --oversubscribe -n 3 "$move" --hay-quiet
farm values_go_both_ways_through_little_memory 0 "0 0" "$move" \
    mpirun --oversubscribe -n 3 "$move" --hay-quiet --hay-memory-limit=64M
