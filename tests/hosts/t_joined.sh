#!/bin/bash
# A farm over MPI on two pseudo-hosts, and guests on a third one that join it:
# values go straight between them; where they cannot, both are named.
# time-limit: 300
: "${SRCDIR:?is set by tests/run-tests}"
name=hosts/joined
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
command -v ip >/dev/null || skip "no ip (Debian package: iproute2)"
program=$BUILDDIR/tests/farm/farm_joined
[ -x "$program" ] || skip "no $program"
"$program" --hay-listen --hay-run-folder="$PWD/probe" >/dev/null 2>err
if grep -q 'built without ZeroMQ' err; then skip "built without ZeroMQ"; fi
export NH_PREFIX=hj$$x
bed=$SRCDIR/tests/testbed/netns-hosts
"$bed" up 3 || skip "network namespaces cannot be set up here"
trap '"$bed" down' EXIT
first=${NH_PREFIX}1 second=${NH_PREFIX}2 third=${NH_PREFIX}3

# So many guests on the third host, as soon as there is a door.
guests() { # COUNT
    local i
    until [ -s r/join ] || [ -e over ]; do sleep 0.05; done
    for i in $(seq "$1"); do
        [ -e over ] || (timeout 150 "$bed" run "$third" "$program" --hay-join="$PWD/r" \
            >out.$i 2>err.$i; echo $? >rc.$i) &
    done
    wait
}
# farm GUESTS ARGUMENT...: sets rc, rcs
farm() {
    rm -rf r over err.? rc.?
    guests "$1" &
    shift
    timeout 150 "$bed" mpirun --host "$first:2,$second:1" -n 3 "$program" "$@" \
        --hay-listen --hay-run-folder="$PWD/r" >out 2>err </dev/null
    rc=$?
    touch over
    wait
    rcs=$(sort -n rc.? 2>/dev/null | xargs)
}

farm 2 4 0
ok "guests of another host share all values: $rc, guests $rcs $(grep '^not ok' out)" \
    test "$rc $rcs $(grep -c '^ok joined$' out)" = '0 0 0 1'

"$bed" run "$third" ip route add blackhole "$("$bed" run "$second" hostname -I | xargs)"
farm 1 3 3 far
ok "a guest out of reach of a rank ends, the others go on: $rc, guest $rcs $(grep '^not ok' out)" \
    test "$rc $rcs $(grep -c '^ok joined$' out)" = '0 3 1'
ok "it names both: $(head -n 1 err.1)" \
    grep -q "worker 2 on $second cannot be reached from worker 3 on $third" err.1
exit $failed
