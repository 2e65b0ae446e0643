# Unit tests of lib/core: test_<module>.c each, one suite core/<module>.

HAY_CORE_TEST_LIBS = \
	lib/core/libhayfork-core.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_alloc
%C%_test_alloc_SOURCES = %D%/test_alloc.c
%C%_test_alloc_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_alone
%C%_test_alone_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_alone.c
%C%_test_alone_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_cargos
%C%_test_cargos_SOURCES = %D%/test_cargos.c
%C%_test_cargos_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_circle
%C%_test_circle_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_circle.c
%C%_test_circle_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_demand
%C%_test_demand_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_ask.c \
	%D%/bed_ask.h \
	%D%/test_demand.c
%C%_test_demand_LDADD = $(HAY_CORE_TEST_LIBS)
check_PROGRAMS += %D%/test_deadlock
%C%_test_deadlock_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_deadlock.c
%C%_test_deadlock_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_dispatch
%C%_test_dispatch_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_dispatch.c
%C%_test_dispatch_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_durations
%C%_test_durations_SOURCES = %D%/test_durations.c
%C%_test_durations_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_edges
%C%_test_edges_SOURCES = %D%/test_edges.c
%C%_test_edges_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_fetches
%C%_test_fetches_SOURCES = %D%/test_fetches.c
%C%_test_fetches_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_gpus
%C%_test_gpus_SOURCES = %D%/test_gpus.c
%C%_test_gpus_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_leases
%C%_test_leases_SOURCES = %D%/test_leases.c
%C%_test_leases_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_leave
%C%_test_leave_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_data.c \
	%D%/bed_data.h \
	%D%/test_leave.c
%C%_test_leave_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_lineage
%C%_test_lineage_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_data.c \
	%D%/bed_data.h \
	%D%/test_lineage.c
%C%_test_lineage_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_lost_states
%C%_test_lost_states_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_data.c \
	%D%/bed_data.h \
	%D%/test_lost_states.c
%C%_test_lost_states_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_maps
%C%_test_maps_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_maps.c
%C%_test_maps_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_members
%C%_test_members_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_members.c
%C%_test_members_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_move
%C%_test_move_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_data.c \
	%D%/bed_data.h \
	%D%/test_move.c
%C%_test_move_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_needs
%C%_test_needs_SOURCES = %D%/test_needs.c
%C%_test_needs_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_nest
%C%_test_nest_SOURCES = %D%/test_nest.c
%C%_test_nest_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_nested
%C%_test_nested_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_nested.c
%C%_test_nested_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_nodes
%C%_test_nodes_SOURCES = %D%/test_nodes.c
%C%_test_nodes_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_objects
%C%_test_objects_SOURCES = %D%/test_objects.c
%C%_test_objects_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_pauses
%C%_test_pauses_SOURCES = %D%/test_pauses.c
%C%_test_pauses_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_place
%C%_test_place_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_data.c \
	%D%/bed_data.h \
	%D%/test_place.c
%C%_test_place_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_pools
%C%_test_pools_SOURCES = %D%/test_pools.c
%C%_test_pools_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_random
%C%_test_random_SOURCES = \
	%D%/random_model.h \
	%D%/test_random.c
%C%_test_random_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_random_data
%C%_test_random_data_SOURCES = \
	%D%/model_data.c \
	%D%/model_data.h \
	%D%/test_random_data.c
%C%_test_random_data_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_random_nested
%C%_test_random_nested_SOURCES = %D%/test_random_nested.c
%C%_test_random_nested_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_random_requests
%C%_test_random_requests_SOURCES = %D%/test_random_requests.c
%C%_test_random_requests_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_ready
%C%_test_ready_SOURCES = %D%/test_ready.c
%C%_test_ready_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_requests
%C%_test_requests_SOURCES = %D%/test_requests.c
%C%_test_requests_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_reserve
%C%_test_reserve_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_ask.c \
	%D%/bed_ask.h \
	%D%/test_reserve.c
%C%_test_reserve_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_sched
%C%_test_sched_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_sched.c
%C%_test_sched_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_stage
%C%_test_stage_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_data.c \
	%D%/bed_data.h \
	%D%/test_stage.c
%C%_test_stage_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_stragglers
%C%_test_stragglers_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/bed_data.c \
	%D%/bed_data.h \
	%D%/test_stragglers.c
%C%_test_stragglers_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_table
%C%_test_table_SOURCES = %D%/test_table.c
%C%_test_table_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_task
%C%_test_task_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_task.c
%C%_test_task_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_walltime
%C%_test_walltime_SOURCES = \
	%D%/bed.c \
	%D%/bed.h \
	%D%/test_walltime.c
%C%_test_walltime_LDADD = $(HAY_CORE_TEST_LIBS)

check_PROGRAMS += %D%/test_workers
%C%_test_workers_SOURCES = %D%/test_workers.c
%C%_test_workers_LDADD = $(HAY_CORE_TEST_LIBS)
