# lib/sim: a whole cluster in one thread, in virtual time.

noinst_LTLIBRARIES += %D%/libhayfork-sim.la
%C%_libhayfork_sim_la_SOURCES =
