#!/bin/bash
# losses.sh - a farm that loses one of 4 ranks in the middle of a run, by turns
# with one of 3 ranks that does the same work undisturbed.
#
#     bench/losses.sh [ROUNDS [TASKS [MS]]]     BUILD=build
#
# Prints lines "work<TAB>value<TAB>unit", medians: the time from the first
# submit to the last result, then the time that is lost: goals, at most 3 s more
# than 3 ranks need when the rank is killed, 20 s when it falls silent (it is
# given up after 15 s).  Ends with 1 if a goal is missed, a result is wrong or a
# task is done twice.
set -eu
rounds=${1:-3} tasks=${2:-2000} ms=${3:-50}
source=$(dirname "$(dirname "$(realpath "$0")")")
build=$(realpath "${BUILD:-$source/build}")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"

run() { # NAME RANKS OPTION...
    local name=$1 ranks=$2 begun=$EPOCHREALTIME
    shift 2
    if ! timeout 300 "$build/apps/hayfork" launch -n "$ranks" "$build/bench/bench_losses" --tsv --tasks "$tasks" \
        --ms "$ms" --hay-slots=4 "$@" >told 2>err </dev/null; then
        echo "losses.sh: $name went wrong" >&2
        cat told err >&2
        exit 1
    fi
    awk -v name="$name" '{print name "\t" $2}' told >>lines
    awk -v name="$name.launch" -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {print name "\t" b - a}' >>lines
}

for ((i = 0; i < rounds; i++)); do
    run three 3
    run four 4
    run killed 4 --strike 9
    run silent 4 --strike 19
done

awk -F '\t' '
    function median(name, n, i, j, list, v) {
        n = split(values[name], list, " ")
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j] + 0 < list[j - 1] + 0; j--) {
                v = list[j]; list[j] = list[j - 1]; list[j - 1] = v
            }
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    { values[$1] = values[$1] " " $2 }
    END {
        n = split("three four killed silent", names, " ")
        for (i = 1; i <= n; i++) {
            printf "losses.%s\t%.2f\ts\n", names[i], median(names[i])
            printf "losses.%s.launch\t%.2f\ts\n", names[i], median(names[i] ".launch")
        }
        killed = median("killed") - median("three")
        silent = median("silent") - median("three")
        printf "losses.killed.more\t%.2f\ts\nlosses.silent.more\t%.2f\ts\n", killed, silent
        exit killed > 3 || silent > 20
    }' lines
