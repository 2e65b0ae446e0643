# tests/mpi: programs test_* (check_PROGRAMS) and scripts t_*.sh
# (dist_check_SCRIPTS); what scripts run beside them has another name.

check_PROGRAMS += %D%/mpi_mover
dist_check_SCRIPTS += %D%/t_mover.sh
%C%_mpi_mover_SOURCES = \
	%D%/mpi_mover.c \
	tests/contract/mover_contract.c \
	tests/contract/mover_contract.h
%C%_mpi_mover_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
%C%_mpi_mover_LDADD = \
	lib/data/libhayfork-data.la \
	lib/transport/libhayfork-mpi.la \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(MPI_LIBS) \
	$(ZLIB_LIBS)

check_PROGRAMS += %D%/mpi_transport
dist_check_SCRIPTS += %D%/t_transport.sh
%C%_mpi_transport_SOURCES = \
	%D%/mpi_transport.c \
	tests/contract/bulk_contract.c \
	tests/contract/bulk_contract.h \
	tests/contract/transport_contract.c \
	tests/contract/transport_contract.h
%C%_mpi_transport_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
%C%_mpi_transport_LDADD = \
	lib/transport/libhayfork-mpi.la \
	lib/transport/libhayfork-transport.la \
	lib/wire/libhayfork-wire.la \
	lib/base/libhayfork-base.la \
	$(MPI_LIBS)
