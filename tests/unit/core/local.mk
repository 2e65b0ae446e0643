# Unit tests of lib/core: test_<module>.c each, one suite core/<module>.

HAY_CORE_TEST_LIBS = \
	lib/core/libhayfork-core.la \
	lib/base/libhayfork-base.la \
	$(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_random
%C%_test_random_SOURCES = %D%/test_random.c
%C%_test_random_LDADD = $(HAY_CORE_TEST_LIBS)
EXTRA_DIST += \
	%D%/bed.c \
	%D%/bed.h
