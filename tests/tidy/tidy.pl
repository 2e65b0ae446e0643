#!/usr/bin/perl
# tidy.pl - the rules of the house that a machine can check, see CONTRIBUTING.
#
#     perl tests/tidy/tidy.pl FILE ...     (names relative to the tree's top)
#
# Prints "# FILE:LINE: what" for each violation, then "ok tidy/RULE" or
# "not ok tidy/RULE" for each rule; exit status 1 if there was a violation.
use strict;
use warnings;

my $max_file     = 800;
my $max_function = 80;
my $max_body     = 120;    # of a test, whose body is mostly a table

# Who may include whom, in lib/: arrows go down only.
my %below = (
    base      => [],
    core      => ['base'],
    wire      => ['base'],
    data      => [qw(base wire transport)],
    transport => [qw(base wire)],
    observe   => [qw(base core wire)],
    journal   => [qw(base wire observe)],
    # one storey: the executor is where client and manager meet
    worker    => [qw(base core wire data transport observe journal client manager)],
    manager   => [qw(base core wire data transport observe journal client worker)],
    client    => [qw(base core wire data transport observe journal manager worker)],
    sim       => [qw(base core wire transport worker)],
);

# No system call, no clock, no thread: nor a header that has them.
my $system_header = qr{^(mpi|hdf5|hwloc|time|unistd|pthread|signal|fcntl|poll
    |threads|spawn|sched|dirent|sys/.*|hwloc/.*|H5.*)(\.h)?$}x;
my $pure = qr{^lib/(core/|wire/|worker/worker_state\.|data/shape\.)};

# Modules of lib/base that talk to the system; the others are pure as well.
my $impure_base = qr{^lib/base/(bell|clock|log)\.};

my %rules = (
    arrows    => 'a layer includes lower layers only',
    banned    => 'no functions without a limit',
    blanks    => 'no tabs, no blanks at the end of a line',
    config    => 'config.h is the first include',
    functions => 'functions are short',
    headers   => 'a header of lib/ says what it owns, what it never does, threads',
    hdf5      => 'HDF5 is called in lib/data/h5store*.c only',
    length    => 'files are short',
    listed    => 'each source is listed in the fragment of its folder',
    mpi       => 'MPI is called in lib/transport/transport_mpi*.c only',
    paths     => 'no path of a machine of ours',
    public    => 'apps, examples and benches include public headers only',
    pure      => 'the pure layers include nothing of the system',
    tested    => 'each module of core and wire has its unit tests',
);
my %count = map { $_ => 0 } keys %rules;
my %seen;

sub bad {
    my ($rule, $file, $line, $text) = @_;
    print "# $file:$line: $text\n";
    $count{$rule}++;
}

# The text without comments and what stands in strings; lines stay where
# they are.  Include lines keep their names.
sub code_of {
    my ($text) = @_;
    $text =~ s{ (/\*.*?\*/) | (//[^\n]*) | (^[ ]*\#[ ]*include[^\n]*)
              | ("(?:\\.|[^"\\\n])*") | ('(?:\\.|[^'\\\n])+') }
              { defined $3 ? $3 : defined $4 ? '""' : defined $5 ? "' '"
                : blank(defined $1 ? $1 : $2) }gsmex;
    return $text;
}

sub blank {
    my ($text) = @_;
    $text =~ s/[^\n]//g;
    return $text;
}

sub check_include {
    my ($file, $line, $name) = @_;
    my ($layer) = $file =~ m{^lib/([^/]+)/};
    my ($other) = $name =~ m{^([^/]+)/};
    if ($file =~ $pure || (($layer // '') eq 'base' && $file !~ $impure_base)) {
        bad('pure', $file, $line, "a pure file includes $name")
            if $name =~ $system_header;
    }
    if ($name eq 'mpi.h' || $name eq 'hayfork/mpi.h') {
        bad('mpi', $file, $line, "only the MPI transport includes $name")
            unless $file =~ m{^lib/transport/transport_mpi(\w*\.c|_inside\.h)$|^lib/hayfork/mpi\.h$
                |^lib/client/mpi_program\.c$|^apps/examples/|^bench/bench_mpi|^tests/}x;
    }
    bad('hdf5', $file, $line, "only the HDF5 store includes $name")
        if $name =~ /^(hdf5|H5\w+)\.h$/ && $file !~ m{^lib/data/h5store\w*\.[ch]$|^tests/};
    if (defined $layer && $below{$layer} && defined $other && $below{$other}) {
        bad('arrows', $file, $line, "$layer may not include $other")
            unless $other eq $layer || grep { $_ eq $other } @{ $below{$layer} };
    }
    bad('arrows', $file, $line, "lib may not include tests, apps or benches")
        if $file =~ /^lib/ && $name =~ m{^(support|apps|bench)/};
    if ($file =~ m{^(apps|bench)/} && defined $other && $below{$other}) {
        bad('public', $file, $line, "not a public header: $name")
            unless ($file =~ m{^bench/bench_core\.c$} && $other =~ /^(core|base)$/)
            || ($file =~ m{^bench/bench_spawn\.c$} && $other =~ /^(worker|base)$/)
            || ($file =~ m{^bench/bench_(?:mpi_)?data\w*\.[ch]$}
                && $other =~ /^(data|transport|base)$/);
    }
}

sub check_functions {
    my ($file, @code) = @_;
    my $start = 0;
    my $limit = $file =~ /^tests/ ? $max_body : $max_function;
    for my $i (0 .. $#code) {
        $start = $i if $code[$i] =~ /^\{/;
        if ($code[$i] =~ /^\}/ && $start) {
            my $length = $i - $start + 1;
            bad('functions', $file, $start + 1, "$length lines, limit $limit")
                if $length > $limit;
            $start = 0;
        }
    }
}

sub check_c {
    my ($file, $text) = @_;
    my @code = split /\n/, code_of($text), -1;
    my $first = 1;
    for my $i (0 .. $#code) {
        my $line = $i + 1;
        local $_ = $code[$i];
        if (/^\s*#\s*include\s*[<"]([^>"]+)[>"]/) {
            check_include($file, $line, $1);
            bad('config', $file, $line, 'config.h must come before this')
                if $first && $1 ne 'config.h' && $file =~ /\.c$/
                && $file !~ m{^apps/examples/|^tests/install/|^tests/data/};
            $first = 0;
            next;
        }
        bad('mpi', $file, $line, "calls $1")
            if /\b(MPI_[A-Z][a-z]\w*)\s*\(/
            && $file !~ m{^lib/transport/transport_mpi\w*\.c$|^apps/examples/|^bench/bench_mpi|^tests/};
        bad('hdf5', $file, $line, "calls $1")
            if /\b(H5[A-Z]{1,2}[a-z]\w*)\s*\(/
            && $file !~ m{^lib/data/h5store\w*\.c$|^tests/};
        bad('banned', $file, $line, "calls $1")
            if /(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|alloca|atoi|atol|atof|strtok)\s*\(/;
    }
    check_functions($file, @code);
    if ($file =~ m{^lib/(?!hayfork/).*\.h$}) {
        my ($comment) = $text =~ m{\A/\*(.*?)\*/}s;
        for my $word ('Owns:', 'Never:', 'Threads:') {
            bad('headers', $file, 1, "the opening comment lacks $word")
                unless defined $comment && $comment =~ /\b$word/;
        }
    }
    if ($file =~ m{^lib/(core|wire)/(\w+)\.c$}) {
        bad('tested', $file, 1, "no tests/unit/$1/test_$2.c")
            unless $seen{"tests/unit/$1/test_$2.c"}
            || !$seen{"lib/$1/$2.h"};    # without a header: part of a module
    }
}

# Is FILE named in local.mk of its folder or of one above it?
my %fragments;

sub check_listed {
    my ($file) = @_;
    my $dir = $file;
    while ($dir =~ s{/[^/]+$}{}) {
        my $name = substr $file, length($dir) + 1;
        $fragments{$dir} //= slurp("$dir/local.mk") // '';
        return if $fragments{$dir} =~ m{(^|[\s=/])(%D%/)?\Q$name\E($|\s)}m;
    }
    bad('listed', $file, 1, 'no local.mk lists it');
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return;
    local $/;
    return scalar <$in>;
}

sub check {
    my ($file) = @_;
    my $text = slurp($file);
    if (!defined $text) { bad('listed', $file, 1, 'cannot be read'); return; }
    return if $text =~ /\0/ || $file =~ m{^LICENSE$|^tests/(data|golden|fuzz)/};
    my @lines = split /\n/, $text;
    my $tabs  = $file =~ m{\.mk$|^Makefile\.am$};
    for my $i (0 .. $#lines) {
        bad('blanks', $file, $i + 1, 'a tab') if !$tabs && $lines[$i] =~ /\t/;
        bad('blanks', $file, $i + 1, 'blanks at the end') if $lines[$i] =~ /[ \t\r]$/;
        bad('paths', $file, $i + 1, "names $2")
            if $lines[$i] =~ m{(^|[^\w.\$\}/])(/(?:home|wor[k])/\w*)};
    }
    if ($file =~ /\.[ch]$/) {
        bad('length', $file, $max_file, scalar(@lines) . ' lines') if @lines > $max_file;
        check_c($file, $text);
        check_listed($file);
    }
}

$seen{$_} = 1 for @ARGV;
check($_) for @ARGV;
my $failed = 0;
for my $rule (sort keys %rules) {
    my $not = $count{$rule} ? 'not ' : '';
    $failed ||= $count{$rule};
    print "${not}ok tidy/$rule: $rules{$rule}\n";
}
exit($failed ? 1 : 0);
