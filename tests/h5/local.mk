# tests/h5: our files, read by other programs.

check_PROGRAMS += %D%/h5_writer
%C%_h5_writer_SOURCES = %D%/h5_writer.c
%C%_h5_writer_LDADD = $(HAY_H5_LIBS)

dist_check_SCRIPTS += %D%/t_h5tools.sh
