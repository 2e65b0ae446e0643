#!/bin/bash
# data_hosts.sh - objects between two pseudo-hosts of this machine, by turns
# with raw MPI between the same two: what the mover and a whole farm make of the
# network.
#
#     bench/data_hosts.sh [ROUNDS [SCALE]]     as root; BUILD=build
#
# Prints lines "work<TAB>value<TAB>unit", medians, then their ratios: of a farm
# (a task on one host makes 8 MiB, a task on the other copies them) to raw MPI,
# goal 0.85, and of the mover to raw MPI, goal 0.9.
set -eu
rounds=${1:-5} scale=${2:-1}
source=$(dirname "$(dirname "$(realpath "$0")")")
build=$(realpath "${BUILD:-$source/build}")
bed=$source/tests/testbed/netns-hosts
out=$(mktemp -d)
export NH_PREFIX=hb$$x
trap '"$bed" down >"$out/down" 2>&1 || cat "$out/down" >&2; rm -rf "$out"' EXIT
"$bed" up 2 >/dev/null
hosts=${NH_PREFIX}1,${NH_PREFIX}2

for ((i = 0; i < rounds; i++)); do
    "$bed" mpirun --host "${NH_PREFIX}1:1,${NH_PREFIX}2:1" -n 2 \
        "$build/bench/bench_mpi_data" --tsv --rounds 1 --scale "$scale"
    "$bed" run "${NH_PREFIX}1" "$build/apps/hayfork" launch --rsh "$bed rsh" --hosts "$hosts" \
        "$build/bench/bench_data" --tsv --only handover.8M.memcpy --rounds 1 --scale "$scale" --hay-quiet
done >"$out/lines"

awk -F '\t' '
    function median(name, n, i, j, list, v) {
        n = split(values[name], list, " ")
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j] + 0 < list[j - 1] + 0; j--) {
                v = list[j]; list[j] = list[j - 1]; list[j - 1] = v
            }
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    NF == 3 && $1 ~ /\.(ours|raw)$/ { values[$1] = values[$1] " " $2 }
    END {
        raw = median("data.move.8M.raw")
        farm = median("data.handover.8M.memcpy.ours")
        for (s = 8; s <= 64; s += s < 16 ? 8 : 48) {
            printf "hosts.move.%dM.raw\t%.4g\tGB/s\n", s, median("data.move." s "M.raw")
            printf "hosts.move.%dM.ours\t%.4g\tGB/s\n", s, median("data.move." s "M.ours")
        }
        printf "hosts.handover.8M.ours\t%.4g\tGB/s\n", farm
        if (raw <= 0 || farm <= 0) exit 1
        for (s = 8; s <= 64; s += s < 16 ? 8 : 48)
            printf "hosts.move.%dM.ratio\t%.3f\tratio\n", s, median("data.move." s "M.ours") / median("data.move." s "M.raw")
        printf "hosts.handover.8M.ratio\t%.3f\tratio\n", farm / raw
    }' "$out/lines"
