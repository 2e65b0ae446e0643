# Unit tests of lib/journal: test_<module>.c each, one suite journal/<module>.

HAY_JOURNAL_LIBS = lib/journal/libhayfork-journal.la \
	lib/observe/libhayfork-observe.la lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_journal
%C%_test_journal_SOURCES = \
	%D%/sample.c \
	%D%/sample.h \
	%D%/test_journal.c
%C%_test_journal_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
%C%_test_journal_LDADD = $(HAY_JOURNAL_LIBS) $(SQLITE_LIBS)

check_PROGRAMS += %D%/test_journal_log
%C%_test_journal_log_SOURCES = \
	%D%/sample.c \
	%D%/sample.h \
	%D%/test_journal_log.c
%C%_test_journal_log_LDADD = $(HAY_JOURNAL_LIBS)

check_PROGRAMS += %D%/test_journal_read
%C%_test_journal_read_SOURCES = \
	%D%/sample.c \
	%D%/sample.h \
	%D%/test_journal_read.c
%C%_test_journal_read_LDADD = $(HAY_JOURNAL_LIBS)
# An allocation that fails, for each that there is.
%C%_test_journal_read_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc \
	-Wl,--wrap=calloc -Wl,--wrap=realloc

check_PROGRAMS += %D%/test_run_lock
%C%_test_run_lock_SOURCES = %D%/test_run_lock.c
%C%_test_run_lock_LDADD = $(HAY_JOURNAL_LIBS)
