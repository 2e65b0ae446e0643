#!/bin/bash
# Bad input: exit status 2, one line with file, line and cause, nothing run, no
# run folder.
. "$(dirname "$0")/support.sh"

# refuses NAME WORDS ARGUMENT...: also under mpirun, whose start it must not see.
refuses() {
    local name=$1 words=$2 where
    shift 2
    rm -rf hayfork-runs ran
    for where in '' '-n 3'; do
        # shellcheck disable=SC2086
        runs 2 "$@" $where || { not_ok "$name" "hayfork $* $where"; return; }
        if [ "$(wc -l <err)" != 1 ] || ! grep -qF "hayfork: $words" err; then
            not_ok "$name" "words of $*: not $words"
            return
        fi
        if [ -e hayfork-runs ] || [ -e ran ] || [ -s out ]; then
            not_ok "$name" "something is left of $*"
            return
        fi
    done
    ok "$name"
}

file() { # TEXT
    printf "touch ran\n$1" >t.hay
}

file '#HAY name=a after=b\n:\n#HAY name=b after=a\n:\n'
refuses cycle "t.hay:2: a cycle of tasks: 'a' after 'b' after 'a'" run t.hay
file '#HAY after=nobody\n:\n'
refuses unknown_parent "t.hay:2: unknown task 'nobody'" run t.hay
file '#HAY name=a\n:\n\n#HAY name=a\n:\n'
refuses duplicate_name "t.hay:5: the name 'a' is taken by line 2" run t.hay
file '#HAY colour=red\n:\n'
refuses unknown_key "t.hay:2: unknown key 'colour'" run t.hay
file '#HAY mem=much\n:\n'
refuses bad_value "t.hay:2: bad value mem=much" run t.hay
file '#HAY name=s[1..3]\n:\n#HAY after=s[4]\n:\n'
refuses element_out_of_range "t.hay:4: 's' has no element 4" run t.hay
file '#HAY name=last\n'
refuses no_command "t.hay:2: no command follows this #HAY line" run t.hay
file 'x\0y\n'
refuses binary "t.hay:2: not a text" run t.hay
refuses program "$(command -v ls):1: not a text" run "$(command -v ls)"
: >t.hay
refuses empty "t.hay:1: the file is empty" run t.hay
printf '\n# nothing here\n' >t.hay
refuses only_comments "t.hay:2: no task in the file" run t.hay
refuses no_file "none.hay: No such file" run none.hay
refuses folder "/: Is a directory" run /
echo 'touch ran' >t.hay
refuses unknown_option "run: unknown option --frobnicate" run --frobnicate t.hay
refuses bad_option_value "run: bad value --retries=many" run --retries=many t.hay
refuses missing_argument "run: no file given" run
refuses too_many_arguments "run: one argument too many: b" run t.hay b
refuses json_for_run "$data/wf/diamond.json:1: this is JSON" run "$data/wf/diamond.json"
refuses json_cut "$data/wf/cut.json:13: not JSON" replay "$data/wf/cut.json"
refuses json_cycle "$data/wf/cycle.json:7: a cycle of tasks" replay "$data/wf/cycle.json"
refuses json_parent "$data/wf/unknown-parent.json:8: unknown task 'nobody_9'" \
    replay "$data/wf/unknown-parent.json"
refuses json_time "$data/wf/negative.json:20: task 'right_3' has runtimeInSeconds" \
    replay "$data/wf/negative.json"
refuses json_duplicate "$data/wf/duplicate.json:8: the task id 'left_2' stands there twice" \
    replay "$data/wf/duplicate.json"
refuses json_none "t.hay:1: not JSON" replay t.hay

# Known only when the farm is there; under mpirun its own words may come too.
infeasible() { # WHERE...
    rm -rf hayfork-runs ran
    printf 'touch ran\n#HAY cores=4096\n:\n' >t.hay
    runs 2 run t.hay "$@" && [ ! -e hayfork-runs ] && [ ! -e ran ] &&
        [ "$(wc -l <err)" = 1 ] && grep -q '^hayfork: t.hay:2: .*4096.* no worker' err
}
check infeasible infeasible
if have_mpirun; then
    check infeasible_under_mpirun infeasible -n 2
else
    skip infeasible_under_mpirun "no mpirun"
fi

words() {
    runs 0 --help && grep -q replay out && runs 0 help run && grep -q '#HAY' out &&
        runs 0 run --help && grep -q '#HAY' out && runs 0 --version && grep -q '^hayfork [0-9]' out &&
        runs 2 frob && [ "$(cat err)" = "hayfork: unknown word 'frob' (hayfork --help lists them)" ] &&
        runs 2 --frob && runs 2 && runs 2 output && runs 2 launch
}
check help_and_unknown_words words

empty_stream() {
    rm -rf hayfork-runs
    runs 2 run - && [ "$(cat err)" = "hayfork: -:1: the file is empty" ] && [ ! -e hayfork-runs ]
}
check empty_standard_input empty_stream
