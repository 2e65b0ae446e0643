# Unit tests of apps: test_<module>.c each, one suite apps/<module>.

check_PROGRAMS += \
	%D%/test_amounts \
	%D%/test_disbatch \
	%D%/test_files \
	%D%/test_formats \
	%D%/test_grow \
	%D%/test_hosts \
	%D%/test_hqtoml \
	%D%/test_paralleljob \
	%D%/test_pmc \
	%D%/test_progress \
	%D%/test_resume \
	%D%/test_taskfile \
	%D%/test_wfformat \
	%D%/test_workload

%C%_test_amounts_SOURCES = %D%/test_amounts.c
%C%_test_amounts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_amounts_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_disbatch_SOURCES = %D%/test_disbatch.c %D%/reading.h
%C%_test_disbatch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_disbatch_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_progress_SOURCES = %D%/test_progress.c
%C%_test_progress_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_progress_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_files_SOURCES = %D%/test_files.c
%C%_test_files_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_files_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_formats_SOURCES = %D%/test_formats.c %D%/reading.h
%C%_test_formats_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_formats_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_grow_SOURCES = %D%/test_grow.c
%C%_test_grow_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_grow_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_hosts_SOURCES = %D%/test_hosts.c
%C%_test_hosts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_hosts_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_hqtoml_SOURCES = %D%/test_hqtoml.c %D%/reading.h
%C%_test_hqtoml_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_hqtoml_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_paralleljob_SOURCES = %D%/test_paralleljob.c %D%/reading.h
%C%_test_paralleljob_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_paralleljob_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_pmc_SOURCES = %D%/test_pmc.c %D%/reading.h
%C%_test_pmc_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_pmc_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_resume_SOURCES = %D%/test_resume.c %D%/reading.h
%C%_test_resume_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_resume_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_taskfile_SOURCES = %D%/test_taskfile.c
%C%_test_taskfile_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_taskfile_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_wfformat_SOURCES = %D%/test_wfformat.c
%C%_test_wfformat_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_wfformat_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_workload_SOURCES = %D%/test_workload.c
%C%_test_workload_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_workload_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)
