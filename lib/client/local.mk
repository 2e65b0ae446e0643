# lib/client: the public calls.

noinst_LTLIBRARIES += %D%/libhayfork-client.la
%C%_libhayfork_client_la_SOURCES = \
	%D%/array.c \
	%D%/array.h \
	%D%/array_box.c \
	%D%/array_box.h \
	%D%/array_map.c \
	%D%/array_tasks.c \
	%D%/array_tasks.h \
	%D%/array_tree.c \
	%D%/callback.c \
	%D%/callback.h \
	%D%/check.c \
	%D%/check.h \
	%D%/executor.c \
	%D%/executor.h \
	%D%/farm.c \
	%D%/farm.h \
	%D%/future.c \
	%D%/future.h \
	%D%/main.c \
	%D%/guests.c \
	%D%/guests.h \
	%D%/limits.c \
	%D%/limits.h \
	%D%/map.c \
	%D%/map.h \
	%D%/map_iter.c \
	%D%/nest_record.c \
	%D%/nest_record.h \
	%D%/nested.c \
	%D%/nested.h \
	%D%/objects.c \
	%D%/objects.h \
	%D%/persist.c \
	%D%/persist.h \
	%D%/persist_tasks.c \
	%D%/put.c \
	%D%/put.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/ranges.c \
	%D%/ranges.h \
	%D%/remote_executor.c \
	%D%/remote_executor.h \
	%D%/remote_inside.h \
	%D%/remote_take.c \
	%D%/resources.c \
	%D%/resources.h \
	%D%/resources_inside.h \
	%D%/resources_requests.c \
	%D%/result.c \
	%D%/result.h \
	%D%/resume.c \
	%D%/resume.h \
	%D%/resume_keys.c \
	%D%/resume_words.c \
	%D%/resume_words.h \
	%D%/run_info.c \
	%D%/settings.c \
	%D%/settings.h \
	%D%/spread.c \
	%D%/submit.c \
	%D%/submit.h \
	%D%/task_options.c \
	%D%/task_options.h \
	%D%/wait.c \
	%D%/waiters.h \
	%D%/watch.c \
	%D%/watch.h

# hay_open() and hay_serve(): the header that users include has mpi.h.
noinst_LTLIBRARIES += %D%/libhayfork-mpiprogram.la
%C%_libhayfork_mpiprogram_la_SOURCES = %D%/mpi_program.c
%C%_libhayfork_mpiprogram_la_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
