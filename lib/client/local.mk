# lib/client: the public calls.

noinst_LTLIBRARIES += %D%/libhayfork-client.la
%C%_libhayfork_client_la_SOURCES = \
	%D%/command.c \
	%D%/command.h \
	%D%/farm.c \
	%D%/farm.h \
	%D%/main.c \
	%D%/settings.c \
	%D%/settings.h
