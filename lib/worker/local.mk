# lib/worker: worker_state (pure), the loop, the runners, pinning.

noinst_LTLIBRARIES += %D%/libhayfork-workerstate.la
%C%_libhayfork_workerstate_la_SOURCES = \
	%D%/held.c \
	%D%/held.h \
	%D%/lease.c \
	%D%/lease.h \
	%D%/slots.c \
	%D%/slots.h \
	%D%/wactions.c \
	%D%/worker_state.c \
	%D%/worker_state.h

noinst_LTLIBRARIES += %D%/libhayfork-worker.la
%C%_libhayfork_worker_la_SOURCES = \
	%D%/registry.c \
	%D%/registry.h
%C%_libhayfork_worker_la_CPPFLAGS = $(AM_CPPFLAGS) $(HWLOC_CFLAGS)
