# Unit tests of lib/transport: test_<module>.c each, one suite transport/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/transport/libhayfork-transport.la $(HAY_UNIT_LIB)
