# lib/transport: a table of few functions, and who implements it.
# transport_mpi*.c are the only files of the library that call MPI, and the
# only ones that get its flags.

noinst_LTLIBRARIES += %D%/libhayfork-transport.la
%C%_libhayfork_transport_la_SOURCES = \
	%D%/board.c \
	%D%/board.h \
	%D%/bulk_book.c \
	%D%/bulk_book.h \
	%D%/card.c \
	%D%/card.h \
	%D%/dgram.c \
	%D%/dgram.h \
	%D%/door.c \
	%D%/door.h \
	%D%/identity.c \
	%D%/identity.h \
	%D%/link.c \
	%D%/link.h \
	%D%/mpi_env.c \
	%D%/netaddr.c \
	%D%/netaddr.h \
	%D%/parcel.c \
	%D%/parcel.h \
	%D%/peers.c \
	%D%/peers.h \
	%D%/ringer.c \
	%D%/ringer.h \
	%D%/side.c \
	%D%/side.h \
	%D%/start_watch.c \
	%D%/start_watch.h \
	%D%/transport.h \
	%D%/transport_inproc.c \
	%D%/transport_mpi.h \
	%D%/transport_wide.c \
	%D%/transport_wide.h \
	%D%/transport_zmq.h

# Those who join a farm that runs: over ZeroMQ, if it is there.
%C%_libhayfork_transport_la_CPPFLAGS = $(AM_CPPFLAGS) $(ZMQ_CFLAGS)
%C%_libhayfork_transport_la_LIBADD =
if HAVE_ZMQ
%C%_libhayfork_transport_la_SOURCES += \
	%D%/transport_zmq.c \
	%D%/zmq_end.h \
	%D%/zmq_start.c \
	%D%/zmq_ways.c
%C%_libhayfork_transport_la_LIBADD += $(ZMQ_LIBS)
else
%C%_libhayfork_transport_la_SOURCES += %D%/zmq_none.c
endif

noinst_LTLIBRARIES += %D%/libhayfork-mpi.la
%C%_libhayfork_mpi_la_SOURCES = \
	%D%/transport_mpi.c \
	%D%/transport_mpi_bulk.c \
	%D%/transport_mpi_inside.h \
	%D%/transport_mpi_start.c
%C%_libhayfork_mpi_la_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)

# The transport in virtual time: for lib/sim and tests, not in the library.
noinst_LTLIBRARIES += %D%/libhayfork-simnet.la
%C%_libhayfork_simnet_la_SOURCES = \
	%D%/due.c \
	%D%/due.h \
	%D%/transport_sim.c \
	%D%/transport_sim.h
