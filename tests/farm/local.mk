# tests/farm: the public calls against real farms.

check_PROGRAMS += %D%/farm_arrays
%C%_farm_arrays_SOURCES = \
	%D%/farm_arrays.c \
	%D%/run_tests.c \
	%D%/run_tests.h
%C%_farm_arrays_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_calls
%C%_farm_calls_SOURCES = \
	%D%/farm_calls.c \
	%D%/run_tests.c \
	%D%/run_tests.h
%C%_farm_calls_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_children
%C%_farm_children_SOURCES = \
	%D%/farm_children.c \
	%D%/run_tests.c \
	%D%/run_tests.h
%C%_farm_children_LDADD = lib/libhayfork.la

# Looks into the node's store.
check_PROGRAMS += %D%/farm_data
%C%_farm_data_SOURCES = %D%/farm_data.c
%C%_farm_data_LDADD = lib/libhayfork-all.la

check_PROGRAMS += %D%/farm_ends
%C%_farm_ends_SOURCES = %D%/farm_ends.c
%C%_farm_ends_LDADD = lib/libhayfork.la

# Dies inside the library.
check_PROGRAMS += %D%/farm_left
%C%_farm_left_SOURCES = %D%/farm_left.c
%C%_farm_left_LDADD = lib/libhayfork-all.la
%C%_farm_left_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=hayi_worker_report_ended

check_PROGRAMS += %D%/farm_journal
%C%_farm_journal_SOURCES = %D%/farm_journal.c
%C%_farm_journal_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/journal_dump
%C%_journal_dump_SOURCES = %D%/journal_dump.c
%C%_journal_dump_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
%C%_journal_dump_LDADD = lib/libhayfork-all.la $(SQLITE_LIBS)

check_PROGRAMS += %D%/farm_joined
%C%_farm_joined_SOURCES = %D%/farm_joined.c
%C%_farm_joined_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_leave
%C%_farm_leave_SOURCES = %D%/expect.h %D%/farm_leave.c
%C%_farm_leave_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_life
%C%_farm_life_SOURCES = %D%/farm_life.c
%C%_farm_life_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_losses
%C%_farm_losses_SOURCES = %D%/farm_losses.c
%C%_farm_losses_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_move
%C%_farm_move_SOURCES = %D%/farm_move.c
%C%_farm_move_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_nested
%C%_farm_nested_SOURCES = \
	%D%/farm_nested.c \
	%D%/nested_support.c \
	%D%/nested_support.h \
	%D%/run_tests.c \
	%D%/run_tests.h
%C%_farm_nested_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_nested_ends
%C%_farm_nested_ends_SOURCES = \
	%D%/farm_nested_ends.c \
	%D%/nested_support.c \
	%D%/nested_support.h \
	%D%/run_tests.c \
	%D%/run_tests.h
%C%_farm_nested_ends_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_limits
%C%_farm_limits_SOURCES = \
	%D%/farm_limits.c \
	%D%/run_tests.c \
	%D%/run_tests.h
%C%_farm_limits_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_process
%C%_farm_process_SOURCES = \
	%D%/farm_process.c \
	%D%/run_tests.c \
	%D%/run_tests.h
%C%_farm_process_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_remote
%C%_farm_remote_SOURCES = \
	%D%/expect.h \
	%D%/farm_remote.c
%C%_farm_remote_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_resources
%C%_farm_resources_SOURCES = %D%/farm_resources.c
%C%_farm_resources_LDADD = lib/libhayfork.la

# Dies inside the library.
check_PROGRAMS += %D%/farm_unjoined
%C%_farm_unjoined_SOURCES = %D%/farm_unjoined.c
%C%_farm_unjoined_LDADD = lib/libhayfork-all.la
%C%_farm_unjoined_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=hayi_identity_hash,--wrap=hayi_worker_new

check_PROGRAMS += %D%/farm_resume
%C%_farm_resume_SOURCES = %D%/farm_resume.c
%C%_farm_resume_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_waits
%C%_farm_waits_SOURCES = \
	%D%/expect.h \
	%D%/farm_waits.c
%C%_farm_waits_LDADD = lib/libhayfork.la

check_PROGRAMS += %D%/farm_walltime
%C%_farm_walltime_SOURCES = %D%/farm_walltime.c
%C%_farm_walltime_LDADD = lib/libhayfork.la

dist_check_SCRIPTS += \
	%D%/t_arrays.sh \
	%D%/t_data.sh \
	%D%/t_ends.sh \
	%D%/t_farm.sh \
	%D%/t_joined.sh \
	%D%/t_leave.sh \
	%D%/t_life.sh \
	%D%/t_losses.sh \
	%D%/t_move.sh \
	%D%/t_nested.sh \
	%D%/t_process.sh \
	%D%/t_remote.sh \
	%D%/t_resources.sh \
	%D%/t_resume.sh \
	%D%/t_waits.sh \
	%D%/t_walltime.sh
