# Unit tests of lib/transport: test_<module>.c each, one suite transport/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/transport/libhayfork-transport.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_ringer
%C%_test_ringer_SOURCES = %D%/test_ringer.c
%C%_test_ringer_LDADD = \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_side
%C%_test_side_SOURCES = %D%/test_side.c
%C%_test_side_LDADD = \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_start
%C%_test_start_SOURCES = %D%/test_start.c
%C%_test_start_LDADD = \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_link
%C%_test_link_SOURCES = %D%/test_link.c
%C%_test_link_LDADD = lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
