#!/bin/bash
# clang-format 14 on every C file: tests/tidy/format.sh [--fix] [FILE ...]
# Not part of `make check`, since other versions of it differ; .ci/run has it.
set -u
cd "${SRCDIR:-$(dirname "$(realpath "$0")")/../..}" || exit 2
mode=(--dry-run -Werror)
if [ "${1:-}" = --fix ]; then mode=(-i); shift; fi
tool=$(command -v clang-format-14 || command -v clang-format) || {
    echo "skip tidy/format no clang-format (Debian package: clang-format-14)"
    exit 77
}
case $("$tool" --version) in
*"version 14."*) ;;
*) echo "skip tidy/format $tool is not version 14"; exit 77 ;;
esac
if [ $# = 0 ]; then
    mapfile -t files < <(git ls-files -co --exclude-standard -- '*.c' '*.h' |
        while IFS= read -r f; do [ ! -f "$f" ] || echo "$f"; done)
    set -- "${files[@]}"
fi
if "$tool" --style=file "${mode[@]}" "$@"; then
    echo "ok tidy/format: clang-format has nothing to say"
else
    echo "not ok tidy/format: tests/tidy/format.sh --fix"
    exit 1
fi
