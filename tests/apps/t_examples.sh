#!/bin/bash
# The examples on chunked arrays: the same bytes on any number of workers,
# numbers as numpy has them, files that are good at every moment, and runs that
# go on where kill -9 ended them.
# time-limit: 400
. "$(dirname "$0")/support.sh"
examples=$BUILDDIR/apps/examples

# on WORKERS PROGRAM ARGUMENT...: 0: in one process.
on() {
    local workers=$1 program=$examples/$2
    shift 2
    if [ "$workers" = 0 ]; then
        timeout 100 "$program" "$@" >out 2>err
    else
        timeout 100 mpirun --oversubscribe -n $((workers + 1)) "$program" \
            --hay-quiet "$@" >out 2>err
    fi
}

places=(0)
if have_mpirun; then places=(0 1 2 4); else skip mpirun "there is no mpirun"; fi

# ---- the same everywhere ----------------------------------------------------

heat_is_equal() { # WORKERS
    on "$1" heat "heat$1" --size 200 --chunk 64 --steps 30 --every 10 --check &&
        grep -q '^equal to the serial run' out &&
        cmp "heat0.000010.h5" "heat$1.000010.h5" &&
        cmp "heat0.000030.h5" "heat$1.000030.h5"
}
mandelbrot_is_equal() { # WORKERS
    on "$1" mandelbrot "m$1" 300 200 && grep -q '^9 blocks were missing' out &&
        cmp m0.h5 "m$1.h5" && cmp m0.p?? "m$1".p??
}
for workers in "${places[@]}"; do
    check "heat_is_bit_identical ($workers workers)" heat_is_equal "$workers"
    check "mandelbrot_is_bit_identical ($workers workers)" \
        mandelbrot_is_equal "$workers"
done

# ---- numbers ----------------------------------------------------------------

python=/usr/bin/python3
if $python -c 'import h5py, numpy' 2>/dev/null; then
    cat >make.py <<'PY'
import h5py, numpy
a = numpy.round(numpy.random.default_rng(7).normal(5, 2, (300, 4000)), 3)
with h5py.File("stats.h5", "w") as f:
    f["flat"] = a
    f.create_dataset("gzip", data=a, chunks=(7, 900), compression="gzip",
                     shuffle=True)
    f.create_dataset("fine", data=a, chunks=(4, 80))  # many addresses
    f["floats"] = a.astype("f4")
    f["swapped"] = (100 * a).astype(">i4")
    f["bytes"] = (10 * a).astype("i1")
PY
    cat >look.py <<'PY'
import h5py, numpy, sys
name = sys.argv[3] if len(sys.argv) > 3 else "stats.h5"
a = h5py.File(name)[sys.argv[1]][:].astype("f8")
said = dict(line.rsplit(" ", 1) for line in open(sys.argv[2]))
want = {"count": a.size, "mean": a.mean(), "variance": a.var(),
        "least": a.min(), "greatest": a.max()}
for i, n in enumerate(numpy.histogram(a, 17)[0]):
    want["bin %d" % i] = n
bad = [(k, said.get(k), v) for k, v in want.items()
       if abs(float(said.get(k, "nan")) - v) > 1e-12 * abs(v) or k not in said]
print(bad)
sys.exit(len(bad) > 0 or len(said) != len(want))
PY
    $python make.py
    numpy_says_so() { # WORKERS DATASET
        on "$1" stats stats.h5 "/$2" 17 --hay-memory-limit 16M &&
            cp out "stats.$2.$1" && $python look.py "$2" out >differs &&
            cmp "stats.$2.0" out
    }
    for workers in "${places[@]}"; do
        for name in flat gzip fine floats swapped bytes; do
            [ "$workers" != 1 ] && [ "$workers" != 4 ] || [ $name = gzip ] || continue
            check "stats_are_those_of_numpy ($name, $workers workers)" \
                numpy_says_so "$workers" $name
        done
    done

    # As numpy, which has no histogram of them.
    cat >odd.py <<'PY'
import h5py, numpy
with h5py.File("odd.h5", "w") as f:
    f["nan"] = numpy.array([1.0, numpy.nan, 3.0])
    f["infinite"] = numpy.array([1.0, numpy.inf, 3.0])
PY
    $python odd.py
    no_histogram() { # DATASET MEAN
        on 0 stats odd.h5 "/$1" && grep -q '^count 3$' out &&
            grep -q "^mean -*$2$" out && ! grep -q bin out
    }
    check stats_of_what_is_no_number no_histogram nan nan
    check stats_of_what_is_infinite no_histogram infinite inf

    # 10 times the limit, in chunks of 8 MiB.
    cat >large.py <<'PY'
import h5py, numpy
a = (numpy.arange(20 * 1024 * 1024, dtype="f8") % 1000).reshape(160, 131072)
with h5py.File("large.h5", "w") as f:
    f["flat"] = a
    f.create_dataset("gzip", data=a, chunks=(8, 131072), compression="gzip",
                     compression_opts=1)
PY
    $python large.py
    private_memory_is_small() { # DATASET
        local most=0 rss dir tries=0
        # Again, if it was over before it could be looked at.
        while [ "$most" = 0 ] && [ $tries -lt 5 ]; do
            tries=$((tries + 1))
            on "$workers" stats large.h5 "/$1" 17 --hay-memory-limit 16M &
            while kill -0 $! 2>/dev/null; do
                for dir in $(pgrep -x stats | sed 's|^|/proc/|'); do
                    { tr '\0' '\n' <"$dir/environ"; } 2>/dev/null |
                        grep -qx "HAYFORK_TEST_MARK=$HAYFORK_TEST_MARK" || continue
                    rss=$(awk '/^RssAnon/ {print $2}' "$dir/status" 2>/dev/null)
                    [ "${rss:-0}" -le "$most" ] || most=$rss
                done
            done
            wait $! || return
        done
        echo "# at most $most KiB of a process of its own"
        $python look.py "$1" out large.h5 >differs && [ "$most" -gt 0 ] &&
            [ "$most" -lt $((64 << 10)) ]
    }
    workers=${places[${#places[@]} > 1 ? 2 : 0]}
    for name in flat gzip; do
        check "private_memory_is_small ($name, $workers workers)" \
            private_memory_is_small $name
    done
    rm -f large.h5
else
    skip stats_are_those_of_numpy "there is no h5py"
    skip private_memory_is_small "there is no h5py"
    on 0 heat stats --size 50 --steps 1 && mv stats.000001.h5 stats.h5
fi

# ---- files that cannot be used ----------------------------------------------

refuses() { # WORDS ARGUMENT...
    local words=$1
    shift
    ! on 0 stats "$@" && [ "$(wc -l <err)" = 1 ] && grep -q "$words" err && [ ! -s out ]
}
head -c 5000 m0.h5 >cut.h5
echo "no file of HDF5's" >text.h5
check no_such_file_is_told refuses 'no such file.*no.h5' no.h5 /a
check no_such_dataset_is_told refuses 'mandelbrot' m0.h5 /a
check a_truncated_file_is_told refuses 'cut.h5' cut.h5 /mandelbrot
check no_hdf5_is_told refuses 'text.h5' text.h5 /a

# ---- the end of everything in the middle ------------------------------------

kill_all() {
    marked | while read -r pid _; do kill -9 "$pid"; done 2>/dev/null
    until_true nothing_left
}
chunks_done() { # FILE: how many are marked
    h5dump -y -d mandelbrot.chunks -s 0,0 -c "${2:-64},1" "$1" 2>/dev/null |
        sed '1,/DATA {/d' | grep -o '\b1\b' | wc -l
}

# In the first run each process writes at most 12 of the 64 blocks, and then
# waits to be killed.
hold=$BUILDDIR/tests/support/.libs/hold_writes.so
mandelbrot_goes_on() { # WORKERS
    local missing found
    rm -f k.h5
    LD_PRELOAD=$hold HOLD_SIZE=$((128 * 128 * 2)) HOLD_AFTER=12 \
        on "$1" mandelbrot k 1024 6000 &
    until_true eval '[ "$(chunks_done k.h5)" -ge 8 ]' || return
    kill_all || return
    wait
    found=$(chunks_done k.h5)
    [ "$found" -ge 8 ] && [ "$found" -le 36 ] || { echo "# $found are done"; return 1; }
    on "$1" mandelbrot k 1024 6000 || return
    missing=$(sed -n 's/ blocks were missing//p' out)
    [ $((found + missing)) = 64 ] && [ "$(chunks_done k.h5)" = 64 ] &&
        cmp k.h5 whole.h5
}
frame() { printf 'k.%06d.h5' "$1"; }
# The first run is far too long to end before it is killed, on any machine: how
# far it came is seen in its files, and the second one has some steps more.
heat_goes_on() { # WORKERS
    local every=60 last=180 found
    rm -f k.[0-9]*.h5
    on "$1" heat k --size 256 --chunk 64 --steps 999960 --every $every &
    until_true [ -e "$(frame $last)" ] || return
    kill_all || return
    wait
    while [ -e "$(frame $((last + every)))" ]; do last=$((last + every)); done
    if command -v h5dump >/dev/null; then
        h5dump -H "$(frame $((last - every)))" >dump || return
    fi
    on "$1" heat k --size 256 --chunk 64 --steps $((last + 2 * every)) \
        --every $every --check || return
    # All before the last one are whole; it may be.
    found=$(sed -n 's/^k\.0*\([0-9]*\)\.h5 is there$/\1/p' out)
    [ "$found" = $last ] || [ "$found" = $((last - every)) ] || return
    ! grep -qx "$(frame $((last - every)))" out &&
        grep -qx "$(frame $((last + 2 * every)))" out && grep -q '^equal' out
}
for workers in "${places[@]}"; do
    case $workers in 1 | 4) continue ;; esac
    check "heat_goes_on_after_kill_9 ($workers workers)" heat_goes_on "$workers"
    if ! command -v h5dump >/dev/null; then
        skip "only_missing_blocks_are_computed ($workers workers)" "there is no h5dump"
        continue
    fi
    [ -e whole.h5 ] || on 0 mandelbrot whole 1024 6000
    check "only_missing_blocks_are_computed ($workers workers)" \
        mandelbrot_goes_on "$workers"
done
