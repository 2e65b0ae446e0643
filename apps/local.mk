# apps: the command hayfork, one file a word.  It includes public headers only;
# what its unit tests need, too, is an archive of its own.

noinst_LTLIBRARIES += %D%/libhayfork-apps.la
%C%_libhayfork_apps_la_SOURCES = \
	%D%/amounts.c \
	%D%/amounts.h \
	%D%/arena.c \
	%D%/arena.h \
	%D%/batch.c \
	%D%/batch.h \
	%D%/batch_command.c \
	%D%/directive.c \
	%D%/directive.h \
	%D%/errfilter.c \
	%D%/errfilter.h \
	%D%/fault.c \
	%D%/fault.h \
	%D%/files.c \
	%D%/files.h \
	%D%/hosts.c \
	%D%/hosts.h \
	%D%/progress.c \
	%D%/progress.h \
	%D%/runfolder.c \
	%D%/runfolder.h \
	%D%/table.c \
	%D%/table.h \
	%D%/taskfile.c \
	%D%/taskfile.h \
	%D%/tool.c \
	%D%/tool.h \
	%D%/units.c \
	%D%/units.h \
	%D%/wfformat.c \
	%D%/wfformat.h \
	%D%/workload.c \
	%D%/workload.h
%C%_libhayfork_apps_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%C%_libhayfork_apps_la_LIBADD = $(JANSSON_LIBS)

bin_PROGRAMS += %D%/hayfork
%C%_hayfork_SOURCES = \
	%D%/chunks.c \
	%D%/chunks.h \
	%D%/cmd_cancel.c \
	%D%/cmd_launch.c \
	%D%/cmd_output.c \
	%D%/cmd_replay.c \
	%D%/cmd_run.c \
	%D%/cmd_status.c \
	%D%/cmd_submit.c \
	%D%/farm.c \
	%D%/farm.h \
	%D%/guard.c \
	%D%/guard.h \
	%D%/hayfork.c \
	%D%/help.c \
	%D%/launcher.c \
	%D%/launcher.h \
	%D%/mpirun.c \
	%D%/mpirun.h \
	%D%/options.c \
	%D%/options.h \
	%D%/report.c \
	%D%/report.h \
	%D%/session.c \
	%D%/session.h \
	%D%/show.c \
	%D%/show.h \
	%D%/signals.c \
	%D%/signals.h \
	%D%/submit.c \
	%D%/submit.h \
	%D%/words.h
%C%_hayfork_LDADD = %D%/libhayfork-apps.la lib/libhayfork-all.la
