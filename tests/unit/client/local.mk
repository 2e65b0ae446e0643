# Unit tests of lib/client: test_<module>.c each, one suite client/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/client/libhayfork-client.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_command
%C%_test_command_SOURCES = %D%/test_command.c
%C%_test_command_LDADD = lib/client/libhayfork-client.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
