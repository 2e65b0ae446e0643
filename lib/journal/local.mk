# lib/journal: what a run has done, on disk; who runs on a folder.

noinst_HEADERS += \
	%D%/journal.h \
	%D%/journal_log.h \
	%D%/journal_read.h \
	%D%/run_lock.h
