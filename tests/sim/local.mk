# tests/sim: programs test_* (check_PROGRAMS) and scripts t_*.sh
# (dist_check_SCRIPTS); what scripts run beside them has another name.

HAY_SIM_LIBS = \
	lib/sim/libhayfork-sim.la \
	lib/worker/libhayfork-workerstate.la \
	lib/core/libhayfork-core.la \
	lib/transport/libhayfork-simnet.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la

check_PROGRAMS += \
	%D%/sim_random \
	%D%/test_starving \
	%D%/test_stories
%C%_sim_random_SOURCES = %D%/sim_random.c
%C%_sim_random_LDADD = $(HAY_SIM_LIBS)
%C%_test_starving_SOURCES = %D%/test_starving.c
%C%_test_starving_LDADD = $(HAY_SIM_LIBS) $(HAY_UNIT_LIB)
%C%_test_stories_SOURCES = %D%/test_stories.c
%C%_test_stories_LDADD = $(HAY_SIM_LIBS) $(HAY_UNIT_LIB)

dist_check_SCRIPTS += %D%/t_random.sh

# make sim SEEDS=5000 FROM=1: that many simulated clusters.
SEEDS = 300
FROM = 1
.PHONY: sim
sim: %D%/sim_random
	%D%/sim_random --from $(FROM) --seeds $(SEEDS)
