# bench: what is measured, a program each, not installed.

noinst_PROGRAMS += %D%/bench_core
%C%_bench_core_SOURCES = %D%/bench_core.c
%C%_bench_core_LDADD = \
	lib/core/libhayfork-core.la \
	lib/base/libhayfork-base.la

noinst_PROGRAMS += %D%/bench_spawn
%C%_bench_spawn_SOURCES = %D%/bench_spawn.c
%C%_bench_spawn_LDADD = \
	lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la

noinst_PROGRAMS += %D%/bench_overhead
%C%_bench_overhead_SOURCES = %D%/bench_overhead.c
%C%_bench_overhead_LDADD = lib/libhayfork.la
