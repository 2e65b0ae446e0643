# lib/transport: a table of few functions, and who implements it.
# transport_mpi.c is the only file of the library that sends with MPI, and
# the only one that gets its flags.

noinst_LTLIBRARIES += %D%/libhayfork-transport.la
%C%_libhayfork_transport_la_SOURCES = \
	%D%/transport.h \
	%D%/transport_inproc.c

noinst_LTLIBRARIES += %D%/libhayfork-mpi.la
%C%_libhayfork_mpi_la_SOURCES =
%C%_libhayfork_mpi_la_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
