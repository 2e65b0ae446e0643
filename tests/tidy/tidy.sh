#!/bin/bash
# The style and layering test: tidy.pl on every file of the tree, and what the
# library exports.  By hand: tests/tidy/tidy.sh [FILE ...]
set -u
cd "${SRCDIR:-$(dirname "$(realpath "$0")")/../..}" || exit 2
build=${BUILDDIR:-build} rc=0

if [ $# = 0 ]; then
    # Of a clone what git knows or would take; of an unpacked tarball all of it.
    if [ -e .git ] && command -v git >/dev/null; then
        mapfile -t files < <(git ls-files -co --exclude-standard |
            while IFS= read -r f; do [ ! -f "$f" ] || echo "$f"; done)
    else
        mapfile -t files < <(find lib apps bench batch tests man -type f \
            ! -path '*/.libs/*' ! -name '*.o' ! -name '*.lo' ! -name '*.la' \
            ! -path 'tests/log/*' ! -name '.dirstamp' ! -name '*.Plo' ! -name '*.Po')
    fi
    set -- "${files[@]}"
fi
perl tests/tidy/tidy.pl "$@" || rc=1

rule() { # NAME TEXT: what it reads is violations
    local bad
    bad=$(sed 's/^/# /')
    if [ -z "$bad" ]; then echo "ok tidy/$1: $2"; return; fi
    printf '%s\nnot ok tidy/%s: %s\n' "$bad" "$1" "$2"
    rc=1
}
defined() { nm --defined-only -g "$@" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ && $3 !~ /^_/ {print $3}' | sort -u; }

so=$build/lib/.libs/libhayfork.so
if [ -e "$so" ]; then
    rule exports 'the library exports hay_* only' < <(defined -D "$so" | grep -v '^hay_')
    rule names 'names that leave a file begin with hay_ or hayi_' \
        < <(defined "$build/lib/.libs/libhayfork-all.a" | grep -v '^hayi\?_')
    rule promised 'each function of the public headers is exported' < <(
        sed -n -e '/inline/d; s/^[a-z].*[ *]\(hay_[a-z0-9_]*\)(.*/\1/p' \
            -e 's/^\(hay_[a-z0-9_]*\)(.*/\1/p' lib/hayfork/*.h |
            sort -u | comm -23 - <(defined -D "$so"))
else
    echo "skip tidy/exports the library is not built in $build"
fi
exit $rc
