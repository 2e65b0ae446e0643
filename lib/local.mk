# The library: every layer in one archive, and that archive as libhayfork.so,
# which exports nothing but hay_*.

pkginclude_HEADERS += \
	%D%/hayfork/data.h \
	%D%/hayfork/future.h \
	%D%/hayfork/hayfork.h \
	%D%/hayfork/map.h \
	%D%/hayfork/mpi.h \
	%D%/hayfork/resume.h \
	%D%/hayfork/task.h

# Programs of ours that are installed link this one, so that they are whole
# executables; so do tests that need inner names of several layers.
noinst_LTLIBRARIES += %D%/libhayfork-all.la
%C%_libhayfork_all_la_SOURCES =
%C%_libhayfork_all_la_LIBADD = \
	%D%/client/libhayfork-client.la \
	%D%/client/libhayfork-mpiprogram.la \
	%D%/manager/libhayfork-manager.la \
	%D%/worker/libhayfork-worker.la \
	%D%/worker/libhayfork-workerstate.la \
	%D%/journal/libhayfork-journal.la \
	%D%/observe/libhayfork-observe.la \
	%D%/data/libhayfork-data.la \
	%D%/transport/libhayfork-mpi.la \
	%D%/transport/libhayfork-transport.la \
	%D%/wire/libhayfork-wire.la \
	%D%/core/libhayfork-core.la \
	%D%/base/libhayfork-base.la \
	$(MPI_LIBS) \
	$(HDF5_LIBS) \
	$(SQLITE_LIBS) \
	$(ZLIB_LIBS) \
	$(HWLOC_LIBS)

lib_LTLIBRARIES += %D%/libhayfork.la
%C%_libhayfork_la_SOURCES =
%C%_libhayfork_la_LIBADD = %D%/libhayfork-all.la
# current:revision:age, see libtool's manual; raised at releases only.
%C%_libhayfork_la_LDFLAGS = $(AM_LDFLAGS) $(HAY_DEFS_LDFLAGS) \
	-export-symbols-regex '^hay_' -version-info 0:0:0

pkgconfig_DATA += %D%/hayfork.pc
