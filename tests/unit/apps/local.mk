# Unit tests of apps: test_<module>.c each, one suite apps/<module>.

check_PROGRAMS += \
	%D%/test_amounts \
	%D%/test_files \
	%D%/test_hosts \
	%D%/test_taskfile \
	%D%/test_wfformat \
	%D%/test_workload

%C%_test_amounts_SOURCES = %D%/test_amounts.c
%C%_test_amounts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_amounts_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_files_SOURCES = %D%/test_files.c
%C%_test_files_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_files_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)

%C%_test_hosts_SOURCES = %D%/test_hosts.c
%C%_test_hosts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/apps
%C%_test_hosts_LDADD = $(HAY_APPS_LIB) lib/libhayfork-all.la \
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
