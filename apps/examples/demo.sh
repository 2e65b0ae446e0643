#!/bin/bash
# Which identifiers does C use most?  A graph of some 230 ordinary commands
# over all of /usr/include, run by hayfork on 3 MPI ranks: each chunk of files
# is counted, a tree of merges adds the counts, the last task writes the
# report.  It is then compared with one pipe that does all of it at once.
#
#     ./bootstrap demo     or     apps/examples/demo.sh [OPTION OF hayfork run ...]
set -euo pipefail
export LC_ALL=C
chunks=200 fan_in=8 include=${DEMO_INCLUDE:-/usr/include}
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
hayfork=${HAYFORK:-$top/${BUILD:-build}/apps/hayfork}
fail() { echo "demo: $*" >&2; exit 1; }

[ -x "$hayfork" ] || fail "no $hayfork; run ./bootstrap first"
hayfork=$(realpath "$hayfork")
[ $# -gt 0 ] || set -- -n 3
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/hayfork-demo.XXXXXX")
cd "$dir"
mkdir lists counts merged

# The input: lists of files, a list a chunk.
find "$include" -type f | sort >files
[ -s files ] || fail "no files in $include"
awk -v chunks=$chunks '{printf "%s%c", $0, 0 >("lists/" NR % chunks + 1)}' files
chunks=$(find lists -type f | wc -l)

# add.awk adds up neighbouring lines "WORD COUNT" of the same word.
cat >add.awk <<'AWK'
$1 != word { if (NR > 1) print word, sum; word = $1; sum = 0 }
{ sum += $2 }
END { if (NR > 0) print word, sum }
AWK
words="xargs -0 grep -ahoE '[A-Za-z_][A-Za-z0-9_]*'"

# The task file: an array, a tree above it, and the report on top.
merge_tree() { # NAME FILE: on standard input lines "NAME FILE" of what is there
    local level=1 name file after files n left=() next=()
    mapfile -t left
    while [ ${#left[@]} -gt 1 ]; do
        next=() n=0
        while [ ${#left[@]} -gt 0 ]; do
            n=$((n + 1)) after='' files=''
            while read -r name file; do
                after+=,$name files+=" $file"
            done < <(printf '%s\n' "${left[@]:0:fan_in}")
            left=("${left[@]:fan_in}")
            echo "#HAY name=merge-$level-$n after=${after#,}"
            echo "sort -m$files | awk -f add.awk >merged/$level-$n"
            next+=("merge-$level-$n merged/$level-$n")
        done
        left=("${next[@]}") level=$((level + 1))
    done
    read -r name file <<<"${left[0]}"
    echo "#HAY name=report after=$name"
    echo "sort -k2,2nr -k1,1 $file >report"
}
{
    echo "#HAY defaults time=10m"
    echo "#HAY name=count[1..$chunks]"
    echo "$words <lists/{n} | sort | sed 's/\$/ 1/' | awk -f add.awk >counts/{n}"
    seq "$chunks" | sed 's/.*/count[&] counts\/&/' | merge_tree
} >include.hay

echo "demo: $(wc -l <files) files, $((chunks + $(grep -c '^#HAY name=' include.hay) - 1)) tasks:" \
    "see $dir/include.hay"
echo "demo: hayfork run $* include.hay"
"$hayfork" run --run-folder "$dir/run" "$@" include.hay || fail "hayfork run said $?; see $dir"

echo
echo "The identifiers that $include uses most:"
head -n 10 report | awk '{printf "%9d  %s\n", $2, $1}'

# The same by one pipe.
tr '\n' '\0' <files | eval "$words" |
    awk '{n[$0]++} END {for (w in n) print w, n[w]}' | sort -k2,2nr -k1,1 >direct
total=$(awk '{n += $2} END {printf "%d", n}' report)
cmp -s report direct || fail "the report differs from a direct computation: compare $dir/report and direct"
echo "$total in all, $(wc -l <report) different ones: the same as by a direct computation."
echo "The run folder is $dir/run; nothing else was left anywhere (rm -r $dir removes it)."
