# Unit tests of lib/sim: test_<module>.c each, one suite sim/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/sim/libhayfork-sim.la $(HAY_UNIT_LIB)
