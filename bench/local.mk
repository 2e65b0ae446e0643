# bench: what is measured, a program each, not installed.

noinst_PROGRAMS += %D%/bench_core
%C%_bench_core_SOURCES = %D%/bench_core.c
%C%_bench_core_LDADD = \
	lib/core/libhayfork-core.la \
	lib/base/libhayfork-base.la

noinst_PROGRAMS += %D%/bench_data
%C%_bench_data_SOURCES = \
	%D%/bench_data.c \
	%D%/bench_data.h \
	%D%/bench_data_farm.c \
	%D%/bench_data_files.c \
	%D%/bench_data_store.c \
	%D%/bench_support.c \
	%D%/bench_support.h
%C%_bench_data_LDADD = lib/libhayfork-all.la

noinst_PROGRAMS += %D%/bench_journal
%C%_bench_journal_SOURCES = \
	%D%/bench_journal.c \
	%D%/bench_support.c \
	%D%/bench_support.h
%C%_bench_journal_LDADD = lib/libhayfork.la

noinst_PROGRAMS += %D%/bench_spawn
%C%_bench_spawn_SOURCES = %D%/bench_spawn.c
%C%_bench_spawn_LDADD = \
	lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la

noinst_PROGRAMS += %D%/bench_overhead
%C%_bench_overhead_SOURCES = %D%/bench_overhead.c
%C%_bench_overhead_LDADD = lib/libhayfork.la

noinst_PROGRAMS += %D%/bench_process
%C%_bench_process_SOURCES = %D%/bench_process.c
%C%_bench_process_LDADD = lib/libhayfork.la

noinst_PROGRAMS += %D%/bench_losses
%C%_bench_losses_SOURCES = \
	%D%/bench_losses.c \
	%D%/bench_support.c \
	%D%/bench_support.h
%C%_bench_losses_LDADD = lib/libhayfork.la

noinst_PROGRAMS += %D%/bench_mpi_data
%C%_bench_mpi_data_SOURCES = \
	%D%/bench_mpi_data.c \
	%D%/bench_support.c \
	%D%/bench_support.h
%C%_bench_mpi_data_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
%C%_bench_mpi_data_LDADD = lib/libhayfork-all.la

noinst_PROGRAMS += %D%/bench_mpi_loop
%C%_bench_mpi_loop_SOURCES = \
	%D%/bench_mpi_loop.c \
	%D%/bench_support.c \
	%D%/bench_support.h
%C%_bench_mpi_loop_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
%C%_bench_mpi_loop_LDADD = $(MPI_LIBS)

noinst_PROGRAMS += %D%/bench_nested
%C%_bench_nested_SOURCES = \
	%D%/bench_nested.c \
	%D%/bench_support.c \
	%D%/bench_support.h
%C%_bench_nested_LDADD = lib/libhayfork.la

noinst_PROGRAMS += %D%/bench_wake
%C%_bench_wake_SOURCES = \
	%D%/bench_support.c \
	%D%/bench_support.h \
	%D%/bench_wake.c

EXTRA_DIST += \
	%D%/README.md \
	%D%/data_hosts.sh \
	%D%/losses.sh
