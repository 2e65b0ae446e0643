# Unit tests of lib/observe: test_<module>.c each, one suite observe/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/observe/libhayfork-observe.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_run_folder
%C%_test_run_folder_SOURCES = %D%/test_run_folder.c
%C%_test_run_folder_LDADD = lib/observe/libhayfork-observe.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
