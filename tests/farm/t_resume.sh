#!/bin/bash
# t_resume.sh - a program whose run is gone on with: killed at each of its
# tasks, started again with another version, another argument, without its
# array; in one process, and under mpirun.
# time-limit: 240
set -u
program=${FARM_RESUME:-$BUILDDIR/tests/farm/farm_resume}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
place='one process'
start=()

ok() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@"; then echo "ok resume: $text ($place)"; else
        echo "not ok resume ($place): $text: $*"
        sed 's/^/# /' err out ran 2>/dev/null | tail -n 30
    fi
}

go() { "${start[@]}" "$program" a.h5 --hay-run-folder r --hay-quiet >out 2>err; }
# WHY TASK...: so it was told of each
told() {
    local why=$1 task
    shift
    for task; do grep -qxF "$task: $why" err || { echo "# $task is not '$why'"; return 1; }; done
}
small=(square\[{0..5}\] label sum greet)
# Each of the tasks of one name.
labels() { [ "$(grep -cxF "label: $1" err)" = 4 ]; }

calm() { rm -rf r a.h5 ran && go && cp out calm && cp a.h5 calm.h5 && [ "$(wc -l <ran)" = 22 ]; }

# Nothing runs: values are in the journal, the one of large in a file; the array
# is done.
again() {
    rm -f ran
    go && cmp out calm && told 'done before' "${small[@]}" large measure 'persist p.h5' &&
        labels 'done before' && [ ! -e ran ]
}

# The file of large is damaged, or cut off, or gone: it runs, and what comes
# after it, and leaves a whole one.
unkept() {
    local harm
    for harm in 'conv=notrunc seek=100' 'seek=100' ''; do
        local kept=(r/results/*)
        rm -f ran
        if [ -n "$harm" ]; then
            # shellcheck disable=SC2086 # two words
            printf '\377' | dd of="${kept[-1]}" bs=1 $harm 2>dd || return 1
        else
            rm -f "${kept[@]}"
        fi
        go && cmp out calm && told 'done before' "${small[@]}" &&
            told 'result not kept' large && told 'comes after what runs again' measure &&
            [ "$(sort ran | xargs)" = 'large measure' ] && again || return 1
        rm -f "${kept[@]}"
    done
}

# The file that results were persisted to is gone, or another one: it is written
# again, from results that are there.
unpersisted() {
    local p='persist p.h5' whole
    whole=$(stat -c %i p.h5)
    again && [ "$(stat -c %i p.h5)" = "$whole" ] || return 1
    rm -f p.h5 ran
    go && told 'output is gone' "$p" && [ -s p.h5 ] && [ ! -e ran ] && again || return 1
    printf x >>p.h5
    go && told 'output is gone' "$p" && [ ! -e ran ] && again
}

# With no room for results large ones are made again.
no_room() {
    rm -rf r a.h5
    rm -f ran
    HAYFORK_RESULTS_MAX=0 go && [ ! -e r/results ] || return 1
    rm -f ran
    HAYFORK_RESULTS_MAX=0 go && cmp out calm && told 'done before' "${small[@]}" &&
        told 'result not kept' large && [ "$(sort ran | xargs)" = 'large measure' ]
}

# The version of one function: it and what comes after it.
version() {
    rm -f ran
    SQUARE=2 go && cmp out calm && told 'command changed' square\[{0..5}\] &&
        told 'comes after what runs again' sum && told 'done before' greet 'persist p.h5' &&
        labels 'command changed' && SQUARE=2 go && told 'done before' "${small[@]}" &&
        labels 'done before'
}

# One argument: that task and what comes after it.
argument() {
    rm -f ran
    SQUARE=2 SHIFT=5 go && ! cmp -s out calm && told 'arguments changed' 'square[0]' &&
        told 'done before' square\[{1..5}\] greet &&
        [ "$(sort ran | xargs)" = 'square[0] sum' ]
}

# The journal says that its chunks are done; the file is not there any more.
lost_array() {
    rm -f ran a.h5
    SQUARE=2 SHIFT=5 go && cmp a.h5 calm.h5 && [ "$(grep -c rows ran)" = 8 ]
}

# Killed at the start of its n-th task, for each n, until it gets through.
storm() {
    local n
    rm -rf r a.h5
    for n in 1 1 2 3 2 1 4 3 2 5 1 2; do
        rm -f ran
        { KILL_AT=$n go; } 2>/dev/null && { echo "# not killed at $n"; break; }
        [ "$(wc -l <ran)" -ge 1 ] || { echo "# it never got to work"; return 1; }
    done
    go && cmp out calm && cmp a.h5 calm.h5 && awk -F'\t' '
        NR > 1 && $4 == "finished" && ($2 ~ /^square/ || $2 ~ /^(sum|greet)$/) && n[$2]++ {
            print "# " $2 " finished twice"; bad = 1 }
        END { for (t in n) all++; exit bad || all != 8 }' r/tasks.tsv
}

two_at_once() {
    local pid rc end=$((SECONDS + 60))
    rm -rf r a.h5 ran
    touch hold
    "$program" a.h5 --hay-run-folder r --hay-quiet >out.1 2>err.1 &
    pid=$!
    until [ -s ran ]; do
        kill -0 $pid && [ $SECONDS -lt $end ] || { rm hold; return 1; }
    done
    go
    rc=$?
    rm hold
    wait $pid && cmp out.1 calm && [ $rc = 3 ] &&
        grep -q "in use by hayfork (pid $pid on $(hostname))" err
}

hayfork=$BUILDDIR/apps/hayfork
told_to_type() {
    calm && "$hayfork" resume r >told 2>&1
    [ $? = 2 ] && grep -qF "HAYFORK_RUN_FOLDER=$PWD/r mpirun -n 3 $program a.h5" told
}
# Started again with three ranks, in whose folder two of the tasks are new.
launched() {
    rm -rf r a.h5 ran
    "$hayfork" launch -n 3 "$program" a.h5 --hay-run-folder r --hay-quiet >out 2>err &&
        cmp out calm && "$hayfork" status r | grep -q '^does not run: it has ended; start 1 ' ||
        return 1
    rm -f p.h5 ran
    "$hayfork" resume r >out 2>err && cmp out calm && told 'done before' "${small[@]}" large &&
        told 'output is gone' 'persist p.h5' && [ -s p.h5 ] && [ ! -e ran ] &&
        "$hayfork" status r | grep -q ' start 2 ' &&
        awk -F'\t' '$5 > 0 { workers = 1 } END { exit !workers }' r/tasks.tsv
}

ok 'a run without a journal behind it runs all' calm
ok 'a second start runs nothing, and has large results, too' again
ok 'a large result that is damaged, cut off or gone is made again' unkept
ok 'a file of results that is gone or another is written again' unpersisted
ok 'another version runs again with what comes after it' version
ok 'another argument runs again with what comes after it' argument
ok 'chunks of a file that is gone are computed again' lost_array
ok 'killed at any task it ends as if it had not been' storm
ok 'without room for large results they are made again' no_room
ok 'a folder in use is refused by host and pid' two_at_once
if command -v mpirun >/dev/null; then
    place='mpirun -n 3'
    start=(mpirun --oversubscribe -n 3)
    ok 'a run without a journal behind it runs all' calm
    ok 'a second start runs nothing, and has large results, too' again
    ok 'another version runs again with what comes after it' version
    ok 'killed at any task it ends as if it had not been' storm
    ok 'hayfork resume tells how to start what mpirun had started' told_to_type
    ok 'hayfork resume launches again what hayfork launch had started' launched
else
    echo "skip resume under mpirun: there is no mpirun"
fi
exit 0
