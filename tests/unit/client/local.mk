# Unit tests of lib/client: test_<module>.c each, one suite client/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/client/libhayfork-client.la $(HAY_UNIT_LIB)

# The client against a manager that runs nothing.  The two archives of lib/data
# refer to each other.
client_fake = %D%/fake_manager.c %D%/fake_manager.h
client_libs = lib/client/libhayfork-client.la \
	lib/worker/libhayfork-worker.la \
	lib/data/libhayfork-data.la \
	lib/data/libhayfork-h5.la \
	lib/data/libhayfork-data.la \
	lib/data/libhayfork-h5.la \
	lib/journal/libhayfork-journal.la \
	lib/observe/libhayfork-observe.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB) \
	$(HDF5_LIBS) $(HWLOC_LIBS) $(ZLIB_LIBS)

check_PROGRAMS += \
	%D%/test_array \
	%D%/test_executor \
	%D%/test_future \
	%D%/test_map \
	%D%/test_objects \
	%D%/test_put \
	%D%/test_queue \
	%D%/test_ranges \
	%D%/test_spread \
	%D%/test_submit \
	%D%/test_threads \
	%D%/test_wait
%C%_test_array_SOURCES = %D%/test_array.c $(client_fake)
%C%_test_array_LDADD = $(client_libs)
%C%_test_executor_SOURCES = %D%/test_executor.c $(client_fake)
%C%_test_executor_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc
%C%_test_executor_LDADD = $(client_libs)
%C%_test_future_SOURCES = %D%/test_future.c $(client_fake)
%C%_test_future_LDADD = $(client_libs)
%C%_test_map_SOURCES = %D%/test_map.c $(client_fake)
%C%_test_map_LDADD = $(client_libs)
%C%_test_objects_SOURCES = %D%/test_objects.c $(client_fake)
%C%_test_objects_LDADD = $(client_libs)
%C%_test_put_SOURCES = %D%/test_put.c $(client_fake)
%C%_test_put_LDADD = $(client_libs)
%C%_test_queue_SOURCES = %D%/test_queue.c $(client_fake)
%C%_test_queue_LDADD = $(client_libs)
%C%_test_ranges_SOURCES = %D%/test_ranges.c
%C%_test_ranges_LDADD = $(client_libs)
%C%_test_spread_SOURCES = %D%/test_spread.c $(client_fake)
%C%_test_spread_LDADD = $(client_libs)
%C%_test_submit_SOURCES = %D%/test_submit.c $(client_fake)
%C%_test_submit_LDADD = $(client_libs)
%C%_test_threads_SOURCES = %D%/test_threads.c $(client_fake)
%C%_test_threads_LDADD = $(client_libs)
%C%_test_wait_SOURCES = %D%/test_wait.c $(client_fake)
%C%_test_wait_LDADD = $(client_libs)

dist_check_SCRIPTS += %D%/t_cplusplus.sh
EXTRA_DIST += %D%/cplusplus.cpp

check_PROGRAMS += %D%/test_resources
%C%_test_resources_SOURCES = %D%/test_resources.c
%C%_test_resources_LDADD = $(client_libs)

check_PROGRAMS += %D%/test_settings
%C%_test_settings_SOURCES = %D%/test_settings.c
%C%_test_settings_LDADD = $(client_libs)
