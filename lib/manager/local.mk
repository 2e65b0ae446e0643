# lib/manager: rank 0's loop around the core.

noinst_LTLIBRARIES += %D%/libhayfork-manager.la
%C%_libhayfork_manager_la_SOURCES = \
	%D%/loop.c \
	%D%/loop.h \
	%D%/manager.c \
	%D%/manager.h \
	%D%/manager_actions.c \
	%D%/manager_awaits.c \
	%D%/manager_data.c \
	%D%/manager_end.c \
	%D%/manager_files.c \
	%D%/manager_follow.c \
	%D%/manager_guests.c \
	%D%/manager_inbox.c \
	%D%/manager_inside.h \
	%D%/manager_journal.c \
	%D%/manager_nested.c \
	%D%/manager_nested.h \
	%D%/manager_nested_tell.c \
	%D%/manager_outcome.c \
	%D%/manager_records.c \
	%D%/manager_resources.c \
	%D%/manager_waits.c \
	%D%/manager_walltime.c \
	%D%/manager_wants.c
