#!/bin/bash
# hayfork run: limits of time, memory and output; each failure has its cause.
# time-limit: 180
. "$(dirname "$0")/support.sh"

# column NAME RUN_FOLDER TASK ATTEMPT: of tasks.tsv.
column() {
    awk -F '\t' -v name="$1" -v task="$3" -v attempt="$4" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["name"] == task && $at["attempt"] == attempt { print $at[name] }' "$2/tasks.tsv"
}

is() { # WANTED GOT
    [ "$1" = "$2" ] || { echo "# '$2' is not '$1'"; return 1; }
}

causes() {
    cat >t.hay <<'HAY'
#HAY name=time time=0.2 grace=0.1
trap '' TERM; setsid sleep 100 & sleep 100; sleep 100
#HAY name=mem mem_limit=64M
dd if=/dev/zero of=/dev/null bs=200M count=1000000
#HAY name=out output_limit=1M
yes
#HAY name=signal
kill -SEGV $$
#HAY name=status
exit 3
#HAY name=dep after=status
:
#HAY name=fine time=50 mem_limit=1G output_limit=1M
echo fine
HAY
    rm -rf causes
    runs 1 run --run-folder causes t.hay || return
    is 'time limit' "$(column cause causes time 1)" && is 9 "$(column signal causes time 1)" &&
        is 'memory limit' "$(column cause causes mem 1)" && is 'output limit' "$(column cause causes out 1)" &&
        is signal "$(column cause causes signal 1)" && is status "$(column cause causes status 1)" &&
        is dependency "$(column cause causes dep 0)" && is '' "$(column cause causes fine 1)" || return
    [ "$(column peak_bytes causes mem 1)" -gt 67108864 ] && [ "$(column peak_bytes causes fine 1)" -gt 0 ] || return
    grep -q 'task mem (t.hay:3) failed: memory limit of 64.0 MiB (used [0-9.]* MiB)' err &&
        grep -q 'task out (t.hay:5) failed: output limit of 1.0 MiB' err &&
        grep -q 'task time (t.hay:1) failed: time limit of 0.2 s' err || return
    runs 0 output --run-folder causes out && is 1048576 "$(wc -c <out)" && is y "$(head -1 out)" &&
        until_true nothing_left
}
check each_limit_is_its_own_cause causes

grows() {
    cat >t.hay <<'HAY'
#HAY name=grow mem_limit=48M mem_retries=3
dd if=/dev/zero of=/dev/null bs=100M count=$([ $HAY_TASK_ATTEMPT = 3 ] && echo 3 || echo 1000000)
#HAY name=never mem_limit=16M mem_retries=1
dd if=/dev/zero of=/dev/null bs=100M count=1000000
HAY
    runs 1 run --run-folder grows t.hay || return
    is 'memory limit' "$(column cause grows grow 1)" && is 'memory limit' "$(column cause grows grow 2)" &&
        is finished "$(column state grows grow 3)" && is '' "$(column cause grows grow 3)" &&
        is failed "$(column state grows never 2)" && is '' "$(column state grows never 3)" &&
        grep -q 'task never .*: memory limit of 32.0 MiB' err
}
check more_memory_is_tried_where_it_is_asked_for grows

enforced() {
    printf '#HAY name=a mem=32M\ndd if=/dev/zero of=/dev/null bs=100M count=3\n' >t.hay
    runs 0 run --run-folder free t.hay || return
    printf '#HAY name=a mem=32M\ndd if=/dev/zero of=/dev/null bs=100M count=1000000\n' >t.hay
    runs 1 run --enforce-mem --run-folder forced t.hay && is 'memory limit' "$(column cause forced a 1)"
}
check mem_is_a_request_unless_it_is_enforced enforced

defaults() {
    printf 'yes\n#HAY output_limit=1M\necho fine\n' >t.hay
    runs 1 run --output-limit 10K --run-folder defaults t.hay && grep -q 'output limit of 10.0 KiB' err &&
        grep -q '1 finished, 1 failed' err
}
check options_are_defaults_of_limits defaults

refused() {
    printf '#HAY mem_retries=2\n:\n' >t.hay
    runs 2 run t.hay && grep -q 't.hay:1: tries with more memory need a memory limit' err || return
    printf '#HAY output_limit=1M\n:\n' >t.hay
    runs 2 run --output=inherit t.hay && grep -q 't.hay:1: an output limit needs output in files' err || return
    printf '#HAY mem_limit=lots\n:\n' >t.hay
    runs 2 run t.hay && grep -q 'bad value mem_limit=lots' err
}
check what_cannot_be_kept_is_refused refused

killed() {
    cat >t.hay <<'HAY'
#HAY name=k[1..6] mem_limit=1G output_limit=1G time=60 grace=60
trap '' TERM; setsid -f sh -c 'trap "" TERM; exec sleep 90' & touch begun.{n}; sleep 90
HAY
    "$hayfork" run t.hay >out 2>err </dev/null &
    local pid=$!
    until_true eval 'compgen -G "begun.*" >/dev/null' || return
    kill -KILL $pid
    wait $pid
    until_true nothing_left || { marked | sed 's/^/# left: /'; return 1; }
    rm -rf "${TMPDIR:-/tmp}"/hayfork.*
}
check nothing_is_left_when_the_rank_is_killed killed

small_disk() { # TASK_FILE: run on a disk of 2 MB
    mkdir -p small
    unshare -rm bash -c 'mount -t tmpfs -o size=2M none small && timeout 60 "$0" run --run-folder small/r "$1"' "$hayfork" "$1" >out 2>err </dev/null
}

limited_on_a_small_disk() {
    printf '#HAY name=one output_limit=400K\nhead -c 1G /dev/zero\n#HAY name=two afterany=one output_limit=400K\nyes\n#HAY name=fine afterany=two\necho fine\n' >t.hay
    small_disk t.hay
    [ $? = 1 ] && [ "$(grep -c 'output limit of 400.0 KiB' err)" = 2 ] && grep -q '1 finished, 2 failed' err
}

full_disk() {
    printf '#HAY name=big\nhead -c 8M /dev/zero\n#HAY name=quiet[1..20] afterany=big\n:\n' >t.hay
    small_disk t.hay
    local rc=$?
    if [ $rc = 1 ]; then
        grep -q 'task big .* failed: exit status 1' err && grep -q '20 finished, 1 failed' err
    else # not even the list of tasks could be written
        [ $rc = 3 ] && grep -q 'tasks.tsv' err
    fi && until_true nothing_left
}
if unshare -rm bash -c 'mount -t tmpfs -o size=2M none /tmp' 2>/dev/null; then
    check output_limits_save_a_small_disk limited_on_a_small_disk
    check a_full_disk_fails_those_who_write full_disk
else
    skip small_disks "no mounts here"
fi
