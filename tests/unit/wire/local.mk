# Unit tests of lib/wire: test_<module>.c each, one suite wire/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/wire/libhayfork-wire.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_channel
%C%_test_channel_SOURCES = %D%/test_channel.c
%C%_test_channel_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
%C%_test_channel_LDADD = \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_args
%C%_test_args_SOURCES = %D%/test_args.c
%C%_test_args_LDADD = lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_value
%C%_test_value_SOURCES = %D%/test_value.c
%C%_test_value_LDADD = lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_record
%C%_test_record_SOURCES = %D%/test_record.c
%C%_test_record_LDADD = lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_request
%C%_test_request_SOURCES = %D%/test_request.c
%C%_test_request_LDADD = lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_command
%C%_test_command_SOURCES = %D%/test_command.c
%C%_test_command_LDADD = lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_nest
%C%_test_nest_SOURCES = %D%/test_nest.c
%C%_test_nest_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=realloc
%C%_test_nest_LDADD = lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
