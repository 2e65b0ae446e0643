# lib/data: the node store, and what moves and files its objects; arrays in
# files.

noinst_LTLIBRARIES += %D%/libhayfork-data.la
%C%_libhayfork_data_la_SOURCES = \
	%D%/chunk_file.h \
	%D%/dataset.c \
	%D%/dataset.h \
	%D%/extents.c \
	%D%/extents.h \
	%D%/filter.c \
	%D%/filter.h \
	%D%/h5store.h \
	%D%/mover.c \
	%D%/mover.h \
	%D%/region.h \
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
	%D%/store_room.c
%C%_libhayfork_data_la_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
