# lib/wire: messages <-> bytes, pure.

noinst_LTLIBRARIES += %D%/libhayfork-wire.la
%C%_libhayfork_wire_la_SOURCES = \
	%D%/args.c \
	%D%/args.h \
	%D%/channel.c \
	%D%/channel.h \
	%D%/command.c \
	%D%/command.h \
	%D%/nest.c \
	%D%/nest.h \
	%D%/record.c \
	%D%/record.h \
	%D%/request.c \
	%D%/request.h \
	%D%/value.c \
	%D%/value.h
