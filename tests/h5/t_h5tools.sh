#!/bin/bash
# What others read in our files: h5dump and h5py, where they are installed.
set -u
writer=$BUILDDIR/tests/h5/h5_writer
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
rc=0

check() { # NAME COMMAND ...
    local name=$1
    shift
    if "$@" >"$tmp/out" 2>&1; then
        echo "ok h5tools/$name"
    else
        sed 's/^/# /' "$tmp/out" | head -n 20
        echo "not ok h5tools/$name"
        rc=1
    fi
}

check files_are_made "$writer" .
[ $rc = 0 ] || exit 1

# The numbers of a file as h5dump prints them, one a line.
dump() { # FILE
    h5dump -d /group/a -y -w 1 -m '%.0f' "$1" |
        sed '/ATTRIBUTE/Q' | sed -n '/DATA {/,/}/s/^ *\(-\{0,1\}[0-9][0-9]*\),\{0,1\}$/\1/p'
}
expected() { # half: the numbers of chunks with odd numbers are 0
    awk -v half="${1:-}" 'BEGIN {
        for (r = 0; r < 130; r++) for (c = 0; c < 70; c++) {
            chunk = int(r / 32) * 3 + int(c / 32)
            print half && chunk % 2 ? 0 : r * 1000 + c
        }}'
}
same() { # FILE [half]
    cmp <(dump "$1") <(expected "${2:-}")
}
if command -v h5dump >/dev/null; then
    check h5dump_reads_complete_arrays same plain.h5
    check h5dump_reads_arrays_under_way same half.h5 half
    check h5dump_reads_packed_arrays same packed.h5
    check h5dump_reads_packed_arrays_under_way same flushed.h5 half
    properties() {
        h5dump -p -H -d /group/a packed.h5 >properties &&
            grep -q 'COMPRESSION DEFLATE { LEVEL 4 }' properties &&
            grep -q 'PREPROCESSING SHUFFLE' properties &&
            grep -q 'CHUNKED ( 32, 32 )' properties
    }
    check h5dump_sees_the_filters properties
else
    echo "skip h5tools/h5dump hdf5-tools is not installed"
fi

python=
for candidate in python3 /usr/bin/python3; do
    [ -n "$python" ] || ! $candidate -c "import h5py, numpy" 2>/dev/null ||
        python=$candidate
done
if [ -n "$python" ]; then
    cat >read.py <<'EOF'
import h5py, numpy
want = numpy.arange(130)[:, None] * 1000.0 + numpy.arange(70)[None, :]
chunk = (numpy.arange(130)[:, None] // 32) * 3 + numpy.arange(70)[None, :] // 32
half = numpy.where(chunk % 2 == 1, 0, want)
for name, expected in (("plain", want), ("half", half),
                       ("packed", want), ("flushed", half)):
    with h5py.File(name + ".h5", "r") as f:
        a = f["group/a"]
        assert a.dtype == numpy.float64 and a.chunks == (32, 32), name
        assert (a[...] == expected).all(), name
        assert a.attrs["units"] in (b"kelvin", "kelvin"), a.attrs["units"]
        assert a.attrs["scale"] == 0.5
        records, meta = f["group/a.chunks"][...], f["group/a.meta"][...]
        done = records[:, 0] == 1
        assert records.shape == (15, 4) and meta[4] == 15
        assert meta[2] == (1 if name in ("plain", "packed") else 0), meta
        assert (done == ((numpy.arange(15) % 2 == 0) | (meta[2] == 1))).all()
        assert (records[done, 1] == 32 * 32 * 8).all()
with h5py.File("results.h5", "r") as f:
    assert (f["numbers"][...] == [[0, 1, 2], [3, 4, 5]]).all()
    assert f["text"][()] in (b"hello", "hello"), f["text"][()]
EOF
    check h5py_reads_all_of_it $python read.py
else
    echo "skip h5tools/h5py python3-h5py is not installed"
fi
exit $rc
