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
	%D%/worker_state.h \
	%D%/worker_state_inside.h \
	%D%/worker_state_recall.c \
	%D%/worker_state_start.c

noinst_LTLIBRARIES += %D%/libhayfork-worker.la
%C%_libhayfork_worker_la_SOURCES = \
	%D%/child.c \
	%D%/child.h \
	%D%/child_area.h \
	%D%/child_client.c \
	%D%/child_client.h \
	%D%/child_env.c \
	%D%/child_env.h \
	%D%/child_link.c \
	%D%/child_link.h \
	%D%/child_objects.c \
	%D%/child_objects.h \
	%D%/child_order.c \
	%D%/child_order.h \
	%D%/child_report.c \
	%D%/child_report.h \
	%D%/command_end.c \
	%D%/command_end.h \
	%D%/command_files.c \
	%D%/command_files.h \
	%D%/fakes.c \
	%D%/fakes.h \
	%D%/guest.c \
	%D%/guest.h \
	%D%/hand.c \
	%D%/hand.h \
	%D%/inputs.c \
	%D%/inputs.h \
	%D%/node_gpus.c \
	%D%/node_gpus.h \
	%D%/openmp.c \
	%D%/openmp.h \
	%D%/output.c \
	%D%/output.h \
	%D%/pipe.c \
	%D%/pipe.h \
	%D%/process_end.c \
	%D%/process_end.h \
	%D%/registry.c \
	%D%/registry.h \
	%D%/relay.c \
	%D%/relay.h \
	%D%/results.c \
	%D%/results.h \
	%D%/ring.c \
	%D%/ring.h \
	%D%/scratch.c \
	%D%/scratch.h \
	%D%/slot_process.c \
	%D%/slot_process.h \
	%D%/slot_process_area.c \
	%D%/slot_process_ends.c \
	%D%/slot_process_inside.h \
	%D%/slot_process_limits.c \
	%D%/slot_process_thread.c \
	%D%/slot_process_wait.c \
	%D%/slot_thread.c \
	%D%/slot_thread.h \
	%D%/spawner.c \
	%D%/spawner.h \
	%D%/spawner_capture.c \
	%D%/spawner_capture.h \
	%D%/spawner_child.c \
	%D%/spawner_child.h \
	%D%/spawner_ending.c \
	%D%/spawner_ending.h \
	%D%/spawner_exec.c \
	%D%/spawner_exec.h \
	%D%/spawner_family.c \
	%D%/spawner_family.h \
	%D%/spawner_helper.c \
	%D%/spawner_helper.h \
	%D%/spawner_job.c \
	%D%/spawner_job.h \
	%D%/spawner_kids.c \
	%D%/spawner_kids.h \
	%D%/spawner_memory.c \
	%D%/spawner_memory.h \
	%D%/spawner_minder.c \
	%D%/spawner_minder.h \
	%D%/spawner_slots.c \
	%D%/spawner_slots.h \
	%D%/spawner_tree.c \
	%D%/spawner_tree.h \
	%D%/spawner_wire.h \
	%D%/task.c \
	%D%/task.h \
	%D%/task_calls.c \
	%D%/task_data.c \
	%D%/task_env.c \
	%D%/task_env.h \
	%D%/task_nested.c \
	%D%/topology.c \
	%D%/topology.h \
	%D%/topology_gpus.c \
	%D%/topology_gpus.h \
	%D%/worker.c \
	%D%/worker.h \
	%D%/worker_data.c \
	%D%/worker_inside.h \
	%D%/worker_leave.c \
	%D%/worker_nested.c \
	%D%/worker_process.c \
	%D%/worker_report.c \
	%D%/worker_resources.c \
	%D%/worker_start.c \
	%D%/worker_wait.c \
	%D%/worker_walltime.c \
	%D%/worker_welcome.c
%C%_libhayfork_worker_la_CPPFLAGS = $(AM_CPPFLAGS) $(HWLOC_CFLAGS) \
	-DHAYI_LIBEXECDIR='"$(pkglibexecdir)"'

# For programs that could not fork the spawner first; it lies beside hayfork.
pkglibexec_PROGRAMS += apps/hayfork-spawner
apps_hayfork_spawner_SOURCES = %D%/spawner_main.c
apps_hayfork_spawner_LDADD = %D%/libhayfork-worker.la \
	lib/base/libhayfork-base.la
