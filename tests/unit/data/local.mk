# Unit tests of lib/data: test_<module>.c each, one suite data/<module>.

check_PROGRAMS += %D%/test_extents
%C%_test_extents_SOURCES = %D%/test_extents.c
%C%_test_extents_LDADD = lib/data/libhayfork-data.la \
	lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
