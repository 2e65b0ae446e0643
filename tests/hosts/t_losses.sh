#!/bin/bash
# Losses among three pseudo-hosts: a worker that dies while objects move, a host
# that is cut off without a word and comes back too late, a dead rank 0.
# time-limit: 600
: "${SRCDIR:?is set by tests/run-tests}"
name=hosts/losses
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
command -v ip >/dev/null || skip "no ip (Debian package: iproute2)"
program=$BUILDDIR/tests/farm/farm_losses
[ -x "$program" ] || skip "no $program"
export NH_PREFIX=hl$$x
bed=$SRCDIR/tests/testbed/netns-hosts
"$bed" up 3 || skip "network namespaces cannot be set up here"
trap '"$bed" down' EXIT
hosts=${NH_PREFIX}1,${NH_PREFIX}2,${NH_PREFIX}3
third=${NH_PREFIX}3

until_true() { # SECONDS COMMAND...
    local i last=$(($1 * 10))
    shift
    for ((i = 0; i < last; i++)); do
        "$@" && return
        sleep 0.1
    done
    return 1
}

# Processes of the farm and of its commands on a host; mpirun's daemon is not ours.
on_host() {
    ip netns pids "$1" | while read -r pid; do
        { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null
        echo
    done | grep -v orted | grep -c -e "$BUILDDIR" -e 'sleep 1000' -e 'until '
}
nobody_on() { [ "$(on_host "$1")" = 0 ]; }
somebody_on() { [ "$(on_host "$1")" -gt 1 ]; }

start() { # in the background, from the first host
    timeout 240 "$bed" run "${NH_PREFIX}1" "$hayfork" "$@" >out 2>err </dev/null &
    farm=$!
}

start launch --rsh "$bed rsh" --hosts "$hosts" "$program" transfer
wait $farm
rc=$?
ok "a worker that dies in mid-transfer is made up for: $rc $(grep '^not ok' out)" \
    test "$rc $(grep -c '^ok transfer$' out)" = '0 1'

start launch --rsh "$bed rsh" --hosts "$hosts" "$program" file
wait $farm
rc=$?
ok "an array is written into a file all the same: $rc $(grep '^not ok' out)" \
    test "$rc $(grep -c '^ok file$' out)" = '0 1'

# Cut off: packets vanish, nobody is told.
mkdir began
seq 12 | sed 's|.*|echo >began/$(hostname).&; until [ -e go ]; do sleep 0.1; done; echo &|' >long.hay
start run --hay-silence=4 --rsh "$bed rsh" --hosts "$hosts" long.hay
has_begun() { compgen -G "began/$third.*" >/dev/null; }
ok 'the third host has begun' until_true 90 has_begun
"$bed" cut "$third"
begun=$SECONDS
lost() { grep -q "lost worker 3 on $third .*silent .* run again" err; }
ok 'its silence is noticed' until_true 90 lost
ok "in time: $((SECONDS - begun)) s" test $((SECONDS - begun)) -le 60
ok 'its worker and its commands have ended by themselves' until_true 90 nobody_on "$third"
"$bed" heal "$third"
touch go
wait $farm
rc=$?
ok "the run ends well: $rc" test $rc = 0
ok 'each task finished' test "$(table state name | grep -c '^finished')" = 12
ok 'what the third host had ran once more' test "$(table state name attempt | grep -c '^failed .* 1$')" -ge 1
ok 'nobody came back' nobody_on "$third"

# Rank 0 dies: the others end, and what they have started.
start launch --rsh "$bed rsh" --hosts "$hosts" "$program" orphan --hay-slots=2
seven() { [ "$(cat pid.* 2>/dev/null | wc -l)" = 7 ]; }
ok 'tasks and commands have begun' until_true 90 seven
ok 'on the third host, too' somebody_on "$third"
kill -9 "$(cat pid.0)"
wait $farm
rc=$?
ok "the launcher tells: $rc" test $rc = 137
for host in 1 2 3; do
    ok "nobody is left on host $host" until_true 90 nobody_on "$NH_PREFIX$host"
done
[ $failed = 0 ] || sed 's/^/# /' err
exit $failed
