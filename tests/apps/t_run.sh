#!/bin/bash
# hayfork run: what task files mean, where outputs go, exit statuses.
# time-limit: 180
. "$(dirname "$0")/support.sh"

two_thousand_lines() {
    seq 2000 | sed 's/.*/echo line &/' | timeout 60 "$hayfork" run "$@" - >out 2>err || return
    sort -k2n out | cmp - <(seq 2000 | sed 's/.*/line &/')
}
check two_thousand_outputs_are_not_mixed two_thousand_lines --output=grouped
check ordered_output_is_in_order eval \
    'two_thousand_lines --output=ordered && cmp out <(seq 2000 | sed "s/.*/line &/")'

one_fails() {
    seq 300 | sed 's/.*/echo line &/; 150s/.*/echo bad; exit 7/' >t.hay
    runs 1 run --output=grouped t.hay || return
    [ "$(grep -c '^line' out)" = 299 ] && grep -q '^bad$' out &&
        grep -q 'task 150 (t.hay:150) failed: exit status 7' err
}
check one_failing_line_and_the_rest_done one_fails

edges() {
    cat >t.hay <<'HAY'
#HAY name=last after=mid[2..3],other
cat a.1 a.2 a.3 b.2 b.3 >last
#HAY name=mid[1..3] after=first[n]
cat a.{n} >b.{n}
#HAY name=first[1..3]
echo {n} $HAY_INDEX $HAY_TASK_NAME >a.{n}
#HAY name=other
exit 0
#HAY name=bad
exit 1
#HAY name=never after=bad
touch never
#HAY name=later after=never
touch later
#HAY afterany=never
touch any
HAY
    rm -f last never later any
    runs 1 run t.hay || return
    [ "$(cat last | tr '\n' ' ')" = "1 1 first[1] 2 2 first[2] 3 3 first[3] 2 2 first[2] 3 3 first[3] " ] &&
        [ -e any ] && [ ! -e never ] && [ ! -e later ] &&
        grep -q '3 failed (2 of them for want of an input)' err
}
check edges_hold_and_failures_spread edges

large_arrays() {
    cat >t.hay <<'HAY'
#HAY name=a[1..300]
:
#HAY name=b[1..300] after=a
:
#HAY name=c[1..300] afterany=b
:
HAY
    runs 0 run --run-folder gate t.hay || return
    awk -F'\t' 'NR > 1 && $2 ~ /^a/ && $9 > a { a = $9 }
                NR > 1 && $2 ~ /^b/ && $2 !~ /\*/ { if ($8 < a) bad = 1; if ($9 > b) b = $9 }
                NR > 1 && $2 ~ /^c/ && $8 < b { bad = 1 }
                END { exit bad }' <(head -1 gate/tasks.tsv; sed 1d gate/tasks.tsv | sort -k2,2) &&
        [ "$(grep -c '[abc]\[[0-9]' gate/tasks.tsv)" = 900 ]
}
check an_array_after_all_of_another large_arrays

keys() {
    mkdir -p 'in folder'
    echo from-stdin >'in folder/input'
    cat >t.hay <<'HAY'
#HAY defaults env.A=1
#HAY name=x cwd="in folder" env.B="2 3" stdin=input
read -r line; echo "$line $A $B $HAY_TASK_NAME $HAY_TASK_CORES"; pwd
#HAY name=y[4..5] env.C={n}
echo "$A$B$C {{}" ${HAY_INDEX}
echo plain \
    continued
HAY
    runs 0 run --output=ordered t.hay || return
    [ "$(cat out)" = "from-stdin 1 2 3 x 1
$work/in folder
14 {} 4
15 {} 5
plain continued" ]
}
check keys_reach_the_commands keys

retries() {
    cat >t.hay <<'HAY'
#HAY name=r retries=3
echo "try $HAY_TASK_ATTEMPT"; [ "$HAY_TASK_ATTEMPT" = 3 ]
HAY
    runs 0 run --run-folder retries t.hay || return
    [ "$(cut -f1-4 retries/tasks.tsv | sed 1d | tr '\t\n' '  ')" = "1 r 1 failed 1 r 2 failed 1 r 3 finished " ] || return
    runs 0 output --run-folder retries r && [ "$(cat out)" = "try 3" ] || return
    runs 0 output --run-folder retries --attempt=1 1 && [ "$(cat out)" = "try 1" ]
}
check retries_are_attempts retries

pauses() {
    printf '#HAY defaults retries=1 retry_pause=0.5\n#HAY name=r once=yes\n[ $HAY_TASK_ATTEMPT = 2 ]\n' >t.hay
    runs 0 run --run-folder pauses t.hay || return
    [ "$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["attempt"] == 2 { print ($at["start_s"] >= 0.5) }' pauses/tasks.tsv)" = 1 ] || return
    printf '#HAY name=r once=often\n:\n' >t.hay
    runs 2 run t.hay
}
check retries_wait_for_their_pause pauses

max_fails() {
    printf '#HAY name=bad[1..50]\nfalse\n#HAY name=good[1..50]\nsleep 30\n' >t.hay
    runs 1 run --max-fails 3 --run-folder fails t.hay && grep -q 'failed: the run stops (--max-fails)' err || return
    runs 2 run --max-fails 0 t.hay
}
check too_many_failures_stop_the_run max_fails

time_limit() {
    printf '#HAY time=0.3\nsleep 100\n' >t.hay
    runs 1 run t.hay && grep -q 'failed: .*limit' err
}
check a_time_limit_ends_a_task time_limit

outputs() {
    printf '#HAY name=o\necho out; echo err >&2\n#HAY name=none\n:\n' >t.hay
    runs 0 run t.hay || return
    [ ! -s out ] || return
    runs 0 output o && [ "$(cat out)" = out ] && [ "$(cat err)" = err ] || return
    runs 0 output --stderr 1 && [ ! -s out ] && [ "$(cat err)" = err ] || return
    runs 0 output none && [ ! -s out ] || return
    runs 2 output nothing && grep -q "no task 'nothing'" err
}
check output_shows_what_a_task_wrote outputs

files() {
    runs 0 run --output=files --run-folder files t.hay &&
        grep -rqx out files && grep -rqx err files && runs 0 output --run-folder files o &&
        [ "$(cat out)" = out ]
}
check output_to_a_pair_of_files files

inherit() {
    runs 0 run --output=inherit t.hay && [ "$(cat out)" = out ] && grep -qx err err &&
        runs 0 run --output=null t.hay && [ ! -s out ]
}
check output_inherited_and_thrown_away inherit

folders() {
    rm -rf hayfork-runs
    echo : >f.hay
    runs 0 run f.hay && runs 0 run f.hay && runs 0 run ./f.hay &&
        [ -d hayfork-runs/f ] && [ -d hayfork-runs/f.2 ] && [ -d hayfork-runs/f.3 ] &&
        [ "$(readlink hayfork-runs/latest)" = f.3 ] &&
        runs 0 run --run-folder x/y f.hay && [ -f x/y/tasks.tsv ] &&
        runs 0 run --run-folder x/y f.hay && grep -q 'nothing is left to do' err &&
        runs 2 run --new --run-folder x/y f.hay && grep -q 'x/y is there already' err &&
        mkdir x/z && runs 2 run --run-folder x/z f.hay && grep -q 'x/z is there already, and has no journal' err &&
        [ "$(readlink hayfork-runs/latest)" = f.3 ]
}
check run_folders_are_numbered folders

many_starts() {
    local i n=20 pids=() bad=0
    mkdir -p many && cd many || return
    echo 'echo hello' >m.hay
    for i in $(seq $n); do "$hayfork" run -q --output=grouped m.hay >"out.$i" 2>&1 & pids+=($!); done
    for i in "${pids[@]}"; do wait "$i" || bad=1; done
    cd .. && [ $bad = 0 ] && [ "$(cat many/out.* | sort | uniq -c | tr -s ' ')" = " $n hello" ] &&
        [ "$(ls many/hayfork-runs | grep -c '^m')" = $n ]
}
check many_start_at_the_same_time many_starts

growing_input() {
    rm -f grow first
    mkfifo grow
    timeout 60 "$hayfork" run -q - <grow >out 2>err &
    exec 7>grow
    echo 'touch first' >&7
    # It runs while the input is still open.
    until_true [ -e first ] || return
    printf '#HAY name=p\necho p >pp\n#HAY after=p\ncat pp >second\n' >&7
    until_true [ -s second ] || return
    exec 7>&-
    wait %%
}
check tasks_run_while_the_input_grows growing_input

bad_stream() {
    rm -f one two three
    printf 'touch one\n#HAY name=a after=b\ntouch two\n#HAY name=b\ntouch three\n' |
        timeout 60 "$hayfork" run - >out 2>err
    [ $? = 2 ] && [ -e one ] && [ ! -e two ] && [ ! -e three ] &&
        [ "$(grep -c '^hayfork: -:2: unknown task' err)" = 1 ]
}
check a_bad_line_ends_the_reading bad_stream

large_file() {
    awk 'BEGIN { for (i = 0; i < 300000; i++) print "#HAY name=n" i " cores=1\necho " i; print "#HAY name=n7"; print ":" }' >big.hay
    runs 2 run big.hay && grep -q "^hayfork: big.hay:600001: the name 'n7' is taken by line 15" err
}
check a_large_file_is_checked_whole large_file

# The variables that the help names are those that a command sees.
help_names_variables() {
    local name
    rm -rf hayfork-runs
    printf '#HAY mem=1M res.name=1\nenv >env.txt\n' >t.hay
    runs 0 run --gpus=1 --resources=name=1 t.hay
    "$hayfork" help run | grep -o 'HAY_[A-Z_]*' | sort -u |
        grep -v 'HAY_IN\|HAY_OUT' >names && [ "$(wc -l <names)" -ge 5 ] || return
    while read -r name; do
        grep -q "^$name=" env.txt || { echo "# no $name"; return 1; }
    done <names
}
check help_names_variables_that_are_there help_names_variables
