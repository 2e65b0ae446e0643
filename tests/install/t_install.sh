#!/bin/bash
# What `make install` brings: README's program is compiled against it, outside
# of the tree, by what pkg-config says, and runs.
# time-limit: 240
: "${SRCDIR:?is set by tests/run-tests}"
name=install/install
skip() { echo "skip $name $*"; exit 77; }
[ -e "$BUILDDIR/lib/libhayfork.la" ] || skip 'the library is not built'
failed=0
ok() { # TEXT COMMAND ...
    local text=$1
    shift
    if "$@"; then echo "ok $name: $text"; else echo "not ok $name: $text"; failed=1; fi
}
make -s -C "$BUILDDIR" install prefix="$PWD/inst" >install.log 2>&1
rc=$?
[ $rc = 0 ] || tail -n 20 install.log
ok 'make install prefix=DIR' test $rc = 0
export PKG_CONFIG_PATH=$PWD/inst/lib/pkgconfig LD_LIBRARY_PATH=$PWD/inst/lib
flags=$(pkg-config --define-variable=prefix="$PWD/inst" --cflags --libs hayfork)
ok "pkg-config: $flags" test -n "$flags"
sanitizer=$(sed -n 's/^HAY_SANITIZE = //p' "$BUILDDIR/Makefile")

program() { # NUMBER: of those in the README
    awk -v n="$1" '/^```c$/ {on = ++i == n; next} /^```$/ {on = 0} on' "$SRCDIR/README.md"
}
program 1 >hello.c
program 2 >roots.c
# shellcheck disable=SC2086
ok "README's first program compiles without a warning" \
    ${CC:-cc} -std=c17 -Wall -Wextra -Wpedantic -Werror hello.c $sanitizer $flags -o hello
ok 'and prints 625' test "$(./hello)" = 625
# shellcheck disable=SC2086
ok "README's second program compiles without a warning" \
    ${CC:-cc} -std=c17 -Wall -Wextra -Wpedantic -Werror roots.c $sanitizer $flags -lm -o roots
./roots none.h5 2>err
ok 'and says what it wants' grep -q 'no such file.*none.h5' err
if command -v "${CXX:-c++}" >/dev/null; then
    printf '#include <hayfork/hayfork.h>\nint main() { return hay_status_name(HAY_OK) == nullptr; }\n' >h.cc
    # shellcheck disable=SC2086
    ok 'C++17 takes the header' \
        "${CXX:-c++}" -std=c++17 -Wall -Wextra -Wpedantic -Werror h.cc $sanitizer $flags -o h
else
    echo "skip $name/cxx no C++ compiler (Debian package: g++)"
fi
ok 'the installed command is there' inst/bin/hayfork --version
ok 'so are the job scripts' test -x inst/share/hayfork/batch/slurm
exit $failed
