# tests/contract: programs test_* (check_PROGRAMS) and scripts t_*.sh
# (dist_check_SCRIPTS); what scripts run beside them has another name.

check_PROGRAMS += %D%/test_store
%C%_test_store_SOURCES = %D%/test_store.c
%C%_test_store_LDADD = \
	lib/data/libhayfork-data.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_mover_inproc
%C%_test_mover_inproc_SOURCES = \
	%D%/mover_contract.c \
	%D%/mover_contract.h \
	%D%/test_mover_inproc.c
%C%_test_mover_inproc_LDADD = \
	lib/data/libhayfork-data.la \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB) \
	$(ZLIB_LIBS)

check_PROGRAMS += %D%/test_transport_inproc
%C%_test_transport_inproc_SOURCES = \
	%D%/bulk_contract.c \
	%D%/bulk_contract.h \
	%D%/test_transport_inproc.c \
	%D%/transport_cases.c \
	%D%/transport_cases.h \
	%D%/transport_contract.c \
	%D%/transport_contract.h
%C%_test_transport_inproc_LDADD = \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_transport_sim
%C%_test_transport_sim_SOURCES = \
	%D%/test_transport_sim.c \
	%D%/transport_contract.c \
	%D%/transport_contract.h
%C%_test_transport_sim_LDADD = \
	lib/transport/libhayfork-simnet.la \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

if HAVE_ZMQ
check_PROGRAMS += %D%/test_transport_entrance
%C%_test_transport_entrance_SOURCES = %D%/test_transport_entrance.c
%C%_test_transport_entrance_LDADD = \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_transport_zmq
%C%_test_transport_zmq_SOURCES = \
	%D%/bulk_contract.c \
	%D%/bulk_contract.h \
	%D%/test_transport_zmq.c \
	%D%/transport_cases.c \
	%D%/transport_cases.h \
	%D%/transport_contract.c \
	%D%/transport_contract.h
%C%_test_transport_zmq_LDADD = \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)
endif
