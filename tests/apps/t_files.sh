#!/bin/bash
# Tasks that name files: edges, what is missing, what the record says of them.
. "$(dirname "$0")/support.sh"

# refuses NAME WORDS: t.hay and nothing of it runs, also under mpirun.
refuses() {
    local where
    for where in '' '-n 3'; do
        rm -rf hayfork-runs ran
        # shellcheck disable=SC2086
        runs 2 run t.hay $where || { not_ok "$1" "not refused $where"; return; }
        if [ "$(cat err)" != "hayfork: t.hay:$2" ] || [ -e hayfork-runs ] || [ -e ran ]; then
            not_ok "$1" "words are not $2"
            return
        fi
    done
    ok "$1"
}
file() { # TEXT
    # shellcheck disable=SC2059
    printf "touch ran\n$1" >t.hay
}

echo 7 >there.txt
cat >t.hay <<'E'
#HAY name=last in=sum.txt
cp sum.txt result.txt
#HAY name=sum in=b1.txt,b2.txt,b3.txt,there.txt out=sum.txt
sort -n $(echo "$HAY_IN" | tr : ' ') > "$HAY_OUT"
#HAY name=b[1..3] in=a{n}.txt,a1.txt out=b{n}.txt
cat "$HAY_IN_1" "$HAY_IN_2" > b{n}.txt
#HAY name=a[1..3] out=./sub/../a{n}.txt,extra{n}.txt
echo {n} > "$HAY_OUT_1"; echo $HAY_IN_COUNT $HAY_OUT_COUNT > extra{n}.txt
E
edges() { # WHERE...
    rm -rf hayfork-runs [ab]?.txt sum.txt result.txt
    runs 0 run t.hay "$@" && [ "$(tr '\n' ' ' <result.txt)" = '1 1 1 1 2 3 7 ' ] &&
        [ "$(cat extra2.txt)" = '0 2' ]
}
mkdir sub
check edges_come_from_files edges
if have_mpirun; then
    check edges_come_from_files_under_mpirun edges -n 3
else
    skip edges_come_from_files_under_mpirun "no mpirun"
fi

record() {
    local tab=$'\t' f=hayfork-runs/t/files.tsv
    [ "$(head -n 1 $f)" = "task${tab}name${tab}in_out${tab}path${tab}bytes" ] &&
        [ "$(wc -l <$f)" = 22 ] &&
        grep -q "^[0-9]*${tab}sum${tab}out${tab}sum.txt${tab}14$" $f &&
        grep -q "^[0-9]*${tab}sum${tab}in${tab}there.txt${tab}2$" $f &&
        grep -q "^[0-9]*${tab}a\[2\]${tab}out${tab}extra2.txt${tab}4$" $f &&
        grep -q "^[0-9]*${tab}last${tab}in${tab}sum.txt${tab}14$" $f
}
check sizes_are_in_files_tsv record

cat >t.hay <<'E'
#HAY name=w out=w.txt cwd=sub
echo $HAY_OUT_1 > w.txt
#HAY in=sub/w.txt,'co,mma',with\,out out="also, this"
cp co,mma "also, this"; cat $HAY_IN_1 > seen; echo $HAY_IN_COUNT >> seen
E
folders() {
    touch co,mma with,out
    runs 0 run t.hay && [ "$(cat seen)" = "$(pwd -P)/sub/w.txt
3" ]
}
check folders_and_quoted_commas folders

file '#HAY in=none.txt\n:\n'
refuses missing_input '2: in=none.txt: No such file or directory, and no task writes it'
file '#HAY name=x[1..3] in=there.txt,n{n}.txt\n:\n'
refuses missing_input_of_an_element '2: in=n1.txt: No such file or directory, and no task writes it'
file '#HAY in=b out=a\n:\n#HAY name=two in=a out=b\n:\n'
refuses cycle "2: a cycle of tasks: line 2 after 'two' after line 2"
file '#HAY name=own in=a out=a\n:\n'
refuses own_output "2: a cycle of tasks: 'own' after 'own'"
file '#HAY out=a\n:\n#HAY out=./a\n:\n'
refuses same_output_twice '4: out=./a is written by the task of line 2 as well'
file '#HAY name=x[1..9] out=a\n:\n'
refuses same_output_of_an_array '2: out=a is written by several elements of the array'
file '#HAY out=a,b,a\n:\n'
refuses same_output_in_a_list '2: out= names a twice'
file '#HAY out=a,,b\n:\n'
refuses empty_name '2: out= has an empty name'
file '#HAY defaults in=there.txt\n:\n'
refuses no_default '2: in= cannot be a default'

missing_output() { # WHERE...
    rm -rf hayfork-runs
    printf '#HAY name=w out=there.txt,x.dat retries=1\n:\n#HAY in=x.dat\ntouch never\n' >t.hay
    runs 1 run t.hay "$@" && [ ! -e never ] &&
        grep -qF 'said to write x.dat, which is not there' err &&
        [ "$(grep -c 'failed.*said to write x.dat' hayfork-runs/t/tasks.tsv)" = 2 ] &&
        grep -q 'failed.*dependency: task 1' hayfork-runs/t/tasks.tsv
}
check missing_output missing_output
if have_mpirun; then
    check missing_output_under_mpirun missing_output -n 3
else
    skip missing_output_under_mpirun "no mpirun"
fi

stream() {
    rm -rf hayfork-runs s?.txt
    printf '#HAY out=s1.txt\nsleep 0.2; echo 1 >s1.txt\n#HAY in=s1.txt out=s2.txt\ncp s1.txt s2.txt\n' |
        timeout 60 "$hayfork" run - >out 2>err && [ "$(cat s2.txt)" = 1 ]
}
check standard_input_knows_files_above stream
below() {
    rm -rf hayfork-runs s?.txt
    printf '#HAY in=s1.txt\n:\n#HAY out=s1.txt\ntouch s1.txt\n' | timeout 60 "$hayfork" run - >out 2>err
    [ $? = 2 ] && grep -qF 'hayfork: -:1: in=s1.txt: No such file or directory' err && [ ! -e s1.txt ]
}
check standard_input_knows_no_file_below below

many() {
    rm -rf hayfork-runs m
    mkdir m
    cat >t.hay <<'E'
#HAY name=make[1..2000] out=m/{n}
: > m/{n}
#HAY name=use[1..2000] in=m/{n} out=m/u{n}
mv m/{n} m/u{n}
E
    runs 0 run t.hay && [ "$(find m -type f | wc -l)" = 2000 ]
}
check many_files many

# ---- datasets and their chunks

if ! command -v h5import >/dev/null || ! command -v h5dump >/dev/null; then
    skip datasets "no h5import, h5dump (Debian package: hdf5-tools)"
    exit
fi
seq 0 1199 >numbers
cat >shape <<'E'
PATH /g/a
INPUT-CLASS TEXTIN
INPUT-SIZE 32
RANK 2
DIMENSION-SIZES 40 30
OUTPUT-CLASS IN
OUTPUT-SIZE 32
CHUNKED-DIMENSION-SIZES 10 20
E
h5import numbers -c shape -o in.h5 >/dev/null

# Chunk 5 of 4 x 2 begins at row 20, column 20, and is cut at the edge.
chunks() { # WHERE...
    rm -rf hayfork-runs c?.txt
    cat >t.hay <<'E'
#HAY name=c[0..7] in=there.txt,in.h5:/g/a#{n} out=c{n}.txt retries=1 env.X=7
[ $HAY_TASK_ATTEMPT = 2 ] || exit 1; \
    h5dump -d "$HAY_IN_2_DATASET" -y -w 0 -o c{n}.raw "$HAY_IN_2" >/dev/null || exit 2; \
    echo $X $HAY_IN_COUNT $HAY_IN_2_START $HAY_IN_2_SHAPE >c{n}.txt; \
    tr -s ',\n ' ' ' <c{n}.raw >c{n}.values
#HAY in=in.h5:/g/a
echo "$HAY_IN $HAY_IN_1_DATASET" >whole.txt
E
    runs 0 run t.hay "$@" && [ "$(cat c5.txt)" = '7 2 20,20 40,30' ] &&
        [ "$(cat c0.txt)" = '7 2 0,0 40,30' ] &&
        grep -q ' 620 621 622 .* 899 *$' c5.values && ! grep -q ' 900' c5.values &&
        grep -q ' 0 1 2 .* 19 30 .* 289 *$' c0.values &&
        [ "$(cat whole.txt)" = "$(pwd -P)/in.h5 /g/a" ] && [ ! -e hayfork-runs/t/chunks ]
}
check chunks_are_files_of_their_own chunks
if have_mpirun; then
    check chunks_are_files_of_their_own_under_mpirun chunks -n 3
else
    skip chunks_are_files_of_their_own_under_mpirun "no mpirun"
fi

# Gone on with: no chunk is brought, no command runs again; but with another
# chunk behind the name, another line, or without its output, that one does.
chunks_again() {
    rm -rf hayfork-runs r?.txt ran
    cat >t.hay <<'E'
#HAY name=r[0..3] in=again.h5:/g/a#{n} out=r{n}.txt
echo {n} >>ran; echo "$HAY_IN_1_START" >r{n}.txt
#HAY in=again.h5:/g/a#7
echo unnamed >>ran
E
    cp in.h5 again.h5
    runs 0 run t.hay && [ "$(wc -l <ran)" = 5 ] || return
    rm ran
    local brought
    brought=$(grep -c chunk hayfork-runs/t/tasks.tsv)
    runs 0 resume && [ ! -e ran ] && [ ! -e hayfork-runs/t/chunks ] &&
        [ "$(grep -c chunk hayfork-runs/t/tasks.tsv)" = "$brought" ] || return
    rm r2.txt
    runs 0 resume && [ "$(cat ran)" = 2 ] && [ -s r2.txt ] || return
    rm ran
    sed -i 's/^echo unnamed/echo "other"/' t.hay
    runs 0 resume --why && [ ! -e ran ] && grep -q '4 done before, 1 would run: 1 new' err &&
        [ "$(grep -c ^gone out)" = 1 ] &&
        runs 0 resume && [ "$(cat ran)" = other ] || return
    rm ran
    touch again.h5
    runs 0 resume && [ "$(sort ran | xargs)" = '0 1 2 3 other' ]
}
check commands_with_chunks_do_not_run_again chunks_again

# Known only when the farm is there.
no_dataset() { # WORDS TEXT
    rm -rf hayfork-runs ran
    file "$2"
    runs 2 run t.hay && [ ! -e ran ] && [ ! -e hayfork-runs ] && [ "$(wc -l <err)" = 1 ] &&
        grep -q "^hayfork: t.hay:2: .*$1" err
}
check no_such_dataset no_dataset "/nothing in .*in.h5: no such dataset; there are /g/a" '#HAY in=in.h5:/nothing\n:\n'
check no_such_chunk no_dataset ':/g/a has chunks 0 to 7, no chunk 8' '#HAY name=c[6..8] in=in.h5:/g/a#{n}\n:\n'
check no_number_of_a_chunk no_dataset "in=.*in.h5:/g/a#x: 'x' is no number of a chunk" '#HAY in=in.h5:/g/a#x\n:\n'
check nothing_for_a_number no_dataset "in=.*in.h5:/g/a#: '' is no number of a chunk" '#HAY in=in.h5:/g/a#\n:\n'
check no_hdf5_file no_dataset 'there.txt' '#HAY in=there.txt:/a\n:\n'
file '#HAY in=in.h5:/g/a#1\n:\n#HAY out=in.h5\n:\n'
refuses chunk_of_a_file_to_be_written "2: in=in.h5: a chunk of a file that is not there before, but written by the task of line 4"

file '#HAY out=new.h5:/g/a\n:\n'
refuses dataset_that_is_written "2: out=new.h5:/g/a: name the file only, no dataset in it"

later() {
    rm -rf hayfork-runs new.h5
    printf '#HAY in=new.h5:/g/a out=got.txt\necho $HAY_IN_1_DATASET >got.txt\n#HAY out=new.h5\ncp in.h5 new.h5\n' >t.hay
    runs 0 run t.hay && [ "$(cat got.txt)" = /g/a ]
}
check dataset_of_a_file_to_be_written later
stream_chunks() {
    rm -rf hayfork-runs
    printf '#HAY in=in.h5:/g/a#3\necho $HAY_IN_1_START >s3.txt\n' |
        timeout 60 "$hayfork" run - >out 2>err && [ "$(cat s3.txt)" = 10,20 ]
    printf '#HAY in=in.h5:/g/a#9\n:\n' | timeout 60 "$hayfork" run - >out 2>err
    [ $? = 2 ] && grep -q 'hayfork: -:1: .*no chunk 9' err
}
check standard_input_knows_chunks stream_chunks

# A disk without room for a chunk: the reason is told, not only that it failed.
no_room() {
    seq 0 99999 >numbers
    printf 'PATH /a\nINPUT-CLASS TEXTIN\nRANK 1\nDIMENSION-SIZES 100000\n' >shape
    h5import numbers -c shape -o "$PWD/wide.h5" >/dev/null || return
    printf '#HAY name=c[1..2] in=%s:/a#0\n:\n#HAY after=c\n:\n' "$PWD/wide.h5" >small/t.hay
    cd small && runs 1 run --run-folder r t.hay &&
        [ "$(grep -c '^hayfork: task c\[[12]\] (t.hay:1) failed: no input: .*No space left' err)" = 2 ] &&
        [ ! -e r/chunks ]
}
in_small() {
    mkdir -p small
    export -f no_room runs
    export hayfork
    unshare -m bash -c 'mount -t tmpfs -o size=128k none small && no_room'
}
if unshare -m true 2>/dev/null; then
    check no_room_for_a_chunk_is_told in_small
else
    skip no_room_for_a_chunk_is_told "no right to mount"
fi
