# Unit tests of lib/base: test_<module>.c each, one suite base/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += %D%/test_philox
%C%_test_philox_SOURCES = %D%/test_philox.c
%C%_test_philox_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)

check_PROGRAMS += \
	%D%/test_amount \
	%D%/test_bell \
	%D%/test_buffer \
	%D%/test_clock \
	%D%/test_error \
	%D%/test_file_name \
	%D%/test_hash \
	%D%/test_idmap \
	%D%/test_mpsc \
	%D%/test_size_words \
	%D%/test_variable
%C%_test_amount_SOURCES = %D%/test_amount.c
%C%_test_amount_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_bell_SOURCES = %D%/test_bell.c
%C%_test_bell_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_buffer_SOURCES = %D%/test_buffer.c
%C%_test_buffer_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_clock_SOURCES = %D%/test_clock.c
%C%_test_clock_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_error_SOURCES = %D%/test_error.c
%C%_test_error_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_file_name_SOURCES = %D%/test_file_name.c
%C%_test_file_name_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_hash_SOURCES = %D%/test_hash.c
%C%_test_hash_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_idmap_SOURCES = %D%/test_idmap.c
%C%_test_idmap_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_mpsc_SOURCES = %D%/test_mpsc.c
%C%_test_mpsc_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_size_words_SOURCES = %D%/test_size_words.c
%C%_test_size_words_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
%C%_test_variable_SOURCES = %D%/test_variable.c
%C%_test_variable_LDADD = lib/base/libhayfork-base.la $(HAY_UNIT_LIB)
