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
	%D%/region.h \
	%D%/shape.c \
	%D%/shape.h \
	%D%/store.h
%C%_libhayfork_data_la_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
