#!/bin/bash
# Files of other tools: the same work in all forms gives the same outputs, their
# resume files are obeyed, and what is not supported is refused with its line.
. "$(dirname "$0")/support.sh"

rm -rf hayfork-runs
toml=yes
printf '[[task]]\ncommand=["true"]\n' >probe.toml
runs 0 run probe.toml || toml=
[ -n "$toml" ] || grep -q 'built without toml++' err ||
    not_ok toml_or_a_word "neither read nor refused"

# ---- The same work ------------------------------------------------------------

# Two parts of numbers, squared each; then a sum that needs both; in parts/.
mkdir -p expected
echo '1 4 9' >expected/a
echo '16 25 36' >expected/b
cat expected/a expected/b >expected/sum
cat >square <<'END'
#!/bin/sh
# square NAME NUMBER...: into parts/NAME
name=$1
shift
for n; do set -- "$@" $((n * n)); shift; done
echo "$@" >"parts/$name"
END
chmod +x square

cat >work.hay <<'END'
#HAY name=a
./square a 1 2 3
#HAY name=b
./square b 4 5 6
#HAY after=a,b
cat parts/a parts/b > parts/sum
END
cat >work.dag <<'END'
# two parts, one sum
TASK a -c 1 -t 2 ./square a 1 2 3
TASK b -m 10 ./square "b" 4 5 6
TASK sum -p 3 -f V=parts/sum sh -c "cat parts/a parts/b >&\$V"
EDGE a sum
EDGE b sum
END
cat >work.toml <<'END'
name = "work"
[[task]]
id = 1
command = ["./square", "a", "1", "2", "3"]
[[task]]
id = 2
command = ["sh", "-c", "./square b $NUMBERS"]
env = { NUMBERS = "4 5 6" }
[[task]]
command = ["cat", "parts/a", "parts/b"]
stdout = "%{CWD}/parts/sum"
deps = [1, 2]
END
sed 's/@$//' >work.disbatch <<'END'
#DISBATCH PREFIX ./square @
a 1 2 3
b {4..6}
#DISBATCH BARRIER CHECK
#DISBATCH PREFIX cat parts/a @
#DISBATCH SUFFIX  > parts/sum
parts/b
END
printf 'a 1 2 3\nb 4 5 6\n' >work.list
for n in 4 5 6; do echo $n >$n; done

same_outputs() { # ARGUMENT...
    rm -rf parts
    mkdir parts
    runs 0 run "$@" && diff -r parts expected
}
check own_form same_outputs work.hay
check pegasus_mpi_cluster same_outputs work.dag
check disbatch same_outputs work.disbatch
if [ -n "$toml" ]; then
    check hyperqueue same_outputs work.toml
else
    skip hyperqueue "no toml++"
fi
parallel_form() {
    rm -rf parts
    mkdir parts
    # One value is one word, as in GNU parallel.
    runs 0 run 'eval ./square {1} {2}' ::: a b :::+ '1 2 3' '4 5 6' &&
        runs 0 run ::: 'cat parts/a parts/b > parts/sum' && diff -r parts expected || return
    rm parts/*
    runs 0 run ./square a ::: 1 ::: 2 ::: 3 && runs 0 run ./square b :::: 4 5 6 &&
        cat parts/a parts/b >parts/sum && diff -r parts expected
}
check gnu_parallel parallel_form
list_form() {
    rm -rf parts
    mkdir parts
    sed 's/^/.\/square /' work.list >list
    runs 0 run list && cat parts/a parts/b >parts/sum && diff -r parts expected
}
check plain_list list_form
if have_mpirun; then
    under_mpirun() {
        same_outputs -n 2 work.dag && [ "$(grep -c 'is read as' err)" = 1 ] &&
            same_outputs -n 2 work.disbatch && same_outputs -n 3 work.hay &&
            { [ -z "$toml" ] || same_outputs -n 2 work.toml; } &&
            runs 0 run -n 2 'echo {} >{/.}.out' ::: x/one.txt 'x/t w o.txt' &&
            [ "$(cat one.out)" = x/one.txt ] && [ "$(cat 't w o.out')" = 'x/t w o.txt' ]
    }
    check the_same_under_mpirun under_mpirun
else
    skip the_same_under_mpirun "no mpirun"
fi

told() {
    runs 0 run work.dag && grep -q '^hayfork: work.dag is read as a file of pegasus-mpi-cluster (--format=pmc)$' err &&
        runs 0 run --format=pmc work.dag && ! grep -q 'is read as' err &&
        runs 0 run -q work.dag && [ ! -s err ] && runs 0 run work.hay && ! grep -q 'is read as' err
}
check the_guess_is_told told

# ---- What each form promises --------------------------------------------------

variables() {
    printf 'TASK x -m 1.5 -c 1 sh -c "echo $PMC_TASK $PMC_MEMORY $PMC_CPUS"\n' >v.dag
    runs 0 run --output=ordered v.dag && [ "$(cat out)" = 'x 2 1' ] || return
    # shellcheck disable=SC2016
    printf '#\n#DISBATCH REPEAT 2 start 5 step 3 echo $DISBATCH_TASKID_ZP $DISBATCH_REPEAT_INDEX $DISBATCH_STREAM_INDEX {n}\necho $DISBATCH_TASKID $DISBATCH_REPEAT_INDEX_ZP $DISBATCH_NAMETASKS [[\n' >v.db
    runs 0 run --output=ordered v.db &&
        printf '000000 5 2 {n}\n000001 8 2 {n}\n2 -00001 v.db [[\n' | diff - out
}
check variables_of_the_other_tools variables

numbers() { # of GNU parallel and Launcher; and what they are for a run that goes on
    # shellcheck disable=SC2016
    runs 0 run --output=ordered 'echo $PARALLEL_SEQ {}; test $PARALLEL_PID -gt 1' ::: a b && printf '1 a\n2 b\n' | diff - out || return
    # shellcheck disable=SC2016
    printf 'echo $PARALLEL_SEQ\n\necho $PARALLEL_SEQ' >list
    runs 0 run --output=ordered list && printf '1\n3\n' | diff - out && grep -q 'of GNU parallel (--format=parallel)' err || return
    # shellcheck disable=SC2016
    printf '# comment\n\necho ${LAUNCHER_JID}/$LAUNCHER_NJOBS\necho $LAUNCHER_JID\n' >list
    runs 0 run --output=ordered list && printf '2/3\n3\n' | diff - out && grep -q 'of Launcher (--format=launcher)' err
}
check numbers_of_the_other_tools numbers
renumbered() { # only who looks at its number runs again
    rm -rf f
    runs 0 run --run-folder f 'echo {}' ::: a b && runs 0 run --run-folder f 'echo {}' ::: z a b &&
        grep -q '1 tasks*: 1 finished, 2 done before' err || return
    rm -rf f
    # shellcheck disable=SC2016
    runs 0 run --run-folder f 'echo $PARALLEL_SEQ {}' ::: a b && runs 0 run --run-folder f 'echo $PARALLEL_SEQ {}' ::: a c b &&
        grep -q '2 tasks: 2 finished, 1 done before' err
}
check numbers_and_runs_that_go_on renumbered
options_of_resume() { # go before the command, not into it
    rm -rf f go
    runs 1 run --retries=0 --run-folder f 'test -e go && echo {}' ::: a b && touch go &&
        runs 0 resume f --output=ordered && printf 'a\nb\n' | diff - out
}
check options_of_resume_go_before_the_command options_of_resume

slots() {
    runs 0 run --slots=2 --output=ordered 'echo {%}' ::: 1 2 3 4 5 6 && [ "$(sort -u out | wc -l)" -le 2 ] &&
        ! grep -qv '^[12]$' out
}
check slot_numbers_are_from_1 slots

forwards() { # what a failed attempt wrote is not there
    cat >f.dag <<'END'
TASK a -t 2 -f V=got -F src=got2 sh -c "echo try >&$V; echo file >src; test -e again || { touch again; exit 1; }"
TASK b -f V=got sh -c "seq 1000 >&$V"
END
    rm -f got got2 again src
    runs 0 run f.dag && [ "$(grep -c try got)" = 1 ] && [ "$(wc -l <got)" = 1001 ] &&
        [ "$(cat got2)" = file ] && [ ! -e src ]
}
check forwarded_data_come_once forwards

barrier() {
    printf 'false\necho x >one\n#DISBATCH BARRIER\ntest -e one && echo x >two\n#DISBATCH BARRIER CHECK\n: >three\nfalse\n#DISBATCH BARRIER CHECK\n: >four\n#DISBATCH BARRIER\n: >five\n' >b.db
    rm -f one two three four five
    runs 1 run b.db && [ -e one ] && [ -e two ] && [ -e three ] && [ ! -e four ] && [ ! -e five ]
}
check barriers_hold barrier

engines() { # WORKERS ARGUMENT...
    local workers=$1
    shift
    # shellcheck disable=SC2016
    printf '#DISBATCH PERENGINE START echo start $DISBATCH_ENGINE_RANK >>ran\n#DISBATCH PERENGINE STOP echo stop $DISBATCH_ENGINE_RANK >>ran\n#DISBATCH REPEAT 4 echo task >>ran\n' >p.db
    rm -f ran
    runs 0 run "$@" p.db && [ "$(grep -c task ran)" = 4 ] &&
        [ "$(head -n "$workers" ran | sort | xargs)" = "$(seq -f 'start %g' 0 $((workers - 1)) | xargs)" ] &&
        [ "$(tail -n "$workers" ran | sort | xargs)" = "$(seq -f 'stop %g' 0 $((workers - 1)) | xargs)" ]
}
check commands_of_engines_run_once engines 1
if have_mpirun; then
    check commands_of_engines_run_on_each_worker engines 2 -n 3
    check commands_of_engines_on_rank_0 engines 1 -n 1
else
    skip commands_of_engines_run_on_each_worker "no mpirun"
fi
# However the tasks end, what an engine was started with is put away again.
stopped() { # OPTION...: what is left after a signal, too many failures, the walltime
    # shellcheck disable=SC2016
    printf '#DISBATCH PERENGINE START echo start >>ran\n#DISBATCH PERENGINE STOP echo stop >>ran\n: >one\n: >two; until [ -e go ]; do sleep 0.05; done\n#DISBATCH BARRIER\n: >three\n' >p.db
    rm -rf ran one two three go hayfork-runs
    "$hayfork" run --slots=1 "$@" p.db >out 2>err </dev/null &
    local pid=$! rc
    until_true test -e two && kill -INT $pid && until_true grep -q 'no new task starts' err || return
    touch go
    wait $pid
    rc=$?
    [ $rc = 130 ] && [ "$(xargs <ran)" = 'start stop' ] && [ -e one ] && [ ! -e three ] || return
    # Not done for good, either: the next run has engines of its own.
    runs 0 run "$@" p.db && grep -q ', 2 done before' err && [ "$(xargs <ran)" = 'start stop start stop' ] &&
        runs 0 status && grep -q ' finished, 0 failed, 0 cancelled' out # what was left then is no task of its own
}
check engines_stop_after_ctrl_c stopped
stopped_by_failures() {
    printf '#DISBATCH PERENGINE START echo start >>ran\n#DISBATCH PERENGINE STOP echo stop >>ran\nfalse\nexec tail -f /dev/null\n' >p.db
    rm -rf ran hayfork-runs
    runs 1 run --slots=2 --max-fails=1 p.db && grep -q 'the run stops (--max-fails)' err &&
        [ "$(xargs <ran)" = 'start stop' ]
}
check engines_stop_after_too_many_failures stopped_by_failures
stopped_by_walltime() {
    printf '#DISBATCH PERENGINE START echo start >>ran\n#DISBATCH PERENGINE STOP echo stop >>ran\n: >one\ntest -e go || exec tail -f /dev/null\n' >p.db
    rm -rf ran go hayfork-runs
    runs 75 run --slots=1 --time-left=12 p.db && [ "$(xargs <ran)" = 'start stop' ] || return
    touch go
    runs 0 run p.db && grep -q ', 1 done before' err && [ "$(xargs <ran)" = 'start stop start stop' ] || return
    rm -rf ran hayfork-runs # with an end of the job that is far
    runs 0 run --time-left=1h p.db && [ "$(xargs <ran)" = 'start stop' ]
}
check engines_stop_at_the_walltime stopped_by_walltime
engine_fails() {
    printf '#DISBATCH PERENGINE START exit 3\n: >ran\n' >p.db
    rm -f ran
    runs 1 run p.db && [ -e ran ] && grep -q '^hayfork: p.db:1: PERENGINE START on worker 1 failed: exit status 3' err
}
check a_command_of_an_engine_that_fails_is_told engine_fails

hq_details() {
    cat >d.toml <<'END'
max_fails = 1
[[task]]
command = ["sh", "-c", "cat; echo \"$HQ_TASK_ID $HQ_INSTANCE_ID\"; ls -d \"$HQ_TASK_DIR\" >&2"]
stdin = "he said 'x'\n"
stdout = "made/%{TASK_ID}.out"
stderr = { path = "made/err", on_close = "rm-if-finished" }
task_dir = true
END
    rm -rf made
    runs 0 run d.toml && printf "he said 'x'\n1 0\n" | diff - made/1.out && [ ! -e made/err ] || return
    printf '[array]\nids="1-3,7"\ncommand=["sh","-c","echo $HQ_TASK_ID {n} ${HOME:+h}"]\n' >e.toml
    runs 0 run --output=ordered e.toml && printf '%s {n} h\n' 1 2 3 7 | diff - out || return
    printf '[array]\nentries=["a b","c"]\ncommand=["sh","-c","echo $HQ_TASK_ID $HQ_ENTRY"]\n' >e.toml
    runs 0 run --output=ordered e.toml && printf '0 a b\n1 c\n' | diff - out
}
if [ -n "$toml" ]; then
    check hyperqueue_details hq_details
else
    skip hyperqueue_details "no toml++"
fi

# ---- Resume files -------------------------------------------------------------

resumed() { # DONE_BEFORE ARGUMENT...: tasks leave a line in ran
    local before=$1
    shift
    : >ran
    runs 0 run "$@" && grep -q ", $before done before" err
}
joblog() {
    {
        printf 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n'
        printf '2\t:\t1.0\t 0.0\t0\t0\t0\t0\techo b\\ c >>ran\n'
        printf '1\t:\t1.0\t 0.0\t0\t0\t1\t0\techo a >>ran\n'
    } >log
    resumed 1 --resume-from=log 'echo {} >>ran' ::: a 'b c' d && [ "$(sort ran | xargs)" = 'a d' ] || return
    rm -rf hayfork-runs ran
    runs 2 run --resume-from log 'echo {} >>ran' ::: a b d &&
        grep -q "^hayfork: log:2: task 2 was 'echo b" err && [ ! -e ran ] && [ ! -e hayfork-runs ]
}
check a_joblog_is_obeyed joblog
in_order() { # outputs do not wait for those of tasks that were done before
    {
        printf 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n'
        printf '%s\t:\t1.0\t 0.0\t0\t0\t0\t0\techo %s\n' 1 a 3 c
    } >log
    runs 0 run --output=ordered --resume-from=log echo ::: a b c d && [ "$(xargs <out)" = 'b d' ]
}
check outputs_in_order_of_a_resumed_run in_order
rescue() {
    printf 'TASK a sh -c "echo a >>ran"\nTASK b sh -c "echo b >>ran"\nTASK c sh -c "echo c >>ran"\nEDGE a b\nEDGE b c\n' >r.dag
    printf 'DONE a\nDONE a\n# x\n\nDONE c\nDONE b' >r.dag.rescue
    resumed 2 --resume-from=r.dag.rescue r.dag && [ "$(cat ran)" = b ] || return
    echo >>r.dag.rescue
    : >ran
    runs 0 run --resume-from=r.dag.rescue r.dag && [ ! -s ran ] && grep -q 'all 3 tasks were done before' err &&
        runs 0 run r.dag && grep -q 'r.dag.rescue is not read without --resume-from' err &&
        [ "$(xargs <ran)" = 'a b c' ]
}
check a_rescue_file_is_obeyed rescue
status_file() {
    printf '#DISBATCH SUFFIX  >>ran\necho a\necho b\n#DISBATCH BARRIER\necho c\n' >r.db
    local line='\t1\t-1\tn1\t7\t%s\t0.1\t1.0\t1.1\t0\t%s\t0\t%s\techo %s >>ran\n'
    # shellcheck disable=SC2059
    { printf "    \t0$line" 0 "''" "''" a; printf "R   \t1$line" 1 "''" "''" b; } >status
    resumed 1 --resume-from=status r.db && [ "$(xargs <ran)" = 'b c' ]
}
check a_status_file_is_obeyed status_file
if have_mpirun; then
    check resumed_under_mpirun resumed 2 -n 2 --resume-from=r.dag.rescue.2 r.dag <<<"$(printf 'DONE a\nDONE b\n' >r.dag.rescue.2)"
else
    skip resumed_under_mpirun "no mpirun"
fi

# ---- What is refused ----------------------------------------------------------

refuses() { # NAME WORDS ARGUMENT...: one line, nothing run, no folder
    local name=$1 words=$2
    shift 2
    rm -rf hayfork-runs ran
    runs 2 run "$@" || { not_ok "$name" "hayfork run $*"; return; }
    if [ "$(wc -l <err)" != 1 ] || ! grep -qF "hayfork: $words" err || [ -e hayfork-runs ] || [ -e ran ]; then
        not_ok "$name" "not: $words"
        return
    fi
    ok "$name"
}
with_task() { printf 'TASK a touch ran\n%s\n' "$1" >x.dag; }
with_task 'TASK b -z 1 x'
refuses pmc_option "x.dag:2: task 'b': unknown option -z" x.dag
with_task 'EDGE a b'
refuses pmc_edge "x.dag:2: no task 'b' is above this EDGE" x.dag
with_task 'SCRIPT POST a x'
refuses pmc_record "x.dag:2: unknown record 'SCRIPT'" x.dag
with_command() { printf 'touch ran\n%s\n' "$1" >x.db; }
with_command '#DISBATCH PERENGINE START x'
refuses disbatch_perengine "x.db:2: PERENGINE stands below a task" x.db
printf '#DISBATCH PERENGINE START x\ntouch ran\n' >x.db
refuses disbatch_perengine_of_guests "x.db:1: PERENGINE in a run that others may join" --listen x.db
with_command '#DISBATCH BARRIER key'
refuses disbatch_key "x.db:2: BARRIER with a key" x.db
with_command '#DISBATCH WAIT'
refuses disbatch_directive "x.db:2: unknown directive '#DISBATCH WAIT'" x.db
if [ -n "$toml" ]; then
    with_toml() { printf '[[task]]\ncommand=["touch","ran"]\n%s\n' "$1" >x.toml; }
    with_toml 'colour=1'
    refuses hq_key "x.toml:3: unknown key 'colour'" x.toml
    with_toml 'crash_limit=5'
    refuses hq_crash_limit "x.toml:3: crash_limit" x.toml
    with_toml 'a b'
    refuses hq_no_toml "x.toml:3: not TOML" x.toml
else
    refuses hq_at_all "work.toml: TOML cannot be read" work.toml
fi
refuses parallel_list 'run: {3} is none of the 1 list of values' echo '{3}' ::: a
refuses parallel_perl 'run: {= =}: Perl' echo '{= uc =}' ::: a
refuses parallel_empty 'run: nothing stands behind :::' echo :::
refuses parallel_format 'run: lists of values (:::) are of GNU parallel' --format=pmc echo ::: a
refuses launcher_key 'work.hay:1: a #HAY line in a list of another tool' --format=launcher work.hay
refuses joblog_option 'run: unknown option --joblog' --joblog log echo ::: a
refuses unknown_format 'run: bad value --format=slurm' --format=slurm work.hay
refuses format_of_a_stream 'run: files of other tools are not read from standard input' --format=pmc -
refuses resume_of_a_stream 'run: --resume-from wants a file of tasks' --resume-from=log -
refuses no_resume_file 'none: No such file' --resume-from=none work.hay
stream() {
    printf 'echo a\n#DISBATCH BARRIER\ntouch ran\n' | timeout 60 "$hayfork" run - >out 2>err
    [ $? = 2 ] && grep -q '^hayfork: -:2: a line of disBatch' err && [ ! -e ran ]
}
check disbatch_on_standard_input stream
