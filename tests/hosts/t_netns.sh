#!/bin/bash
# Ranks on three pseudo-hosts, each with a network and a host name of its own.
# time-limit: 300
: "${SRCDIR:?is set by tests/run-tests}"
name=hosts/netns
. "$SRCDIR/tests/support/farm.sh"
needs_namespaces
command -v ip >/dev/null || skip "no ip (Debian package: iproute2)"
# Short: interface names have 15 characters.
export NH_PREFIX=hf$$x
bed=$SRCDIR/tests/testbed/netns-hosts
"$bed" up 3 || skip "network namespaces cannot be set up here"
trap '"$bed" down' EXIT
make_tasks
hosts=${NH_PREFIX}1,${NH_PREFIX}2,${NH_PREFIX}3

timeout 120 "$bed" run "${NH_PREFIX}1" "$hayfork" run --rsh "$bed rsh" --hosts "$hosts" tasks.hay
rc=$?
ok "run --hosts ends with 0: $rc" test $rc = 0
ok 'each task finished, and once' each_once
ok 'tasks ran on all three hosts' hosts_used 3

# Who reads a large file runs where it was written, as a rule: by chance it would
# be 4 of 12.
cat >near.hay <<'E'
#HAY name=make[1..12] out=big{n},made{n}
sleep 0.3; truncate -s 400M big{n}; hostname >made{n}
#HAY name=use[1..12] in=big{n},made{n} out=used{n}
sleep 0.1; hostname >used{n}
E
timeout 120 "$bed" run "${NH_PREFIX}1" "$hayfork" run --rsh "$bed rsh" --hosts "$hosts" near.hay
rc=$?
near=0
for i in {1..12}; do
    cmp -s "made$i" "used$i" && near=$((near + 1))
done
ok "readers of large files run near: $rc, $near of 12" test "$rc $((near >= 9))" = '0 1'

# A worker dies that is alone on its host: what it had made is made again.
timeout 120 "$bed" run "${NH_PREFIX}1" "$hayfork" launch --rsh "$bed rsh" --hosts "$hosts" \
    "$BUILDDIR/tests/farm/farm_losses" data >data.out 2>&1
rc=$?
sed 's/^/# /' data.out
ok "lost objects are made again: $rc" test "$rc $(grep -c '^ok data$' data.out)" = '0 1'

# A host that dies when tasks run on all: the others run what it had.
mkdir began
seq 12 | sed 's|.*|echo >began/$(hostname).&; until [ -e go ]; do sleep 0.1; done; echo &|' >long.hay
timeout 120 "$bed" run "${NH_PREFIX}1" "$hayfork" run --rsh "$bed rsh" --hosts "$hosts" long.hay >lost.out 2>&1 &
pid=$!
until [ "$(ls began | sed 's/\..*//' | sort -u | wc -l)" = 3 ] || ! kill -0 $pid; do
    sleep 0.1
done
start=$SECONDS
"$bed" crash "${NH_PREFIX}3"
touch go
wait $pid
rc=$?
cat lost.out
ok "a run outlives the loss of a host: $rc" test $rc = 0
ok 'it tells which' grep -q "lost worker 3 on ${NH_PREFIX}3 .* run again" lost.out
ok 'each task finished, and once' test "$(table state name | grep -c '^finished')" = 12
ok "before anything gives up: $((SECONDS - start)) s" test $((SECONDS - start)) -le 90
exit $failed
