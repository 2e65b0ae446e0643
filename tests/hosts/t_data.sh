#!/bin/bash
# Objects on three pseudo-hosts: made here, used there, scattered, replicated,
# persisted into one file; each host has a store of its own.
# time-limit: 300
: "${SRCDIR:?is set by tests/run-tests}"
name=hosts/data
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
command -v ip >/dev/null || skip "no ip (Debian package: iproute2)"
program=$BUILDDIR/tests/farm/farm_data
[ -x "$program" ] || skip "no $program"
export NH_PREFIX=hd$$x
bed=$SRCDIR/tests/testbed/netns-hosts
"$bed" up 3 || skip "network namespaces cannot be set up here"
folder=$(mktemp -d)
trap '"$bed" down; rm -rf "$folder"' EXIT
hosts=${NH_PREFIX}1,${NH_PREFIX}2,${NH_PREFIX}3

# run PLACE OPTION...: each line of the program with the place behind it
run() {
    local place=$1
    shift
    timeout 250 "$bed" run "${NH_PREFIX}1" "$hayfork" launch --rsh "$bed rsh" \
        --hosts "$hosts" "$program" "$folder" "$@" >out 2>err
    rc=$?
    sed -n "s|^ok \(.*\)|ok $name: \1 ($place)|p
        s|^skip \([^ ]*\) \(.*\)|skip $name \1 ($place) \2|p
        s|^not ok \(.*\)|not ok $name: \1 ($place)|p" out
    ok "the program ends with 0 ($place): $rc $(head -n 2 err)" test $rc = 0
}

run "3 hosts"
run "3 hosts, 256 MiB each, compared by hash" --hay-memory-limit=256M --hay-checksum
run "3 hosts, a task's inputs larger than the limit" many_objects_of_a_node_store \
    --hay-memory-limit=64M
if command -v h5dump >/dev/null; then
    h5dump -w 0 -y -d array "$folder/results.h5" | tr -d '\n' >values
    ok "what three hosts wrote is whole" grep -q ' 14997, 14998, 14999 *}' values
fi
ok "no part of a file is left" test -z "$(find "$folder" -name '*.part')"
exit $failed
