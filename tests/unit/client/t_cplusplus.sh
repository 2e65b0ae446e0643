#!/bin/bash
# The public header in C++17, with all its macros, without a warning; and the
# program runs, where the library is built.
name=unit/client/cplusplus
cxx=${CXX:-c++}
skip() { echo "skip $name $*"; exit 77; }
command -v "$cxx" >/dev/null || skip 'no C++ compiler (Debian package: g++)'
failed=0
ok() { # TEXT COMMAND ...
    local text=$1
    shift
    if "$@"; then echo "ok $name: $text"; else echo "not ok $name: $text"; failed=1; fi
}
file=$SRCDIR/tests/unit/client/cplusplus.cpp
flags=(-std=c++17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I"$SRCDIR/lib")
ok 'the header and its macros compile without a warning' \
    "$cxx" "${flags[@]}" -c "$file" -o cplusplus.o
lib=$BUILDDIR/lib/.libs
sanitizer=$(sed -n 's/^HAY_SANITIZE = //p' "$BUILDDIR/Makefile" 2>/dev/null)
if [ "$failed" = 0 ] && [ -e "$lib/libhayfork.so" ]; then
    # shellcheck disable=SC2086
    ok 'a program links' "$cxx" cplusplus.o $sanitizer -L"$lib" \
        -Wl,-rpath,"$lib" -lhayfork -o cplusplus
    ok 'and runs' test "$(./cplusplus)" = '625 4950 3'
else
    echo "skip $name/run the library is not built"
fi
exit $failed
