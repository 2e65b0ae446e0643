# lib/data: the node store, and what moves and files its objects.

noinst_LTLIBRARIES += %D%/libhayfork-data.la
%C%_libhayfork_data_la_SOURCES = \
	%D%/extents.c \
	%D%/extents.h \
	%D%/store.h
