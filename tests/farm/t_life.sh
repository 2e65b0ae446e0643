#!/bin/sh
# t_life.sh - farms in one process: closed in every way, several at once,
# broken; and without descriptors or room on the disk.
# time-limit: 300
set -u
program=${FARM_LIFE:-$BUILDDIR/tests/farm/farm_life}
HAYFORK_SPAWNER=${HAYFORK_SPAWNER:-$BUILDDIR/apps/hayfork-spawner}
export HAYFORK_SPAWNER

# Words of the farm that breaks on purpose go to standard error.
"$program" 2>/dev/null
status=$?
if [ "$status" -gt 1 ]; then
    echo "not ok farm_life: exit $status"
fi
"$program" failing_init_is_told_by_open 2>/dev/null
