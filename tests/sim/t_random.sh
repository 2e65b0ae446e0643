#!/bin/bash
# Simulated clusters of 2 to 2,000 workers by seed; HAYFORK_SIM_SEEDS=N, or
# make sim SEEDS=N, runs another number of them than 300.
# time-limit: 900
exec "$BUILDDIR/tests/sim/sim_random" --seeds "${HAYFORK_SIM_SEEDS:-300}"
