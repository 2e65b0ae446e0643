#!/bin/sh
# t_nested.sh - tasks that submit tasks and wait for them, in one process.
# time-limit: 200
set -u
"$BUILDDIR/tests/farm/farm_nested" && "$BUILDDIR/tests/farm/farm_nested_ends"
