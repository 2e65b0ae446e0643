# Unit tests of lib/worker: test_<module>.c each, one suite worker/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/worker/libhayfork-worker.la $(HAY_UNIT_LIB)

check_PROGRAMS += \
	%D%/test_held \
	%D%/test_lease \
	%D%/test_worker_state
%C%_test_held_SOURCES = %D%/test_held.c
%C%_test_held_LDADD = lib/worker/libhayfork-workerstate.la $(HAY_UNIT_LIB)
%C%_test_lease_SOURCES = %D%/test_lease.c
%C%_test_lease_LDADD = lib/worker/libhayfork-workerstate.la $(HAY_UNIT_LIB)
%C%_test_worker_state_SOURCES = %D%/test_worker_state.c
%C%_test_worker_state_LDADD = lib/worker/libhayfork-workerstate.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += \
	%D%/test_pipe \
	%D%/test_ring
%C%_test_pipe_SOURCES = %D%/test_pipe.c
%C%_test_pipe_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_ring_SOURCES = %D%/test_ring.c
%C%_test_ring_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_registry
%C%_test_registry_SOURCES = %D%/test_registry.c
%C%_test_registry_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_spawner
%C%_test_spawner_SOURCES = %D%/test_spawner.c
%C%_test_spawner_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB) $(HWLOC_LIBS)

check_PROGRAMS += %D%/test_spawner_limits
%C%_test_spawner_limits_SOURCES = %D%/test_spawner_limits.c
%C%_test_spawner_limits_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB) $(HWLOC_LIBS)

check_PROGRAMS += %D%/test_topology
%C%_test_topology_SOURCES = %D%/test_topology.c
%C%_test_topology_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB) $(HWLOC_LIBS)

check_PROGRAMS += %D%/test_child_env
%C%_test_child_env_SOURCES = %D%/test_child_env.c
%C%_test_child_env_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_child_report
%C%_test_child_report_SOURCES = %D%/test_child_report.c
%C%_test_child_report_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_node_gpus
%C%_test_node_gpus_SOURCES = %D%/test_node_gpus.c
%C%_test_node_gpus_LDADD = lib/worker/libhayfork-worker.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB) $(HWLOC_LIBS)

worker_bed = %D%/worker_bed.c %D%/worker_bed.h

# What stands above worker_state, against the whole library.
check_PROGRAMS += \
	%D%/test_command_files \
	%D%/test_fakes \
	%D%/test_slot_process \
	%D%/test_slot_thread \
	%D%/test_task \
	%D%/test_worker \
	%D%/test_worker_records
%C%_test_command_files_SOURCES = %D%/test_command_files.c
%C%_test_command_files_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_fakes_SOURCES = %D%/test_fakes.c
%C%_test_fakes_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_slot_process_SOURCES = %D%/test_slot_process.c
%C%_test_slot_process_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_slot_thread_SOURCES = %D%/test_slot_thread.c
%C%_test_slot_thread_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_task_SOURCES = %D%/test_task.c
%C%_test_task_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_worker_SOURCES = %D%/test_worker.c $(worker_bed)
%C%_test_worker_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_worker_records_SOURCES = %D%/test_worker_records.c $(worker_bed)
%C%_test_worker_records_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)

data_bed = %D%/data_bed.c %D%/data_bed.h

check_PROGRAMS += \
	%D%/test_inputs \
	%D%/test_output \
	%D%/test_results
%C%_test_inputs_SOURCES = %D%/test_inputs.c $(data_bed)
%C%_test_inputs_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_output_SOURCES = %D%/test_output.c $(data_bed)
%C%_test_output_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_results_SOURCES = %D%/test_results.c $(data_bed)
%C%_test_results_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_worker_data
%C%_test_worker_data_SOURCES = %D%/test_worker_data.c $(worker_bed)
%C%_test_worker_data_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_scratch
%C%_test_scratch_SOURCES = %D%/test_scratch.c
%C%_test_scratch_LDADD = lib/worker/libhayfork-worker.la $(HAY_UNIT_LIB)
