# lib/observe: facts -> metrics, progress, report.

noinst_LTLIBRARIES += %D%/libhayfork-observe.la
%C%_libhayfork_observe_la_SOURCES = \
	%D%/run_folder.c \
	%D%/run_folder.h
