# Unit tests of lib/manager: test_<module>.c each, one suite manager/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/manager/libhayfork-manager.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_manager
%C%_test_manager_SOURCES = %D%/test_manager.c
%C%_test_manager_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
