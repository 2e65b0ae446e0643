#!/bin/sh
# t_data.sh - objects in real farms: in one process and under mpirun; what was
# persisted is read back with h5dump, and with h5py where it is there.
# time-limit: 300
set -u
program=${FARM_DATA:-$BUILDDIR/tests/farm/farm_data}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# run PLACE COMMAND...: each test's line with the place behind it
run() {
    place=$1
    shift
    "$@" >"$folder/out" 2>"$folder/err"
    status=$?
    sed -n "s/^ok \(.*\)/ok \1 ($place)/p
        s/^skip \([^ ]*\) \(.*\)/skip \1 ($place) \2/p
        s/^not ok \(.*\)/not ok $place: \1/p" "$folder/out"
    if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$folder/out"; then
        echo "not ok farm_data ($place): exit $status: $(head -n 3 "$folder/err")"
    fi
}

# dump NAME FILE DATASET TEXT: the dataset's values hold this text
dump() {
    if h5dump -w 0 -y -d "$3" "$2" 2>&1 | tr -d '\n' | grep -q -- "$4"; then
        echo "ok $1 ($place)"
    else
        echo "not ok $1 ($place): $(h5dump -d "$3" "$2" 2>&1 | head -n 12 | tr '\n' ' ')"
    fi
}

look_at_files() {
    if ! command -v h5dump >/dev/null; then
        echo "skip persisted_files_are_read_back ($place) there is no h5dump"
        return
    fi
    results=$folder/results.h5
    dump arrays_keep_their_shape "$results" array 'DATASPACE *SIMPLE { ( 5000, 3 )'
    dump arrays_keep_their_values "$results" array ' 14997, 14998, 14999 *}'
    dump numbers_are_scalars "$results" put 'SCALAR.*DATA { *2.5'
    dump texts_are_strings "$results" text '"a text"'
    dump several_results_are_numbered "$results" group/three.0 'DATA { *4 '
    dump bytes_are_uint8 "$results" group/three.1 'H5T_STD_U8LE.*( 1048576 )'
    dump texts_among_several "$results" group/three.2 '"third"'
    dump the_first_of_many "$folder/many.h5" 0 'DATA { *0 '
    dump the_last_of_many "$folder/many.h5" 10999 'DATA { *10999 '
    if python3 -c 'import h5py' 2>/dev/null; then
        python3 - "$results" <<'END' && echo "ok h5py_reads_them ($place)" || echo "not ok h5py_reads_them ($place)"
import sys, h5py, numpy
f = h5py.File(sys.argv[1], "r")
assert (f["array"][:] == numpy.arange(15000.0).reshape(5000, 3)).all()
assert f["put"][()] == 2.5 and f["group/three.0"][()] == 4
assert f["text"][()] == b"a text" and f["group/three.1"].shape == (1 << 20,)
END
    fi
    rm -f "$folder"/*.h5
}

run "one process" "$program" "$folder"
look_at_files
if command -v mpirun >/dev/null; then
    run "mpirun -n 3" mpirun --oversubscribe -n 3 "$program" "$folder" \
        --hay-quiet
    look_at_files
else
    echo "skip farm_data under mpirun: there is no mpirun"
fi
leftover=$(find "$folder" -name '*.part' | head -n 1)
if [ -z "$leftover" ]; then
    echo "ok no_part_of_a_file_is_left"
else
    echo "not ok no_part_of_a_file_is_left: $leftover"
fi
