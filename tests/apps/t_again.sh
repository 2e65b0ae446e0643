#!/bin/bash
# Runs that are gone on with by the command: edited task files, each change with
# its reason; which run is gone on with; what is printed of all starts together.
# time-limit: 200
. "$(dirname "$0")/support.sh"

# would RUNS...: what --why tells to run and of what is gone, sorted: "NAME: why".
would() {
    runs 0 run --why --run-folder r t.hay >/dev/null || return
    awk -F'\t' '$1 == "runs" {print $2 ": " $3} $1 == "gone" {print $2 ": gone"}' out | sort >got
    printf '%s\n' "$@" | sort | sed '/^$/d' | cmp - got
}
state() { (cat r/tasks.tsv r/journal.log; ls -l r) | cksum; }

first() {
    mkdir -p o
    echo 1 >source
    cat >t.hay <<'END'
#HAY name=prep in=source out=o/prep
cat source > o/prep; echo prep
#HAY name=sim[1..4] in=o/prep out=o/sim{n}
echo sim {n} | tee o/sim{n}
#HAY name=sum after=sim
cat o/sim* | wc -l
#HAY name=apart env.X=1
echo apart
echo plain
echo plain
END
    would 'apart: new' 'prep: new' 'sim[1]: new' 'sim[2]: new' 'sim[3]: new' \
        'sim[4]: new' 'sum: new' 't.hay:9: new' 't.hay:10: new' &&
        [ ! -e r ] && runs 0 run --check-files --run-folder r t.hay && would ''
}
check a_finished_run_has_nothing_left first

asking_changes_nothing() {
    local before
    before=$(state)
    would '' && [ "$(state)" = "$before" ]
}
check asking_writes_nothing asking_changes_nothing

edited() { # SED-SCRIPT WOULD...
    cp t.hay kept && sed -i "$1" t.hay && shift
    would "$@"
    local rc=$?
    cp kept t.hay
    return $rc
}
check a_changed_command_runs_again edited 's/echo apart/echo alone/' 'apart: command changed'
check a_changed_variable_runs_again edited 's/X=1/X=2/' 'apart: arguments changed'
check what_comes_after_runs_again edited 's/sim {n} |/sim {n} again |/' \
    'sim[1]: command changed' 'sim[2]: command changed' 'sim[3]: command changed' \
    'sim[4]: command changed' 'sum: comes after sim[1], which runs again'
check another_input_runs_again edited 's/after=sim/after=sim[1]/' \
    'sum: comes after other tasks than before'
check a_new_line_runs edited '$a echo more' 't.hay:11: new'
check a_third_equal_line_runs edited '$a echo plain' 't.hay:11: new'
check a_removed_line_is_told edited '/apart/d' 'apart: gone'
check cores_and_retries_may_change edited 's/name=apart/name=apart cores=1 retries=3 priority=5/' ''

lost_output() {
    mv o/sim3 kept.sim3
    would 'sim[3]: output o/sim3 is gone' 'sum: comes after sim[3], which runs again'
    local rc=$?
    mv kept.sim3 o/sim3
    return $rc
}
check a_lost_output_is_made_again lost_output

changed_source() {
    echo 22 >source
    would '' && runs 0 run --why --check-files --run-folder r t.hay &&
        grep -qxP 'runs\tprep\tinput file source changed' out &&
        grep -qxP 'runs\tsim\[2\]\tcomes after prep, which runs again' out &&
        grep -qxP 'done\tapart' out
}
check a_changed_input_file_counts_if_asked changed_source

# Ends as all would: the journal has it, and nothing else ran.
goes_on() {
    sed -i 's/echo apart/echo alone/; $a echo more' t.hay
    runs 0 run --run-folder r t.hay && grep -q '2 tasks: 2 finished, 8 done before' err &&
        runs 0 output --run-folder r --all &&
        [ "$(cat out | xargs)" = 'prep sim 1 sim 2 sim 3 sim 4 4 alone plain plain more' ] &&
        would ''
}
check an_edited_file_runs_what_changed goes_on

failed() {
    printf '#HAY name=bad\ntest -e good\n#HAY after=bad name=next\necho next\n' >f.hay
    runs 1 run --run-folder f f.hay && touch good && runs 0 run --why --run-folder f f.hay &&
        grep -qxP 'runs\tbad\tfailed before' out && runs 0 resume f &&
        [ "$(awk -F'\t' '$4 == "finished" {print $2}' f/tasks.tsv | xargs)" = 'bad next' ]
}
check what_failed_runs_again failed

# Without a folder: the last run of the file, if it has not come to its end.
which_run() {
    rm -rf hayfork-runs
    printf 'until [ -e go ]; do sleep 0.1; done\necho went\n' >w.hay
    "$hayfork" run w.hay >out 2>err </dev/null &
    local pid=$!
    until_true [ -s hayfork-runs/w/order.tsv ] || return
    runs 2 run --run-folder hayfork-runs/w w.hay &&
        grep -q "in use by hayfork (pid $pid on $(hostname))" err || return
    kill -9 $pid
    wait $pid 2>/dev/null
    until_true nothing_left || return
    touch go
    runs 0 run --new w.hay && [ -d hayfork-runs/w.2 ] || return
    rm -rf hayfork-runs/w.2
    runs 0 run w.hay && grep -q 'going on with the unfinished run hayfork-runs/w ' err &&
        [ ! -e hayfork-runs/w.2 ] && runs 0 run w.hay && [ -d hayfork-runs/w.2 ]
}
check the_last_unfinished_run_is_gone_on_with which_run

# Another file of that name is another run.
another_file() {
    rm -rf hayfork-runs go other
    mkdir other
    printf 'until [ -e go ]; do sleep 0.1; done\n' >w.hay
    echo 'echo other' >other/w.hay
    "$hayfork" run w.hay >out 2>err </dev/null &
    local pid=$!
    until_true [ -s hayfork-runs/w/order.tsv ] || return
    kill -9 $pid
    wait $pid 2>/dev/null
    runs 0 run other/w.hay && [ -d hayfork-runs/w.2 ] && touch go && runs 0 resume w
}
check another_file_of_its_name_is_another_run another_file

half_there() { grep -qs half m/output/.*.out; }

files_mode() {
    printf '#HAY name=a\necho half; until [ -e go ]; do sleep 0.1; done; echo whole\n' >m.hay
    rm -f go
    "$hayfork" run --output=files --run-folder m m.hay >out 2>err </dev/null &
    local pid=$!
    until_true half_there && [ ! -e m/output/a.out ] || return
    kill -9 $pid
    wait $pid 2>/dev/null
    [ ! -e m/output/a.out ] && touch go && runs 0 resume m &&
        [ "$(xargs <m/output/a.out)" = 'half whole' ] && [ -z "$(ls -A m/output | grep now)" ]
}
check files_are_seen_when_they_are_whole files_mode

ordered() {
    printf '#HAY name=s[1..3]\necho s{n}; [ {n} != 2 ] || [ -e well ]\n' >s.hay
    rm -f well
    runs 1 run --run-folder s s.hay && touch well &&
        runs 0 run --output=ordered --run-folder s s.hay && [ "$(xargs <out)" = 's1 s2 s3' ]
}
check ordered_output_has_all_starts ordered

refusals() {
    echo 'echo in' | "$hayfork" run --run-folder i - >out 2>err && runs 2 resume i &&
        grep -q 'from standard input' err && mkdir -p none && runs 2 resume none &&
        runs 2 resume nowhere && runs 2 output --all nowhere x
}
check what_cannot_be_gone_on_with_is_refused refusals
