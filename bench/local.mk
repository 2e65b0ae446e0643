# bench: what is measured, a program each, not installed.

noinst_PROGRAMS += %D%/bench_core
%C%_bench_core_SOURCES = %D%/bench_core.c
%C%_bench_core_LDADD = \
	lib/core/libhayfork-core.la \
	lib/base/libhayfork-base.la
