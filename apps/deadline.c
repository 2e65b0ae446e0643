/* deadline.c - see deadline.h.
 *
 * Slurm 22.05 sets no variable for the end of a job; squeue tells it, %e, as
 * Unix seconds by SLURM_TIME_FORMAT=%s.  It is not asked by a rank, which must
 * not fork.
 */
#include "config.h"

#include "deadline.h"

#include "arena.h"
#include "fault.h"
#include "mpirun.h"
#include "units.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define ASK_EVERY_S    60
#define ASK_EARLIEST_S 5
#define FIRST_TRY_S    5 /* for the answer when a run begins */
#define LATER_TRY_S    30

static void set_deadline(uint64_t unix_s)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, unix_s);
    setenv(ENV_DEADLINE, text, 1);
}

void deadline_set_left(uint64_t left_ns)
{
    if (getenv(ENV_STATUS_FILE) == NULL || getenv(ENV_DEADLINE) == NULL) {
        set_deadline((uint64_t)time(NULL) + left_ns / NS_PER_S);
    }
}

/* The job's number; NULL: this is no job of Slurm. */
static const char *slurm_job(void)
{
    const char *id = getenv("SLURM_JOB_ID");
    for (const char *at = id; at != NULL && *at != '\0'; at++) {
        if (!isdigit((unsigned char)*at)) {
            return NULL;
        }
    }
    return id != NULL && id[0] != '\0' ? id : NULL;
}

/* Unix seconds; 0: no answer, or the job has no end. */
static uint64_t ask(const char *job, int patience_s)
{
    char command[128];
    char answer[64] = "";
    uint64_t unix_s = 0;
    snprintf(command,
             sizeof command,
             "SLURM_TIME_FORMAT=%%s timeout %d squeue -h -j %.20s -o %%e "
             "2>/dev/null",
             patience_s,
             job);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) {
        return 0;
    }
    if (fgets(answer, sizeof answer, pipe) == NULL) {
        answer[0] = '\0';
    }
    (void)pclose(pipe);
    answer[strcspn(answer, "\n")] = '\0';
    return units_uint(answer, UINT64_MAX / NS_PER_S / 2, &unix_s) ? unix_s : 0;
}

/* In one piece: it is shorter than what was there, or as long. */
static void put(int fd, uint64_t unix_s)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%" PRIu64 "\n", unix_s);
    ssize_t done = pwrite(fd, text, (size_t)length, 0);
    (void)done;
}

/* A minute, but a few times before an end that is near. */
static unsigned pause_s(uint64_t unix_s)
{
    uint64_t now = (uint64_t)time(NULL);
    uint64_t pause = unix_s > now ? (unix_s - now) / 4 : ASK_EVERY_S;
    pause = pause > ASK_EARLIEST_S ? pause : ASK_EARLIEST_S;
    return pause < ASK_EVERY_S ? (unsigned)pause : ASK_EVERY_S;
}

static _Noreturn void watch(const char *job, int fd, pid_t parent)
{
    prctl(PR_SET_NAME, "hayfork-slurm");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int number = 1; number < NSIG; number++) {
        (void)signal(number, SIG_DFL);
    }
    (void)setpgid(0, 0); /* a terminal's signals are not for it */
    while (getppid() == parent) {
        uint64_t unix_s = ask(job, LATER_TRY_S);
        if (unix_s != 0) {
            put(fd, unix_s);
        }
        sleep(pause_s(unix_s));
    }
    _exit(0);
}

void deadline_watch(const char *path)
{
    const char *job = slurm_job();
    char own[64];
    pid_t parent = getpid();
    if (job == NULL) {
        return;
    }
    if (getenv(ENV_DEADLINE) == NULL) {
        uint64_t unix_s = ask(job, FIRST_TRY_S);
        if (unix_s != 0) {
            set_deadline(unix_s);
        }
    }
    int fd = path == NULL
                 ? memfd_create("hayfork-deadline", MFD_CLOEXEC)
                 : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return; /* the end is then not asked for again */
    }
    snprintf(own, sizeof own, "/proc/%ld/fd/%d", (long)parent, fd);
    setenv(ENV_DEADLINE_FILE, path == NULL ? own : path, 1);
    if (fork() == 0) {
        watch(job, fd, parent);
    }
    if (path != NULL) {
        close(fd);
    }
}
