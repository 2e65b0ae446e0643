# lib/journal: what a run has done, on disk; who runs on a folder.

noinst_LTLIBRARIES += %D%/libhayfork-journal.la
%C%_libhayfork_journal_la_SOURCES = \
	%D%/journal.c \
	%D%/journal.h \
	%D%/journal_again.c \
	%D%/journal_again.h \
	%D%/journal_face.c \
	%D%/journal_face.h \
	%D%/journal_file.c \
	%D%/journal_file.h \
	%D%/journal_log.c \
	%D%/journal_log.h \
	%D%/journal_read.c \
	%D%/journal_read.h \
	%D%/journal_scan.c \
	%D%/journal_scan.h \
	%D%/journal_table.c \
	%D%/journal_table.h \
	%D%/journal_tables.c \
	%D%/journal_tables.h \
	%D%/run_lock.c \
	%D%/run_lock.h
%C%_libhayfork_journal_la_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
%C%_libhayfork_journal_la_LIBADD = $(SQLITE_LIBS)
