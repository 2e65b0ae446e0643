# Unit tests of lib/observe: test_<module>.c each, one suite observe/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/observe/libhayfork-observe.la $(HAY_UNIT_LIB)
