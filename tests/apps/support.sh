# shellcheck shell=bash
# support.sh - what the tests of the command have in common; sourced by them.
# A test runs in a folder of its own, out of the tree.

hayfork=${HAYFORK:-${BUILDDIR:?run by tests/run-tests}/apps/hayfork}
data=${SRCDIR:?run by tests/run-tests}/tests/data
[ -x "$hayfork" ] || { echo "not ok apps: no program $hayfork"; exit 2; }
suite=apps/$(basename "$0" .sh)
work=$(mktemp -d "${TMPDIR:-/tmp}/happs.XXXXXX") || exit 2
failures=0
# What the tests start is found by this in its environment.
export HAYFORK_TEST_MARK=mark.$$.$RANDOM
cd "$work" || exit 2
set -m # background jobs have a process group and SIGINT of their own

ok() { echo "ok $suite/$1"; }
not_ok() { # NAME WHY
    echo "not ok $suite/$1: $2"
    failures=$((failures + 1))
    tail -v -n 40 out err 2>/dev/null | sed 's/^/# /'
}
skip() { echo "skip $suite/$1: $2"; }

# check NAME CONDITION...: ok if the command succeeds.
check() {
    local name=$1
    shift
    if "$@"; then ok "$name"; else not_ok "$name" "failed: $*"; fi
}

# runs EXPECTED_STATUS ARGUMENT...: hayfork, output in out and err.
runs() {
    local expected=$1 rc
    shift
    timeout 120 "$hayfork" "$@" >out 2>err </dev/null
    rc=$?
    [ $rc = "$expected" ] || { echo "# exit status $rc, not $expected: hayfork $*"; return 1; }
}

# until_true COMMAND...: polls, at most 120 s: machines may be busy.
until_true() {
    local end=$((SECONDS + 120))
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "# never true: $*"; return 1; }
        sleep 0.02
    done
}

# Processes that carry the mark, this shell and its own children aside; "PID
# COMMAND" each.
marked() {
    local dir pid
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] || continue
        { tr '\0' '\n' <"$dir/environ"; } 2>/dev/null |
            grep -qx "HAYFORK_TEST_MARK=$HAYFORK_TEST_MARK" || continue
        # Dead already, but not waited for?
        case $({ sed 's/.*) //' "$dir/stat"; } 2>/dev/null) in Z* | '') continue ;; esac
        echo "$pid $({ tr '\0' ' ' <"$dir/cmdline"; } 2>/dev/null)"
    done | grep -v "^[0-9]* *$\|^[0-9]* tr \|^[0-9]* grep \|^[0-9]* sed \|t_[a-z]*\.sh"
}
nothing_left() { [ -z "$(marked)" ]; }

# The process id of rank N of a run that is started by our launcher.
rank_pid() {
    local dir pid parent
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        { tr '\0' '\n' <"$dir/environ"; } 2>/dev/null >environ || continue
        grep -qx "HAYFORK_TEST_MARK=$HAYFORK_TEST_MARK" environ || continue
        grep -qx "OMPI_COMM_WORLD_RANK=$1" environ || continue
        parent=$(sed 's/.*) //' "$dir/stat" 2>/dev/null | cut -d' ' -f2)
        [ -n "$parent" ] || continue
        case $({ tr '\0' ' ' <"/proc/$parent/cmdline"; } 2>/dev/null) in
        mpirun*) [ "$1" != 0 ] || continue ;;
        *rank-guard*) ;;
        *) continue ;;
        esac
        echo "$pid"
        return
    done
    return 1
}

have_mpirun() { command -v mpirun >/dev/null; }

finish() {
    local left
    left=$(marked)
    [ -z "$left" ] || echo "$left" | while read -r pid _; do kill -9 "$pid"; done 2>/dev/null
    cd / && rm -rf "$work"
    [ $failures = 0 ]
    exit
}
trap finish EXIT
trap 'exit 130' INT TERM
