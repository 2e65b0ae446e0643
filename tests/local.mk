# The tests.  Programs test_* are run as they are, scripts t_*.sh by sh or
# bash; tests/run-tests runs all of them and counts.  A program that a script
# uses has another name.

HAY_UNIT_LIB = tests/support/libhayunit.la
dist_check_SCRIPTS =

check_LTLIBRARIES += %D%/support/libhayunit.la
%C%_support_libhayunit_la_SOURCES = \
	%D%/support/pattern.c \
	%D%/support/pattern.h \
	%D%/support/unit.c \
	%D%/support/unit.h
%C%_support_libhayunit_la_LIBADD = $(CUNIT_LIBS)

# For LD_PRELOAD; -rpath makes it a shared one though it is not installed.
check_LTLIBRARIES += %D%/support/hold_writes.la
%C%_support_hold_writes_la_SOURCES = %D%/support/hold_writes.c
%C%_support_hold_writes_la_LDFLAGS = -module -avoid-version -rpath /nowhere

include tests/unit/base/local.mk
include tests/unit/core/local.mk
include tests/unit/wire/local.mk
include tests/unit/transport/local.mk
include tests/unit/data/local.mk
include tests/unit/manager/local.mk
include tests/unit/worker/local.mk
include tests/unit/client/local.mk
include tests/unit/observe/local.mk
include tests/unit/journal/local.mk
include tests/unit/sim/local.mk
include tests/unit/apps/local.mk
include tests/contract/local.mk
include tests/h5/local.mk
include tests/sim/local.mk
include tests/farm/local.mk
include tests/mpi/local.mk
include tests/apps/local.mk

dist_check_SCRIPTS += \
	%D%/batch/t_gridengine.sh \
	%D%/batch/t_gridengine_again.sh \
	%D%/batch/t_gridengine_grow.sh \
	%D%/batch/t_job.sh \
	%D%/batch/t_pbs.sh \
	%D%/batch/t_slurm.sh \
	%D%/batch/t_slurm_again.sh \
	%D%/batch/t_slurm_grow.sh \
	%D%/hosts/t_arrays.sh \
	%D%/hosts/t_data.sh \
	%D%/hosts/t_joined.sh \
	%D%/hosts/t_losses.sh \
	%D%/hosts/t_nested.sh \
	%D%/hosts/t_netns.sh \
	%D%/install/t_install.sh \
	%D%/tidy/t_tidy.sh \
	%D%/tidy/tidy.sh

EXTRA_DIST += \
	%D%/run-tests \
	%D%/support/farm.sh \
	%D%/support/lsan.supp \
	%D%/support/tsan.supp \
	%D%/testbed/common.sh \
	%D%/testbed/gridengine \
	%D%/testbed/netns-hosts \
	%D%/testbed/slurm \
	%D%/tidy/format.sh \
	%D%/tidy/tidy.pl

# TESTS_ONLY="unit/core mpi" takes only tests whose name begins so.
check-local: $(check_PROGRAMS) $(noinst_PROGRAMS) $(bin_PROGRAMS)
	$(top_srcdir)/tests/run-tests --source $(top_srcdir) --build $(top_builddir) \
		$(check_PROGRAMS) $(dist_check_SCRIPTS) -- $(TESTS_ONLY)

clean-local:
	rm -rf %D%/log
