/* cmd_status.c - hayfork status [RUN]: how far a run is, and what its job does.
 *
 * tasks.tsv tells of the tasks that have ended, journal and lock of who runs on
 * it, RUN FOLDER/job of the jobs.
 */
#include "config.h"

#include "batch.h"
#include "one_run.h"
#include "runfolder.h"
#include "table.h"
#include "units.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define COLUMN_TASK  0
#define COLUMN_STATE 3
#define COLUMNS_MIN  4
#define TASKS_MAX    ((uint64_t)1 << 40)

/* How the last attempt of each task ended. */
enum end { END_NONE = 0, END_FINISHED, END_FAILED, END_CANCELLED, END_LOST };

struct counts {
    unsigned char *last; /* enum end, by task */
    size_t room;
    uint64_t number[END_LOST + 1];
};

static enum end end_of(const char *word)
{
    static const char *const words[] = {
        "", "finished", "failed", "cancelled", "lost"};
    for (size_t i = END_FINISHED; i <= END_LOST; i++) {
        if (strcmp(word, words[i]) == 0) {
            return (enum end)i;
        }
    }
    return END_NONE;
}

static void count_row(void *context, char **columns, size_t count)
{
    struct counts *counts = context;
    uint64_t task;
    enum end end = end_of(columns[COLUMN_STATE]);
    (void)count;
    if (!units_uint(columns[COLUMN_TASK], TASKS_MAX, &task)
        || end == END_NONE) {
        return;
    }
    if (task >= counts->room) {
        size_t room = (size_t)task + 1 + counts->room;
        counts->last = mem_resize(counts->last, room, 1);
        memset(counts->last + counts->room, END_NONE, room - counts->room);
        counts->room = room;
    }
    counts->number[counts->last[task]]--;
    counts->number[end]++;
    counts->last[task] = (unsigned char)end;
}

static void print_counts(const struct counts *counts)
{
    const uint64_t *number = counts->number;
    printf("tasks ended: %" PRIu64 " finished, %" PRIu64 " failed, %" PRIu64
           " cancelled\n",
           number[END_FINISHED],
           number[END_FAILED],
           number[END_CANCELLED]);
    if (number[END_LOST] > 0) {
        printf("tasks whose last attempt was lost: %" PRIu64 "\n",
               number[END_LOST]);
    }
}

static void print_when(const char *folder)
{
    struct text path = TEXT_INIT;
    struct stat st;
    char text[64];
    text_format(&path, "%s/tasks.tsv", folder);
    if (stat(path.data, &st) == 0) {
        time_t ago = time(NULL) - st.st_mtime;
        printf("last news: %s ago\n",
               units_show_time((uint64_t)(ago > 0 ? ago : 0) * NS_PER_S,
                               text,
                               sizeof text));
    }
    text_fini(&path);
}

/* Who has the run folder, or had it last. */
static hay_status print_owner(const char *folder, struct fault *fault)
{
    hay_run_info info = {.size = sizeof info};
    char since[64] = "?";
    struct tm when;
    hay_status status = hay_run_look(folder, &info);
    if (status != HAY_OK) {
        return fault_library(fault, status);
    }
    time_t seconds = (time_t)info.since_s;
    if (localtime_r(&seconds, &when) != NULL) {
        (void)strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", &when);
    }
    if (info.running) {
        printf("runs: hayfork (pid %" PRId32 " on %s) since %s\n",
               info.pid,
               info.host,
               since);
    } else if (info.recorded) {
        printf("does not run: %s; start %" PRIu32 " was pid %" PRId32
               " on %s, %s\n",
               info.ended ? "it has ended"
                          : "there is more to do, or it was killed (hayfork "
                            "resume goes on)",
               info.starts,
               info.pid,
               info.host,
               since);
    }
    hay_run_info_fini(&info);
    return HAY_OK;
}

static void print_job(const struct batch_record *record)
{
    static const char *const states[] = {
        "the batch system does not answer",
        "it has ended",
        "waits in the queue",
        "runs",
    };
    struct text words = TEXT_INIT;
    enum batch_state state = batch_look(record, &words);
    printf("job %s (%s): %s",
           record->id,
           batch_name(record->system),
           states[state]);
    if (words.length > 0) {
        printf(": %s", words.data);
    }
    putchar('\n');
    text_fini(&words);
}

/* Those of RUN FOLDER/job.workers, if there are any. */
static hay_status print_workers(const char *folder, struct fault *fault)
{
    struct batch_record *list;
    size_t count;
    unsigned number[BATCH_RUNNING + 1] = {0};
    hay_status status =
        batch_read_all(folder, RUNFOLDER_WORKERS, &list, &count, fault);
    if (status == HAY_OK && count > 0) {
        enum batch_state *states = mem_alloc(count, sizeof *states);
        batch_look_all(list, count, states);
        for (size_t i = 0; i < count; i++) {
            number[states[i]]++;
        }
        free(states);
        printf("worker jobs: %u run, %u wait in the queue, %u have ended",
               number[BATCH_RUNNING],
               number[BATCH_WAITING],
               number[BATCH_GONE]);
        if (number[BATCH_UNKNOWN] > 0) {
            printf(", of %u the batch system does not answer",
                   number[BATCH_UNKNOWN]);
        }
        putchar('\n');
    }
    free(list);
    return status;
}

static hay_status tell(const char *run, struct fault *fault)
{
    struct text folder = TEXT_INIT;
    struct counts counts = {.last = NULL};
    struct batch_record record;
    struct fault none;
    hay_status status = runfolder_find(run, &folder, fault);
    if (status == HAY_OK) {
        printf("run %s\n", folder.data);
        if (table_read(folder.data,
                       "tasks.tsv",
                       COLUMNS_MIN,
                       count_row,
                       &counts,
                       &none)
            == HAY_OK) {
            print_counts(&counts);
            print_when(folder.data);
        } else {
            puts("nothing has been started yet");
        }
        status = print_owner(folder.data, fault);
        hay_status job =
            status == HAY_OK ? batch_read(folder.data, &record, fault) : status;
        if (job == HAY_OK) {
            print_job(&record);
        }
        status = job == HAY_EEMPTY ? HAY_OK : job;
        if (status == HAY_OK) {
            status = print_workers(folder.data, fault);
        }
    }
    free(counts.last);
    text_fini(&folder);
    return status;
}

int cmd_status(int argc, char **argv)
{
    return one_run(argc, argv, tell);
}
