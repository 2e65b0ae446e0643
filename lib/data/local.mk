# lib/data: the node store, and what moves and files its objects; arrays in
# files.

noinst_LTLIBRARIES += %D%/libhayfork-data.la
%C%_libhayfork_data_la_SOURCES = \
	%D%/chunk_file.c \
	%D%/chunk_file.h \
	%D%/chunk_write.c \
	%D%/dataset.c \
	%D%/dataset.h \
	%D%/extents.c \
	%D%/extents.h \
	%D%/filter.c \
	%D%/filter.h \
	%D%/h5store.h \
	%D%/keeper.c \
	%D%/keeper.h \
	%D%/kept.c \
	%D%/kept.h \
	%D%/mover.c \
	%D%/mover.h \
	%D%/open_files.c \
	%D%/open_files.h \
	%D%/porter.c \
	%D%/porter.h \
	%D%/region.h \
	%D%/segments.c \
	%D%/segments.h \
	%D%/shape.c \
	%D%/shape.h \
	%D%/spill.c \
	%D%/spill.h \
	%D%/store.c \
	%D%/store.h \
	%D%/store_inside.h \
	%D%/store_life.c \
	%D%/store_local.c \
	%D%/store_reap.c \
	%D%/store_room.c \
	%D%/store_spot.c
%C%_libhayfork_data_la_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
%C%_libhayfork_data_la_LIBADD = %D%/libhayfork-h5.la

# HDF5's flags go here and nowhere else.
noinst_LTLIBRARIES += %D%/libhayfork-h5.la
%C%_libhayfork_h5_la_SOURCES = \
	%D%/h5store.c \
	%D%/h5store_create.c \
	%D%/h5store_inside.h \
	%D%/h5store_open.c \
	%D%/h5store_pack.c \
	%D%/h5store_read.c \
	%D%/h5store_results.c \
	%D%/h5store_site.c
%C%_libhayfork_h5_la_CPPFLAGS = $(AM_CPPFLAGS) -DH5_USE_110_API \
	$(HDF5_CFLAGS)
