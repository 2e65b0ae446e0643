#!/bin/bash
# Chunked arrays on three pseudo-hosts: each has a store of its own, chunks move
# between them, and the files are those of one process.
# time-limit: 180
: "${SRCDIR:?is set by tests/run-tests}"
name=hosts/arrays
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
command -v ip >/dev/null || skip "no ip (Debian package: iproute2)"
# Short: interface names have 15 characters.
export NH_PREFIX=ha$$x
bed=$SRCDIR/tests/testbed/netns-hosts
"$bed" up 3 || skip "network namespaces cannot be set up here"
trap '"$bed" down' EXIT
hosts=${NH_PREFIX}1,${NH_PREFIX}2,${NH_PREFIX}3
job=(--size 300 --chunk 64 --steps 30 --every 15)

launch() { # PROGRAM ARGUMENT...
    timeout 80 "$bed" run "${NH_PREFIX}1" "$hayfork" launch \
        --rsh "$bed rsh" --hosts "$hosts" "$@"
}

launch "$BUILDDIR/apps/examples/heat" far "${job[@]}" --check >out 2>&1
rc=$?
[ $rc = 0 ] || cat out
ok "heat ends with 0: $rc" test $rc = 0
ok 'it is equal to the serial run' grep -q '^equal' out
"$BUILDDIR/apps/examples/heat" near "${job[@]}" >/dev/null
for step in 15 30; do
    ok "step $step is the same file as that of one process" \
        cmp far.0000$step.h5 near.0000$step.h5
done

launch "$BUILDDIR/tests/farm/farm_arrays" >out 2>&1
rc=$?
sed -n "s|^\(not \)\{0,1\}ok |&$name/|p" out
ok "farm_arrays ends with 0: $rc" test $rc = 0
exit $failed
