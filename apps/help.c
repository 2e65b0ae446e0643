/* help.c - what --help and `hayfork help WORD` print. */
#include "config.h"

#include "words.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char general[] =
    "usage: hayfork WORD [OPTION ...] [ARGUMENT ...]\n"
    "\n"
    "A task farm: runs files of commands on the cores of this machine, or "
    "over\n"
    "MPI on those of many.\n"
    "\n"
    "  run FILE         run the commands of a task file; - is standard input\n"
    "  replay FILE      run a recorded workflow (WfFormat) with scaled times\n"
    "  launch PROGRAM   start a program built on libhayfork under mpirun\n"
    "  output TASK ...  print what a task of a run wrote (--all: all of them)\n"
    "  resume [RUN]     go on with a run that was ended, by whatever\n"
    "  submit FILE      put a run into the batch system\n"
    "  status [RUN]     how far a run is, and what its job does\n"
    "  cancel [RUN]     end the job of a run\n"
    "  doctor           is everything here that a farm needs?\n"
    "  worker           join a run that listens\n"
    "  grow [RUN]       submit workers for it while it has much to do\n"
    "  help WORD        more about a word, and about the task file (help run)\n"
    "  --version\n"
    "\n"
    "Exit status: 0 all finished; 1 some tasks failed; 2 wrong use, bad input\n"
    "or a request that can never be met (nothing was started); 3 the farm\n"
    "failed; 75 more to do, the walltime was over; 130 interrupted.\n";

#define PLACES                                                                 \
    "Where it runs (without any of these, and outside of an allocation of "    \
    "several\nhosts: in this process, on all cores it may use, without "       \
    "MPI):\n"                                                                  \
    "  -n, --ranks=N         start mpirun with N ranks; rank 0 hands out, "    \
    "the "                                                                     \
    "others\n"                                                                 \
    "                        work (-n 1: rank 0 works)\n"                      \
    "  --hosts=A,B:2         worker ranks on A (1) and B (2), rank 0 on A "    \
    "besides\n"                                                                \
    "  --ranks-per-node=N    worker ranks of each node of an allocation (1)\n" \
    "  --rsh=COMMAND         remote shell instead of ssh\n"

#define RESOURCES                                                              \
    "  --gpus=N              gpus of each node (those that are found)\n"       \
    "  --resources=LIST      what each node has besides, such as\n"            \
    "                        licences=2,scratch=0.5\n"                         \
    "  --limits=LIST         of the whole farm: download=3 is at most 3\n"     \
    "                        tasks of the array download at a time, or so\n"   \
    "                        much of res.download=\n"

#define RUNS                                                                   \
    "  --slots=N             cores that a worker offers (all it may "          \
    "use)\n" RESOURCES "  --run-folder=DIR      instead of "                   \
    "hayfork-runs/<name of FILE>; one with "                                   \
    "a\n"                                                                      \
    "                        journal is gone on with\n"                        \
    "  --new                 begin anew, though the last run of FILE has "     \
    "not\n"                                                                    \
    "                        come to its end\n"                                \
    "  --why                 run nothing: tell for each task whether it "      \
    "would\n"                                                                  \
    "                        run, and why\n"                                   \
    "  --progress=MODE       line, plain, none, auto\n"                        \
    "  -q, --quiet           say nothing but what failed\n"                    \
    "  --max-fails=N         stop when so many tasks have failed\n"            \
    "  --time-left=T         until the batch system ends the job; before it\n" \
    "                        only what fits is started (HAYFORK_DEADLINE, "    \
    "or\n"                                                                     \
    "                        what Slurm says; else: no end)\n"                 \
    "  --hay-silence=SECONDS a worker that is silent so long is lost (15)\n"   \
    "  --seed=N              of random streams and of ties\n"                  \
    "  --stragglers=FACTOR   when nothing else is left to start: a second\n"   \
    "                        attempt on another worker of what takes FACTOR\n" \
    "                        times its usual time (by name); only for tasks\n" \
    "                        that may run twice at once; not for once=yes\n"

static const char run[] =
    "usage: hayfork run [OPTION ...] FILE\n"
    "       hayfork run [OPTION ...] COMMAND ::: VALUE ... [::: VALUE ...]\n"
    "\n"
    "Runs a task file: a list of commands, one a line.  FILE - is standard\n"
    "input, which may still grow.  Each command runs by /bin/sh -c, pinned to\n"
    "cores of its own; what it prints is kept in the run folder, see hayfork\n"
    "output.\n"
    "\n"
    "Options:\n"
    "  --output=MODE         append (few files with an index; default), files\n"
    "                        (a pair a task), grouped (to the terminal as\n"
    "                        tasks end), ordered (in their order), inherit,\n"
    "                        null\n"
    "  --cores=N --time=T --grace=T --retries=N --retry-pause=T --mem-limit=S\n"
    "  --output-limit=S --request=R   defaults of tasks that do not say\n"
    "  --enforce-mem         mem= is a limit, too, unless mem_limit= is given\n"
    "  --listen              others may join: hayfork worker --join=RUN\n"
    "  --grow=MAX            as hayfork grow does, by itself (help grow)\n"
    "  --grow-job=OPTIONS    of its jobs: \"--time=2h -q long -- --mem=8G\"\n"
    "  --format=NAME         of FILE, instead of a guess: hayfork, pmc\n"
    "                        (pegasus-mpi-cluster), hq (HyperQueue), "
    "disbatch,\n"
    "                        parallel, launcher (lists whose commands look at\n"
    "                        PARALLEL_SEQ, LAUNCHER_JID)\n"
    "  --check-files         a run that goes on looks at sizes and times of "
    "in=\n"
    "                        files, too (if it began with this option)\n"
    "  --resume-from=FILE    what it tells as done is not run again: a joblog\n"
    "                        of GNU parallel, a rescue file of\n"
    "                        pegasus-mpi-cluster, a status file of "
    "disBatch\n" RUNS "\n" PLACES "\n";

static const char run_lists[] =
    "A command with lists of values is run with each of them, as by GNU\n"
    "parallel: ::: VALUE ..., :::: FILE ... (a value a line), several lists "
    "each\n"
    "with each, :::+ and ::::+ value by value with the list before.  {} is "
    "the\n"
    "value, {.} without its ending, {/} without its folder, {//} its folder, "
    "{/.}\n"
    "neither; {2} {-1} {2/.} of the second or the last list; {#} the number "
    "of\n"
    "the task, {%} of its slot.  Values are quoted for the shell.\n"
    "\n";

/* Its second half: no compiler need take longer strings. */
static const char run_file[] =
    "The task file:\n"
    "\n"
    "    #HAY defaults retries=1 time=10m\n"
    "    #HAY name=prep cores=2\n"
    "    ./prepare survey.dat\n"
    "    #HAY name=sim[1..1000] after=prep mem=2G     # an array\n"
    "    ./simulate --seed {n} > out/{n}.dat\n"
    "    #HAY name=check[1..1000] after=sim[n]        # element by element\n"
    "    ./check out/{n}.dat\n"
    "    #HAY afterany=check\n"
    "    ./collect out\n"
    "\n"
    "A #HAY line is about the next command.  Keys: name=, cores= (all: of a\n"
    "worker), gpus= (0.5: shared), mem= (K M G T), res.NAME= (so much of what\n"
    "--resources or --limits name), request=\"gpus=2 | cores=16\"\n"
    "(alternatives, the first that is free), time= (10 10s 5m 2h 1d 1:30:00):\n"
    "a limit, grace= (from the limit's SIGTERM to SIGKILL; 2s), mem_limit= "
    "(of\n"
    "all its processes together), mem_retries= (tries with twice the memory,\n"
    "limit and request, after that), output_limit= (of what it prints),\n"
    "warn= (SIGUSR1 so long before the walltime ends work; exit status 75\n"
    "then means unfinished),\n"
    "retries=, retry_pause= (before the second try, twice that before the\n"
    "third, ...), once=yes (not run again when its worker is lost), priority=\n"
    "(higher first), cwd=, stdin= (in cwd), env.NAME=; after= (must have\n"
    "succeeded),\n"
    "afterany= (must have ended): NAME, NAME[5], NAME[1..9], NAME[n], several\n"
    "with commas; in=, out=: files that it reads and writes, several with\n"
    "commas: it comes after the tasks that write its in= files, and fails if\n"
    "an out= file is not there at its end; it sees them as HAY_IN_1 ...,\n"
    "HAY_OUT_1 ...; in=FILE.h5:/DATASET#5 is chunk 5 of a dataset as a file\n"
    "of its own, HAY_IN_1_DATASET is the dataset in it, HAY_IN_1_START where\n"
    "it begins, HAY_IN_1_SHAPE the shape of the whole.  Values may be quoted.\n"
    "name=sim[1..9:2] is an array with steps; in it {n} is the index (as\n"
    "$HAY_INDEX), and {{ is a brace.  A \\ at the end continues a line; blank\n"
    "lines and other lines that begin with # are skipped.  A file is checked\n"
    "whole before anything runs.  On standard input names must be defined\n"
    "above, and a bad line ends the reading.\n"
    "\n"
    "Commands see HAY_TASK_ID, HAY_TASK_NAME, HAY_TASK_ATTEMPT, HAY_INDEX,\n"
    "HAY_TASK_CORES, HAY_TASK_CPUS, HAY_TASK_SLOT (from 0), HAY_TASK_MEMORY,\n"
    "HAY_TASK_VARIANT (the alternative, from 0), HAY_RES_NAME, "
    "HAY_TASK_RUN_FOLDER; where there are\n"
    "gpus HAY_TASK_GPUS, CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES.\n"
    "Ctrl-C once: no new task starts; twice: those that run are ended.\n";

static const char replay[] =
    "usage: hayfork replay [OPTION ...] FILE\n"
    "\n"
    "Runs a recorded workflow in WfFormat (wfcommons.org): each of its tasks\n"
    "takes its recorded time times the scale, and comes after its recorded\n"
    "parents.  A task's name is its id.\n"
    "\n"
    "Options:\n"
    "  --time-scale=X        times are multiplied by X (1)\n"
    "  --work=sleep|spin     occupy a core without using it, or use it "
    "(sleep)\n" RUNS "\n" PLACES;

static const char launch[] =
    "usage: hayfork launch [OPTION ...] PROGRAM [ARGUMENT ...]\n"
    "\n"
    "Starts a program that was built on libhayfork under mpirun, with the\n"
    "options with which a farm survives the loss of a rank, and returns rank\n"
    "0's exit status (128 + N if signal N ended it).\n"
    "\n" RESOURCES "\n" PLACES;

static const char output[] =
    "usage: hayfork output [OPTION ...] [RUN] TASK ...\n"
    "       hayfork output [OPTION ...] --all [RUN]\n"
    "\n"
    "Prints what tasks of a run wrote: standard output to standard output,\n"
    "standard error to standard error.  TASK is a name (sim[7]) or a number "
    "as\n"
    "in tasks.tsv.  RUN is a run folder, or its name in hayfork-runs; "
    "default:\n"
    "hayfork-runs/latest.\n"
    "\n"
    "Options:\n"
    "  --run-folder=DIR      the run\n"
    "  --all                 the standard output of all tasks, in the order "
    "of\n"
    "                        their file, whenever they ran\n"
    "  --attempt=N           of this attempt instead of the last one\n"
    "  --stdout, --stderr    only this one\n";

static const char resume[] =
    "usage: hayfork resume [RUN] [OPTION OF run ...]\n"
    "\n"
    "Starts the command line of a run again, where it was given, on the same\n"
    "run folder: what its journal has as finished does not run again.  A task\n"
    "runs if it is new, if it had not finished, if its command, environment,\n"
    "folder or files (or a program's function, its version, its arguments) "
    "are\n"
    "others, if an out= file of it is gone, or if something that it comes "
    "after\n"
    "runs.  The task file may have been edited.  RUN is a run folder, or its\n"
    "name in hayfork-runs; default: hayfork-runs/latest.  hayfork run FILE "
    "does\n"
    "the same where the last run of FILE has not come to its end.\n"
    "\n"
    "Options: --why runs nothing, and tells of each task; others, such as -n,\n"
    "are put behind those of that time (runs of hayfork run only).  Programs\n"
    "of the library are started in one process, whatever it was then.\n";

static const char submit[] =
    "usage: hayfork submit [OPTION ...] FILE [OPTION OF RUN ...]\n"
    "                      [-- OPTION OF sbatch OR qsub ...]\n"
    "\n"
    "Puts the run of a task file into the batch system that is there (Slurm,\n"
    "Grid Engine, PBS) and prints the job's id.  Before the time limit no\n"
    "task is started that cannot end in time, and the job puts itself back\n"
    "into the queue until every task is done.  The file is checked first.\n"
    "Works on a login node without MPI.\n"
    "\n"
    "Options:\n"
    "  -N, --nodes=N         nodes (1)\n"
    "  -t, --time=T          limit of the job: minutes, or 2:00:00, 90m, 2h\n"
    "  -q, --queue=NAME, --partition=NAME\n"
    "  --account=NAME\n"
    "  --cpus=N --gpus=N     of each node (what the system gives)\n"
    "  --pe=NAME             Grid Engine's parallel environment\n"
    "  --system=NAME         slurm, gridengine, pbs; local: in the background\n"
    "                        on this machine, started again every --time\n"
    "  --grow=MAX            while much work waits, up to MAX further jobs of "
    "a\n"
    "                        node join the run as workers (help grow); they "
    "get\n"
    "                        the options above, but --nodes\n"
    "  --backlog=T --idle-timeout=T   see help grow\n"
    "  --dry-run             print the commands and the script instead\n"
    "\n"
    "The job's output is RUN FOLDER/job-ID.out.\n";

static const char status[] =
    "usage: hayfork status [RUN]\n"
    "\n"
    "Tells how many tasks of a run have ended, which process runs on it "
    "(host,\n"
    "pid, since when) or did last, and what the batch system says\n"
    "of its job and of those of its workers.  RUN is a run folder, or its name "
    "in hayfork-runs; default:\n"
    "hayfork-runs/latest.\n";

static const char cancel[] =
    "usage: hayfork cancel [RUN]\n"
    "\n"
    "Ends the job of a run that was submitted by hayfork submit, and the jobs\n"
    "of workers that were submitted for it (hayfork grow).  RUN is a run\n"
    "folder, or its name in hayfork-runs; default: hayfork-runs/latest.\n";

static const char worker[] =
    "usage: hayfork worker --join=RUN [OPTION ...]\n"
    "\n"
    "Joins a run that was started by hayfork run --listen, on this host or on\n"
    "another one that sees its run folder (RUN is its path, or its name in\n"
    "hayfork-runs), and takes commands until the run ends.  What it needs is "
    "in\n"
    "RUN/join, a secret: only the user who started the run can read it.  All\n"
    "goes encrypted over TCP (ZeroMQ with CURVE) to rank 0, and large values "
    "also\n"
    "to the other ranks: their hosts must be within reach.\n"
    "\n"
    "It leaves in order at Ctrl-C or a signal (SIGTERM, SIGHUP; SIGUSR1 and\n"
    "SIGUSR2 where the end of its job is not known): what runs ends, nothing "
    "new\n"
    "begins, what only it has is brought elsewhere.  A second signal ends it "
    "at\n"
    "once: it is lost for the run, and its commands run again elsewhere.\n"
    "\n"
    "  --idle-timeout=T      leave when there is nothing to do for so long\n"
    "  --time-left=T         until its job ends; what is known to take longer "
    "does\n"
    "                        not start here, and it leaves a margin before (a\n"
    "                        tenth, 5 to 60 s; default: HAYFORK_DEADLINE, "
    "Slurm)\n"
    "  --hay-slots=N         cores that it offers (as the run says, or all)\n"
    "\n"
    "Exit status: 0 the run has ended, or it left; 2 wrong use; 3 nobody "
    "answers, it\n"
    "was refused, the run was lost, or its time was over before its tasks "
    "were.\n";

static const char grow[] =
    "usage: hayfork grow --max=N [OPTION ...] [RUN]\n"
    "                    [-- OPTION OF sbatch OR qsub ...]\n"
    "\n"
    "Submits jobs of one node that join a run as workers (hayfork worker), as\n"
    "long as its work would take longer than --backlog: as many as bring that\n"
    "down, but not more than there are tasks for.  Jobs that still wait in "
    "the\n"
    "queue when nothing has been ready for some seconds are cancelled; "
    "workers\n"
    "leave when they have had nothing to do for --idle-timeout.  Ends with "
    "the\n"
    "run, or by Ctrl-C, and cancels what waits then; the others go on.\n"
    "\n"
    "The run must listen (hayfork run --listen).  hayfork run --grow=MAX and\n"
    "hayfork submit --grow=MAX do the same from inside of the run; where a "
    "job\n"
    "may not submit others, that is said once, and hayfork grow on the login\n"
    "node does it.  One at a time for a run.  RUN is a run folder, or its "
    "name\n"
    "in hayfork-runs; default: hayfork-runs/latest.  A job that ends early\n"
    "while work waits, or is refused, is followed by a pause: 30 s, then "
    "twice\n"
    "as long each time.  The jobs are listed in RUN/job.workers.\n"
    "\n"
    "Options:\n"
    "  --max=N               jobs in the queue or running, together\n"
    "  --backlog=T           so much work may wait without another job (30s)\n"
    "  --idle-timeout=T      (60s)\n"
    "  --time=T --queue=NAME --partition=NAME --account=NAME --cpus=N "
    "--gpus=N\n"
    "  --pe=NAME --system=NAME   as of hayfork submit\n"
    "  --quiet               tell only what goes wrong\n"
    "  --dry-run             print the command of a job instead\n"
    "\n"
    "Exit status: 0 the run has ended; 2 wrong use; 3 another hayfork grow is\n"
    "there; 130 interrupted.\n";

static const char doctor[] =
    "usage: hayfork doctor [OPTION ...]\n"
    "\n"
    "Looks at what a farm needs, in a batch job or on a workstation: starts\n"
    "one as hayfork run would, and lets each worker look at its cores and\n"
    "whether it can be pinned to them, memory, limits, kernel, disks, the "
    "shared\n"
    "folder, its clock and its environment.  Each finding is ok, a note, a\n"
    "warning or a FAIL, with the way to mend it.  What is well is told for "
    "the\n"
    "first worker only.\n"
    "\n"
    "Exit status: 0 all well (notes aside); 1 warnings; 2 wrong use; 3 "
    "something\n"
    "is there that no farm can live with, or the farm did not start.\n"
    "\n" PLACES;

static const char *whole_run(void)
{
    static char text[sizeof run + sizeof run_lists + sizeof run_file];
    snprintf(text, sizeof text, "%s%s%s", run, run_lists, run_file);
    return text;
}

const char *help_text(const char *word)
{
    const struct {
        const char *word;
        const char *text;
    } texts[] = {
        {"run", whole_run()},
        {"replay", replay},
        {"launch", launch},
        {"output", output},
        {"resume", resume},
        {"submit", submit},
        {"status", status},
        {"cancel", cancel},
        {"doctor", doctor},
        {"worker", worker},
        {"grow", grow},
    };
    if (word == NULL) {
        return general;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(word, texts[i].word) == 0) {
            return texts[i].text;
        }
    }
    return NULL;
}
