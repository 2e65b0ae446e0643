# apps/examples: programs built on the library, not installed.

noinst_PROGRAMS += \
	%D%/as_completed \
	%D%/crashes \
	%D%/epoll_queue \
	%D%/heat \
	%D%/hello \
	%D%/mandelbrot \
	%D%/map_array \
	%D%/monte_carlo \
	%D%/own_mpi \
	%D%/stats
%C%_as_completed_SOURCES = %D%/as_completed.c
%C%_as_completed_LDADD = lib/libhayfork.la
%C%_crashes_SOURCES = %D%/crashes.c
%C%_crashes_LDADD = lib/libhayfork.la
%C%_epoll_queue_SOURCES = %D%/epoll_queue.c
%C%_epoll_queue_LDADD = lib/libhayfork.la
%C%_heat_SOURCES = %D%/heat.c
%C%_heat_LDADD = lib/libhayfork.la
%C%_hello_SOURCES = %D%/hello.c
%C%_hello_LDADD = lib/libhayfork.la
%C%_mandelbrot_SOURCES = %D%/mandelbrot.c
%C%_mandelbrot_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPNG_CFLAGS)
%C%_mandelbrot_LDADD = lib/libhayfork.la $(LIBPNG_LIBS)
%C%_map_array_SOURCES = %D%/map_array.c
%C%_map_array_LDADD = lib/libhayfork.la
%C%_monte_carlo_SOURCES = %D%/monte_carlo.c
%C%_monte_carlo_LDADD = lib/libhayfork.la
%C%_own_mpi_SOURCES = %D%/own_mpi.c
%C%_own_mpi_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
%C%_own_mpi_LDADD = lib/libhayfork.la $(MPI_LIBS)
%C%_stats_SOURCES = %D%/stats.c
%C%_stats_LDADD = lib/libhayfork.la

if HAVE_LIBPNG
%C%_mandelbrot_CPPFLAGS += -DHAVE_LIBPNG
endif

if HAVE_LIBUV
noinst_PROGRAMS += %D%/libuv_queue
%C%_libuv_queue_SOURCES = %D%/libuv_queue.c
%C%_libuv_queue_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
%C%_libuv_queue_LDADD = lib/libhayfork.la $(LIBUV_LIBS)
endif
