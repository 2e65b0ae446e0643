# hayfork.m4 - the macros of Hayfork's configure.ac.

# HAY_MISSING(WHAT, DEBIAN PACKAGE): notes it; configure.ac tells all at the end.
AC_DEFUN([HAY_MISSING],
[AC_MSG_WARN([$1 is missing; Debian package: $2])
hay_missing="$hay_missing
    $1 - Debian package: $2"])

# HAY_PKG(VARIABLE, MODULE, WHAT, DEBIAN PACKAGE): a library by pkg-config.
AC_DEFUN([HAY_PKG],
[PKG_CHECK_MODULES([$1], [$2], [], [HAY_MISSING([$3], [$4])])])

# HAY_FLAG(FLAG, VARIABLE, [IF-NOT]): appends FLAG where the compiler has it.
AC_DEFUN([HAY_FLAG],
[hay_save_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -Werror $1"
AC_MSG_CHECKING([whether $CC has $1])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
    [AC_MSG_RESULT([yes])
     $2="$$2 $1"],
    [AC_MSG_RESULT([no])
     $3])
CFLAGS=$hay_save_CFLAGS])

# HAY_MPI: MPI_CFLAGS and MPI_LIBS, without making mpicc our compiler:
# Open MPI's pkg-config file, else what mpicc says that it would do, else a
# generic pkg-config file.  The core is compiled without these flags.
AC_DEFUN([HAY_MPI],
[AC_ARG_VAR([MPI_CFLAGS], [C compiler flags for MPI])
AC_ARG_VAR([MPI_LIBS], [linker flags for MPI])
hay_mpi_from=
AS_IF([test "x$MPI_CFLAGS$MPI_LIBS" != x], [hay_mpi_from=caller])
AC_PATH_PROGS([MPICC], [mpicc], [])
AC_MSG_CHECKING([for MPI])
AS_IF([test "x$hay_mpi_from" = x],
    [for hay_module in ompi-c mpicc mpi-c mpi mpich; do
        AS_IF([test "x$hay_module" = xmpicc],
            [AS_IF([test "x$MPICC" != x && "$MPICC" --showme:version >/dev/null 2>&1],
                [MPI_CFLAGS=`"$MPICC" --showme:compile`
                 MPI_LIBS=`"$MPICC" --showme:link`
                 hay_mpi_from=mpicc
                 break])],
            [AS_IF([$PKG_CONFIG --exists "$hay_module" 2>/dev/null],
                [MPI_CFLAGS=`$PKG_CONFIG --cflags "$hay_module"`
                 MPI_LIBS=`$PKG_CONFIG --libs "$hay_module"`
                 hay_mpi_from="pkg-config $hay_module"
                 break])])
     done])
AC_MSG_RESULT([${hay_mpi_from:-no}])
AS_IF([test "x$hay_mpi_from" = x],
    [HAY_MISSING([MPI (Open MPI)], [libopenmpi-dev])],
    [hay_save_CFLAGS=$CFLAGS
     hay_save_LIBS=$LIBS
     CFLAGS="$CFLAGS $MPI_CFLAGS"
     LIBS="$MPI_LIBS $LIBS"
     AC_MSG_CHECKING([whether an MPI 3.1 program links])
     AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <mpi.h>
#if MPI_VERSION < 3 || (MPI_VERSION == 3 && MPI_SUBVERSION < 1)
#error "MPI is too old"
#endif]], [[return MPI_Init(0, 0);]])],
        [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])
         HAY_MISSING([an MPI 3.1 library that links], [libopenmpi-dev])])
     dnl ULFM: Open MPI 5 tells of ranks that have failed.
     AC_CHECK_DECLS([MPIX_Comm_failure_ack], [], [], [[#include <mpi.h>
#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif]])
     CFLAGS=$hay_save_CFLAGS
     LIBS=$hay_save_LIBS])
AC_PATH_PROGS([MPIRUN], [mpirun], [])
AS_IF([test "x$MPIRUN" = x],
    [HAY_MISSING([mpirun], [openmpi-bin])])])

# HAY_TOML: have_toml, TOML_CFLAGS and TOML_LIBS: toml++ and a compiler for it.
# Our programs are linked as C, hence the C++ library by name.
AC_DEFUN([HAY_TOML],
[AC_SUBST([TOML_CXX_LIBS])
AC_ARG_WITH([toml],
    [AS_HELP_STRING([--without-toml],
        [no job files of HyperQueue, which toml++ reads])],
    [], [with_toml=yes])
have_toml=no
AS_IF([test "x$with_toml" != xno],
    [PKG_CHECK_MODULES([TOML], [tomlplusplus >= 3.0], [have_toml=yes],
        [have_toml=no])])
AS_IF([test "x$have_toml" = xyes],
    [AC_LANG_PUSH([C++])
     hay_save_CXXFLAGS=$CXXFLAGS
     hay_save_LIBS=$LIBS
     CXXFLAGS="$CXXFLAGS -std=c++17 $TOML_CFLAGS"
     LIBS="$TOML_LIBS $LIBS"
     AC_MSG_CHECKING([whether a program with toml++ links])
     AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <toml++/toml.h>]],
         [[return toml::parse("a = 1").empty();]])],
         [AC_MSG_RESULT([yes])],
         [AC_MSG_RESULT([no])
          have_toml=no])
     CXXFLAGS=$hay_save_CXXFLAGS
     LIBS=$hay_save_LIBS
     AC_LANG_POP([C++])
     TOML_CXX_LIBS=-lstdc++])
AS_IF([test "x$have_toml" = xno],
    [TOML_CFLAGS=
     TOML_CXX_LIBS=
     TOML_LIBS=])])
