#!/bin/bash
# Runs with a journal that are killed, whose disk is full or cannot be written,
# whose journal is damaged: what was told is in the log, run.db and tasks.tsv
# say the same, and what was whole stays.
# time-limit: 240
. "$(dirname "$0")/support.sh"

steps=$BUILDDIR/tests/farm/farm_journal dump=$BUILDDIR/tests/farm/journal_dump
count=300
expected=$((7 * count * (count - 1) / 2))

told() { sed -n 's/^told //p' told 2>/dev/null | sort; }
finished() { "$dump" log r 2>damage | awk -F'\t' '$3 == "finished" {print $2}' | sort; }
over() { ! kill -0 "$pid" 2>/dev/null; }
has_told() { [ "$(grep -c '^told' told)" -ge "$1" ]; }

# told_is_recorded: each end that the client heard of is in the log
told_is_recorded() {
    local missing
    missing=$(comm -23 <(told) <(finished))
    [ -z "$missing" ] || { echo "# told, and not in the log: $missing"; return 1; }
    [ ! -s damage ]
}

# killed SEEN: once some more has been told
killed() {
    local seen=$1
    until_true eval "over || has_told $((seen + 5))"
    over && return 2
    kill -9 "$(sed -n 's/^pid //p' told)"
    wait "$pid" 2>/dev/null
}

# The three faces of an ended run.
agree() {
    "$dump" log r >log.txt && "$dump" db r >db.txt && cmp log.txt db.txt || return 1
    awk -F'\t' 'NR > 1 && $4 == "finished" {print $1 "\t" $2}' r/tasks.tsv | sort >tsv.txt
    awk -F'\t' '$3 == "finished" {print $1 "\t" $2}' log.txt | sort | cmp - tsv.txt
}

# each_once: every step has finished once, in whatever run
each_once() {
    [ "$(finished | uniq | wc -l)" = $count ] && [ -z "$(finished | uniq -d)" ]
}

whole_run() { "$@" >told 2>err </dev/null && grep -qx "sum $expected" told; }

# kills NAME COMMAND...: again and again, then to the end
kills() {
    local name=$1 round pid rc=0 program
    shift
    program=("$@")
    rm -rf r ran
    for round in 1 2 3 4 5 6; do
        "${program[@]}" >told 2>err </dev/null &
        pid=$!
        # What is recorded already is told at once, some more shall be new.
        killed "$(finished | wc -l)"
        rc=$?
        [ $rc = 2 ] && break
        told_is_recorded || { not_ok "$name" "after kill $round"; return; }
        until_true nothing_left
    done
    [ "$round" -gt 2 ] || { not_ok "$name" 'it was over too early'; return; }
    check "$name" eval 'whole_run "${program[@]}" && told_is_recorded && agree && each_once'
}

kills what_was_told_is_in_the_log "$steps" $count --hay-run-folder=r
if have_mpirun; then
    kills what_was_told_is_in_the_log_over_mpi \
        "$hayfork" launch -n 3 -- "$steps" $count --hay-run-folder=r
else
    skip what_was_told_is_in_the_log_over_mpi 'no mpirun'
fi

# ---- one at a time

rm -rf r ran told
"$steps" 100000 --hay-run-folder=r >told 2>err </dev/null &
pid=$!
until_true has_told 1
"$steps" 10 --hay-run-folder=r >out 2>err.second </dev/null
rc=$?
check second_run_is_refused eval \
    '[ $rc = 3 ] && grep -q "r is in use by hayfork (pid $pid on $(uname -n)) since 20" err.second'
kill -9 $pid
wait $pid 2>/dev/null
check after_a_kill_it_goes_on eval '"$steps" 10 --hay-run-folder=r >told 2>err'

# ---- damage

rm -rf r ran
whole_run "$steps" $count --hay-run-folder=r
size=$(stat -c %s r/journal.log)
printf '\377' | dd of=r/journal.log bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
check damage_is_told_and_done_again eval 'whole_run "$steps" $count --hay-run-folder=r &&
    grep -q "r/journal.log is damaged at byte [0-9]*: " err'
check damage_costs_little eval '[ "$(wc -l <ran)" -le $((count + 2)) ]'

# ---- disks

# A small disk that is full before the end; then there is room again.
full_disk() {
    mkdir small && mount -t tmpfs -o size=256k none small || exit 7
    head -c 200000 /dev/zero >small/filler
    "$steps" $count --hay-run-folder=small/r >told 2>err </dev/null
    echo $? >status
    cp -r small/r r
    rm small/filler
    "$steps" $count --hay-run-folder=small/r >told.after 2>err.after </dev/null
    echo $? >status.after
}
no_writing() {
    mkdir closed && mount -t tmpfs none closed && mount -o remount,ro closed || exit 7
    "$steps" $count --hay-run-folder=closed >told 2>err </dev/null
    echo $? >status
}
export -f full_disk no_writing
export steps count
if unshare -rm true 2>/dev/null; then
    rm -rf r ran
    unshare -rm bash -c full_disk
    check full_disk_ends_the_run eval \
        '[ "$(cat status)" = 3 ] && grep -q "journal.log: No space left on device" err'
    check full_disk_loses_nothing_whole told_is_recorded
    check with_room_again_it_goes_on eval \
        '[ "$(cat status.after)" = 0 ] && grep -qx "sum $expected" told.after'
    unshare -rm bash -c no_writing
    check folder_that_cannot_be_written_is_named eval \
        '[ "$(cat status)" = 3 ] && grep -q "closed.*Read-only file system" err && [ ! -s told ]'
else
    skip full_disk 'namespaces are refused here'
fi
finish
