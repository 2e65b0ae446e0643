#!/bin/bash
# tidy.pl finds what it is there to find: a small tree with one violation of
# each rule, and one without any.
: "${SRCDIR:?is set by tests/run-tests}"
name=tidy/itself
failed=0
put() { # FILE: standard input, in the tree
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}
header='/* x.h - x.
 *
 * Owns: a. Never: b. Threads: c.
 */'

put good/lib/core/queue.h <<<"$header"
put good/lib/core/queue.c <<'X'
/* MPI_Send() and "sys/time.h" in a comment are no violation. */
#include "config.h"

#include "base/buffer.h"
#include "core/queue.h"

static const char text[] = "MPI_Send(";
X
put good/lib/core/local.mk <<<'x_SOURCES = %D%/queue.c %D%/queue.h'
put good/tests/unit/core/test_queue.c <<<'#include "config.h"'
put good/tests/unit/core/local.mk <<<'x_SOURCES = %D%/test_queue.c'
tidy() { # TREE: what it says
    (cd "$1" && perl "$SRCDIR/tests/tidy/tidy.pl" $(find . -type f | sed 's|^\./||' | sort))
}
if tidy good >good.out; then echo "ok $name: a good tree is good"; else
    cat good.out; echo "not ok $name: a good tree is good"; failed=1; fi

violates() { # RULE FILE: its text on standard input
    rm -rf bad
    cp -r good bad
    put "bad/$2"
    echo "x_SOURCES = $(basename "$2") queue.c queue.h" >"bad/$(dirname "$2")/local.mk"
    [ "$1" != listed ] || : >"bad/$(dirname "$2")/local.mk"
    tidy bad >bad.out
    if grep -q "^# $2:[0-9]*: " bad.out && grep -q "^not ok tidy/$1:" bad.out; then
        echo "ok $name: finds a violation of $1 in $2"
    else
        cat bad.out
        echo "not ok $name: finds a violation of $1 in $2"
        failed=1
    fi
}
c='#include "config.h"'
violates arrows lib/core/up.h <<<"$header
#include \"manager/manager.h\""
violates arrows lib/base/up.h <<<"$header
#include \"core/sched.h\""
violates pure lib/wire/clock.h <<<"$header
#include <time.h>"
violates pure lib/worker/worker_state.h <<<"$header
#include <sys/time.h>"
violates mpi lib/manager/m.c <<<"$c
#include <mpi.h>"
violates mpi lib/manager/m.c <<<"$c
static int f(void) { return MPI_Finalize(); }"
violates hdf5 lib/client/h.c <<<"$c
static int f(void) { return H5Fclose(1); }"
violates public apps/a.c <<<"$c
#include \"core/sched.h\""
violates headers lib/base/h.h <<<'/* h.h - owns nothing */'
violates config lib/base/c.c <<<'#include <stdio.h>'
violates banned lib/base/b.c <<<"$c
static void f(char *a, const char *b) { strcpy(a, b); }"
violates blanks lib/base/b.c <<<"$c
int hay_x; "
violates blanks lib/base/t.c < <(printf '%s\n\tint x;\n' "$c")
violates length lib/base/l.c < <(echo "$c"; yes 'extern int hay_x;' | head -n 800)
violates functions lib/base/f.c < <(printf '%s\nint hay_f(void)\n{\n' "$c"; yes '    hay_g();' | head -n 79; echo '}')
violates listed lib/base/u.c <<<"$c"
mv good/tests/unit/core/test_queue.c queue.test
violates tested lib/core/queue.c <good/lib/core/queue.c
mv queue.test good/tests/unit/core/test_queue.c
violates paths lib/base/p.c <<<"$c
static const char p[] = \"/hom""e/me\";"
exit $failed
