#!/bin/bash
# Ctrl-C: once, no new task starts and running ones are waited for; twice, all
# are ended, whatever they started; no process is left.
# time-limit: 300
. "$(dirname "$0")/support.sh"

# The task waits for a file; its child has a session of its own and ignores TERM.
cat >t.hay <<'HAY'
#HAY name=wait[1..20]
setsid sh -c 'trap "" TERM INT; touch begun.{n}; exec tail -f /dev/null' & while [ ! -e go ]; do sleep 0.05; done; touch done.{n}
HAY

begin() { # OPTION...: in the background, until the first task runs
    rm -rf begun.* done.* go hayfork-runs
    "$hayfork" run --slots 2 "$@" t.hay >out 2>err </dev/null &
    pid=$!
    until_true eval 'compgen -G "begun.*" >/dev/null'
}

ends() { # EXPECTED_STATUS
    local rc
    wait $pid
    rc=$?
    [ $rc = "$1" ] || { echo "# exit status $rc"; return 1; }
    until_true nothing_left || { marked | sed 's/^/# left: /'; return 1; }
    [ -z "$(ls -d "${TMPDIR:-/tmp}"/hayfork.* 2>/dev/null)" ]
}

once() {
    begin "$@" || return
    kill -INT $pid
    until_true grep -q 'no new task starts' err || return
    touch go
    ends 130 && compgen -G 'done.*' >/dev/null && [ ! -e done.20 ] &&
        grep -q 'cancelled' err && grep -q '[1-9][0-9]* finished' err
}

twice() {
    begin "$@" || return
    kill -INT $pid
    until_true grep -q 'no new task starts' err || return
    kill -INT $pid
    ends 130 && ! compgen -G 'done.*' >/dev/null && grep -q ' 0 finished' err
}

term() {
    begin "$@" || return
    kill -TERM $pid
    ends 130 && ! compgen -G 'done.*' >/dev/null
}

killed() {
    begin "$@" || return
    kill -KILL $pid
    wait $pid
    until_true nothing_left || { marked | sed 's/^/# left: /'; return 1; }
    rm -rf "${TMPDIR:-/tmp}"/hayfork.*
}

stream() {
    rm -f first go
    mkfifo pipe
    "$hayfork" run "$@" - <pipe >out 2>err &
    pid=$!
    exec 7>pipe
    printf 'touch first; while [ ! -e go ]; do sleep 0.05; done\n' >&7
    until_true [ -e first ] || return
    kill -INT $pid
    until_true grep -q 'no new task starts' err || return
    touch go
    ends 130
    local rc=$?
    exec 7>&-
    rm -f pipe
    return $rc
}

check once once
check twice twice
check term term
check killed killed
check stream stream
if have_mpirun; then
    check once_under_mpirun once -n 3
    check twice_under_mpirun twice -n 3
    check term_under_mpirun term -n 3
    check launcher_killed_under_mpirun killed -n 3
    check stream_under_mpirun stream -n 3
else
    skip under_mpirun "no mpirun"
fi
