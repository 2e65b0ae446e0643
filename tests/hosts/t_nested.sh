#!/bin/bash
# Tasks that start tasks on three pseudo-hosts: what they make and put lies on
# one host and is read on others; each host has a store of its own.
# time-limit: 300
: "${SRCDIR:?is set by tests/run-tests}"
name=hosts/nested
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
command -v ip >/dev/null || skip "no ip (Debian package: iproute2)"
program=$BUILDDIR/tests/farm/farm_remote
[ -x "$program" ] || skip "no $program"
export NH_PREFIX=hn$$x
bed=$SRCDIR/tests/testbed/netns-hosts
"$bed" up 3 || skip "network namespaces cannot be set up here"
folder=$(mktemp -d)
trap '"$bed" down; rm -rf "$folder"' EXIT
hosts=${NH_PREFIX}1,${NH_PREFIX}2,${NH_PREFIX}3
cd "$folder" || exit 1

for test in fib follow culprit forget map objects follow_objects fails cancel \
    cancel_nested killed; do
    rm -f begun struck
    timeout 100 "$bed" run "${NH_PREFIX}1" "$hayfork" launch --rsh "$bed rsh" \
        --hosts "$hosts" "$program" "$test" >out 2>err
    ok "$test: exit status $? $(grep '^not ok' out; head -n 2 err)" grep -q "^ok $test\$" out
done
exit $failed
