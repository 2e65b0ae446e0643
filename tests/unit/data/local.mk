# Unit tests of lib/data: test_<module>.c each, one suite data/<module>.

check_PROGRAMS += %D%/test_extents
%C%_test_extents_SOURCES = %D%/test_extents.c
%C%_test_extents_LDADD = lib/data/libhayfork-data.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

HAY_DATA_LIBS = lib/data/libhayfork-data.la \
	lib/wire/libhayfork-wire.la lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB) $(ZLIB_LIBS)

check_PROGRAMS += %D%/test_filter
%C%_test_filter_SOURCES = %D%/test_filter.c
%C%_test_filter_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)
%C%_test_filter_LDADD = $(HAY_DATA_LIBS) $(HDF5_LIBS)

check_PROGRAMS += %D%/test_shape
%C%_test_shape_SOURCES = %D%/test_shape.c
%C%_test_shape_LDADD = $(HAY_DATA_LIBS)

check_PROGRAMS += %D%/test_spill
%C%_test_spill_SOURCES = %D%/test_spill.c
%C%_test_spill_LDADD = $(HAY_DATA_LIBS)

check_PROGRAMS += %D%/test_store
%C%_test_store_SOURCES = %D%/test_store.c
%C%_test_store_LDADD = $(HAY_DATA_LIBS)

check_PROGRAMS += %D%/test_store_processes
%C%_test_store_processes_SOURCES = %D%/test_store_processes.c
%C%_test_store_processes_LDADD = $(HAY_DATA_LIBS)

check_PROGRAMS += %D%/test_store_reap
%C%_test_store_reap_SOURCES = %D%/test_store_reap.c
%C%_test_store_reap_LDADD = $(HAY_DATA_LIBS)

# With HDF5 itself, to make files and to look at them.
HAY_H5_LIBS = $(HAY_DATA_LIBS) $(HDF5_LIBS)

check_LTLIBRARIES += %D%/libh5files.la
%C%_libh5files_la_SOURCES = \
	%D%/h5_files.c \
	%D%/h5_files.h
%C%_libh5files_la_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)

check_PROGRAMS += %D%/test_h5open
%C%_test_h5open_SOURCES = %D%/test_h5open.c
%C%_test_h5open_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)
%C%_test_h5open_LDADD = %D%/libh5files.la $(HAY_H5_LIBS)

check_PROGRAMS += %D%/test_h5errors
%C%_test_h5errors_SOURCES = %D%/test_h5errors.c
%C%_test_h5errors_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)
%C%_test_h5errors_LDADD = %D%/libh5files.la $(HAY_H5_LIBS)

check_PROGRAMS += %D%/test_h5create
%C%_test_h5create_SOURCES = %D%/test_h5create.c
%C%_test_h5create_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)
%C%_test_h5create_LDADD = %D%/libh5files.la $(HAY_H5_LIBS)

check_PROGRAMS += %D%/test_h5version
%C%_test_h5version_SOURCES = %D%/test_h5version.c
%C%_test_h5version_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)
%C%_test_h5version_LDADD = $(HAY_H5_LIBS)

check_PROGRAMS += %D%/test_h5crash
%C%_test_h5crash_SOURCES = %D%/test_h5crash.c
%C%_test_h5crash_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)
%C%_test_h5crash_LDADD = %D%/libh5files.la $(HAY_H5_LIBS)

check_PROGRAMS += %D%/test_keeper
%C%_test_keeper_SOURCES = %D%/test_keeper.c
%C%_test_keeper_LDADD = $(HAY_DATA_LIBS)
