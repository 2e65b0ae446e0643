# lib/base: containers, buffers, errors, log, clock table, units; no policy.

noinst_LTLIBRARIES += %D%/libhayfork-base.la
%C%_libhayfork_base_la_SOURCES = \
	%D%/amount.c \
	%D%/amount.h \
	%D%/bell.c \
	%D%/bell.h \
	%D%/buffer.c \
	%D%/buffer.h \
	%D%/clock.c \
	%D%/clock.h \
	%D%/error.c \
	%D%/error.h \
	%D%/file_name.c \
	%D%/file_name.h \
	%D%/hash.c \
	%D%/hash.h \
	%D%/hash_avx2.c \
	%D%/hash_avx2.h \
	%D%/idmap.c \
	%D%/idmap.h \
	%D%/margin.h \
	%D%/mpsc.c \
	%D%/mpsc.h \
	%D%/philox.c \
	%D%/philox.h \
	%D%/size_words.c \
	%D%/size_words.h \
	%D%/variable.c \
	%D%/variable.h
