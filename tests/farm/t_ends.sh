#!/bin/bash
# t_ends.sh - hay_main() says what it waits for when farm() has returned, here
# and over MPI.
# time-limit: 120
set -u
program=$BUILDDIR/tests/farm/farm_ends
hayfork=$BUILDDIR/apps/hayfork
cd "$(mktemp -d)" || exit 1
trap 'touch go; wait; rm -rf "$PWD"' EXIT

# says NAME WORDS COMMAND...: one line on standard error while the task runs,
# and a good end once it may end.
says() {
    local name=$1 words=$2 looks=0
    shift 2
    rm -f go
    "$@" 2>err </dev/null &
    local pid=$!
    until grep -q 'the end waits' err || [ $looks -gt 400 ] ||
        ! kill -0 $pid 2>/dev/null; do
        sleep 0.1
        looks=$((looks + 1))
    done
    touch go
    if wait $pid && [ "$(grep -c 'the end waits' err)" = 1 ] &&
        grep -q "^hayfork: the end waits for $words for [0-9]* s\$" err; then
        echo "ok farm/ends/$name"
    else
        echo "not ok farm/ends/$name"
        sed 's/^/# /' err
    fi
}
task='task 1 (runs_until_go), which has run'
says end_waits_for_a_task "$task in this process" "$program"
if command -v mpirun >/dev/null; then
    says end_waits_for_a_task_of_another_rank "$task on worker 1 (.*)" \
        "$hayfork" launch -n 2 "$program"
fi
