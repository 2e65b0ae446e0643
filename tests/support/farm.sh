# shellcheck shell=bash
# farm.sh - for tests that run a small farm over several hosts; sourced.
#
# Makes tasks.hay in this folder and looks at what came of it.

hayfork=${BUILDDIR:?run by tests/run-tests}/apps/hayfork failed=0
tasks=24

skip() { echo "skip $name $*"; exit 77; }

ok() { # TEXT COMMAND ...: one check
    local text=$1
    shift
    if "$@"; then echo "ok $name: $text"; else echo "not ok $name: $text"; failed=1; fi
}

needs_namespaces() {
    [ -x "$hayfork" ] || skip "no $hayfork"
    [ "$(id -u)" = 0 ] || skip "needs root"
    unshare --uts --mount --net --pid --fork --mount-proc true 2>/dev/null ||
        skip "namespaces are refused here"
}

testbed_up() { # TESTBED NODES: also sets what it prints
    local out
    export TESTBED_DIR=$PWD/bed
    if ! out=$("$SRCDIR/tests/testbed/$1" up "$2" 2>bed.err); then
        cat bed.err
        tail -n 20 "$TESTBED_DIR"/log/* 2>/dev/null
        "$SRCDIR/tests/testbed/$1" down
        if grep -q 'install failed' bed.err; then skip "its packages cannot be installed"; fi
        echo "not ok $name: the testbed does not start"
        exit 1
    fi
    eval "$out"
}

# A task, an array behind it that says where it ran, and one that collects.
make_tasks() {
    cat >tasks.hay <<X
#HAY name=prepare
mkdir out
#HAY name=where[1..$tasks] after=prepare
sleep 0.3; hostname >out/{n}
#HAY name=collect after=where
cat out/* | sort | uniq -c >collected
X
}

# NAME STATE of each line, by the names in the first line.
table() { # COLUMN ...
    awk -F '\t' -v want="$*" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(want, w, " "); next }
        { for (i = 1; i <= n; i++) printf "%s%s", $at[w[i]], i < n ? " " : "\n" }' \
        hayfork-runs/latest/tasks.tsv
}

each_once() {
    [ "$(table state | sort | uniq -c | xargs)" = "$((tasks + 2)) finished" ] &&
        [ "$(table name | sort -u | wc -l)" = $((tasks + 2)) ]
}

hosts_used() { # NUMBER
    [ "$(sort -u out/* | wc -l)" = "$1" ] && [ "$(awk '{n += $1} END {print n}' collected)" = $tasks ]
}

# Polls what a command says, at most so many seconds.
wait_for() { # SECONDS COMMAND ...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "never true: $*"; return 1; }
        sleep 0.2
    done
}
