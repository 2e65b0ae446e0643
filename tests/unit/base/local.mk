# Unit tests of lib/base: test_<module>.c each, one suite base/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_philox
%C%_test_philox_SOURCES = %D%/test_philox.c
%C%_test_philox_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
