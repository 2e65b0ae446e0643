# Unit tests of lib/manager: test_<module>.c each, one suite manager/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/manager/libhayfork-manager.la $(HAY_UNIT_LIB)
