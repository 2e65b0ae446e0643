#!/bin/bash
# t_walltime.sh - programs on the library whose walltime ends, with functions in
# threads and in processes, in one process and over MPI.
# time-limit: 200
set -u
program=$BUILDDIR/tests/farm/farm_walltime
hayfork=$BUILDDIR/apps/hayfork

# ends PLACE STATUS TEST COMMAND...
ends() {
    local place=$1 wanted=$2 test=$3 rc
    shift 3
    timeout 60 "$@" >out 2>err </dev/null
    rc=$?
    if [ $rc = "$wanted" ] && grep -q "^ok $test\$" out; then
        echo "ok farm/walltime/$test $place"
    else
        echo "not ok farm/walltime/$test $place: exit status $rc"
        sed 's/^/# /' out err
    fi
}
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
unset HAYFORK_DEADLINE HAYFORK_DEADLINE_FILE
for runner in thread process; do
    own="--hay-runner=$runner --hay-slots=2"
    # shellcheck disable=SC2086
    {
        ends "$runner" 0 known "$program" known $own --hay-time-left=100
        ends "$runner" 0 unknown "$program" unknown $own
        ends "$runner" 75 saved "$program" saved $own --hay-time-left=1m40s
        ends "$runner" 75 over "$program" over $own --hay-time-left=6
        command -v mpirun >/dev/null || continue
        ends "$runner, on 2 ranks" 0 known \
            "$hayfork" launch -n 2 "$program" known $own --hay-time-left=100
        ends "$runner, on 2 ranks" 75 over \
            "$hayfork" launch --time-left=9 -n 2 "$program" over $own
    }
done
ends process 75 forced "$program" forced --hay-runner=process --hay-slots=2 --hay-time-left=6
