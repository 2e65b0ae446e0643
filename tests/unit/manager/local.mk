# Unit tests of lib/manager: test_<module>.c each, one suite manager/<module>.
#
# check_PROGRAMS += %D%/test_queue
# %C%_test_queue_SOURCES = %D%/test_queue.c
# %C%_test_queue_LDADD = lib/manager/libhayfork-manager.la $(HAY_UNIT_LIB)

manager_bed = %D%/manager_bed.c %D%/manager_bed.h

check_PROGRAMS += \
	%D%/test_awaits \
	%D%/test_data \
	%D%/test_files \
	%D%/test_losses \
	%D%/test_manager \
	%D%/test_nested \
	%D%/test_several
%C%_test_awaits_SOURCES = %D%/test_awaits.c $(manager_bed)
%C%_test_awaits_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_data_SOURCES = %D%/test_data.c $(manager_bed)
%C%_test_data_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_files_SOURCES = %D%/test_files.c $(manager_bed)
%C%_test_files_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_losses_SOURCES = %D%/test_losses.c $(manager_bed)
%C%_test_losses_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_manager_SOURCES = %D%/test_manager.c $(manager_bed)
%C%_test_manager_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_nested_SOURCES = %D%/test_nested.c $(manager_bed)
%C%_test_nested_LDADD = lib/libhayfork-all.la $(HAY_UNIT_LIB)
%C%_test_several_SOURCES = %D%/test_several.c $(manager_bed)
%C%_test_several_LDADD = \
	lib/transport/libhayfork-simnet.la \
	lib/libhayfork-all.la \
	$(HAY_UNIT_LIB)
