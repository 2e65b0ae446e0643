# lib/core: the scheduler, pure.

noinst_LTLIBRARIES += %D%/libhayfork-core.la
%C%_libhayfork_core_la_SOURCES = \
	%D%/actions.c \
	%D%/alloc.c \
	%D%/alloc.h \
	%D%/cargos.c \
	%D%/cargos.h \
	%D%/check.c \
	%D%/check_data.c \
	%D%/data.c \
	%D%/dispatch.c \
	%D%/drain.c \
	%D%/durations.c \
	%D%/durations.h \
	%D%/edges.c \
	%D%/edges.h \
	%D%/fetches.c \
	%D%/fetches.h \
	%D%/lineage.c \
	%D%/maps.c \
	%D%/maps.h \
	%D%/members.c \
	%D%/move.c \
	%D%/needs.c \
	%D%/needs.h \
	%D%/nested.c \
	%D%/nodes.c \
	%D%/nodes.h \
	%D%/objects.c \
	%D%/objects.h \
	%D%/pauses.c \
	%D%/pauses.h \
	%D%/place.c \
	%D%/pools.c \
	%D%/pools.h \
	%D%/range.c \
	%D%/ready.c \
	%D%/ready.h \
	%D%/recall.c \
	%D%/requests.c \
	%D%/requests.h \
	%D%/resources.h \
	%D%/sched.c \
	%D%/sched.h \
	%D%/stage.c \
	%D%/state.h \
	%D%/story.c \
	%D%/story_data.c \
	%D%/table.c \
	%D%/table.h \
	%D%/task.c \
	%D%/task_cancel.c \
	%D%/task_news.c \
	%D%/task_retry.c \
	%D%/workers.c \
	%D%/workers.h
