# lib/sim: a whole cluster in one thread, in virtual time.

noinst_LTLIBRARIES += %D%/libhayfork-sim.la
%C%_libhayfork_sim_la_SOURCES = \
	%D%/chaos.c \
	%D%/chaos.h \
	%D%/chaos_wealth.c \
	%D%/chaos_wealth.h \
	%D%/cluster.c \
	%D%/cluster.h \
	%D%/cluster_data.c \
	%D%/cluster_inside.h \
	%D%/cluster_nest.c \
	%D%/cluster_net.c \
	%D%/cluster_want.c \
	%D%/cluster_wealth.c \
	%D%/cluster_wish.c \
	%D%/dice.c \
	%D%/dice.h \
	%D%/ledger.c \
	%D%/ledger.h \
	%D%/ledger_inside.h \
	%D%/ledger_remake.c \
	%D%/ledger_told.c \
	%D%/ledger_truth.c \
	%D%/mail.c \
	%D%/mail.h \
	%D%/node.c \
	%D%/node.h \
	%D%/node_inside.h \
	%D%/node_nest.c \
	%D%/node_tell.c \
	%D%/slot.c \
	%D%/slot.h \
	%D%/stores.c \
	%D%/stores.h \
	%D%/wealth.c \
	%D%/wealth.h \
	%D%/world.c \
	%D%/world.h
