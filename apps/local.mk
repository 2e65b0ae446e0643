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
	%D%/deadline.c \
	%D%/deadline.h \
	%D%/directive.c \
	%D%/directive.h \
	%D%/disbatch.c \
	%D%/disbatch.h \
	%D%/errfilter.c \
	%D%/errfilter.h \
	%D%/fault.c \
	%D%/fault.h \
	%D%/files.c \
	%D%/files.h \
	%D%/formats.c \
	%D%/formats.h \
	%D%/grow.c \
	%D%/grow.h \
	%D%/hosts.c \
	%D%/hosts.h \
	%D%/hqconfig.c \
	%D%/hqconfig.h \
	%D%/hqtoml.c \
	%D%/hqtoml.h \
	%D%/jobspec.c \
	%D%/jobspec.h \
	%D%/lines.c \
	%D%/lines.h \
	%D%/load.c \
	%D%/load.h \
	%D%/paralleljob.c \
	%D%/paralleljob.h \
	%D%/pmc.c \
	%D%/pmc.h \
	%D%/progress.c \
	%D%/progress.h \
	%D%/resume.c \
	%D%/resume.h \
	%D%/runfolder.c \
	%D%/runfolder.h \
	%D%/table.c \
	%D%/table.h \
	%D%/taskfile.c \
	%D%/taskfile.h \
	%D%/tomlfile.h \
	%D%/tool.c \
	%D%/tool.h \
	%D%/units.c \
	%D%/units.h \
	%D%/wfformat.c \
	%D%/wfformat.h \
	%D%/workload.c \
	%D%/workload.h
%C%_libhayfork_apps_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(TOML_CFLAGS)
%C%_libhayfork_apps_la_LIBADD = $(JANSSON_LIBS) $(TOML_LIBS)

# The one file in C++, where there is toml++.
if HAVE_TOML
%C%_libhayfork_apps_la_SOURCES += %D%/tomlfile.cc
else
%C%_libhayfork_apps_la_SOURCES += %D%/tomlnone.c
endif

# libtool leaves the C++ library out of an archive's own list.
HAY_APPS_LIB = %D%/libhayfork-apps.la $(TOML_CXX_LIBS)

bin_PROGRAMS += %D%/hayfork
%C%_hayfork_SOURCES = \
	%D%/checkup.c \
	%D%/checkup.h \
	%D%/chunks.c \
	%D%/chunks.h \
	%D%/cmd_cancel.c \
	%D%/cmd_doctor.c \
	%D%/cmd_grow.c \
	%D%/cmd_launch.c \
	%D%/cmd_output.c \
	%D%/cmd_replay.c \
	%D%/cmd_resume.c \
	%D%/cmd_run.c \
	%D%/cmd_status.c \
	%D%/cmd_submit.c \
	%D%/cmd_worker.c \
	%D%/eachworker.c \
	%D%/eachworker.h \
	%D%/farm.c \
	%D%/farm.h \
	%D%/goon.c \
	%D%/goon.h \
	%D%/growing.c \
	%D%/growing.h \
	%D%/guard.c \
	%D%/guard.h \
	%D%/hayfork.c \
	%D%/help.c \
	%D%/launcher.c \
	%D%/launcher.h \
	%D%/mpirun.c \
	%D%/mpirun.h \
	%D%/one_run.c \
	%D%/one_run.h \
	%D%/options.c \
	%D%/options.h \
	%D%/order.c \
	%D%/order.h \
	%D%/output_all.c \
	%D%/output_all.h \
	%D%/past.c \
	%D%/past.h \
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
%C%_hayfork_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la
