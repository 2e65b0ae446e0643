/* cmd_cancel.c - hayfork cancel [RUN]: ends the job of a run, and the jobs of
 * its workers. */
#include "config.h"

#include "batch.h"
#include "one_run.h"
#include "runfolder.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HAY_EEMPTY: none is there. */
static hay_status cancel_workers(const char *folder, struct fault *fault)
{
    struct batch_record *list;
    size_t count;
    unsigned cancelled = 0;
    hay_status status =
        batch_read_all(folder, RUNFOLDER_WORKERS, &list, &count, fault);
    enum batch_state *states = mem_alloc(count + 1, sizeof *states);
    batch_look_all(list, count, states);
    for (size_t i = 0; i < count && status == HAY_OK; i++) {
        if (states[i] != BATCH_GONE) {
            status = batch_cancel(&list[i], fault);
            cancelled += status == HAY_OK;
        }
    }
    if (cancelled > 0) {
        printf("%u job%s of workers %s cancelled\n",
               cancelled,
               cancelled == 1 ? "" : "s",
               cancelled == 1 ? "is" : "are");
    } else if (status == HAY_OK) {
        status = HAY_EEMPTY;
    }
    free(states);
    free(list);
    return status;
}

static hay_status cancel_job(const char *folder, struct fault *fault)
{
    struct text words = TEXT_INIT;
    struct batch_record record;
    hay_status status = batch_read(folder, &record, fault);
    if (status == HAY_EEMPTY) {
        status = fault_set(fault,
                           HAY_EINVAL,
                           "no job was submitted for %.500s; Ctrl-C ends a run "
                           "in a terminal",
                           folder);
    }
    if (status == HAY_OK && batch_look(&record, &words) == BATCH_GONE) {
        status = fault_set(fault,
                           HAY_EINVAL,
                           "job %s (%s) of %.500s has ended already",
                           record.id,
                           batch_name(record.system),
                           folder);
    }
    if (status == HAY_OK) {
        status = batch_cancel(&record, fault);
    }
    if (status == HAY_OK) {
        printf("job %s (%s) is cancelled; hayfork resume %s goes on with the "
               "run\n",
               record.id,
               batch_name(record.system),
               folder);
    }
    text_fini(&words);
    return status;
}

static hay_status cancel(const char *run, struct fault *fault)
{
    struct text folder = TEXT_INIT;
    struct fault of_workers;
    hay_status status = runfolder_find(run, &folder, fault);
    if (status == HAY_OK) {
        status = cancel_job(folder.data, fault);
        /* Even where the run itself is not there any more. */
        hay_status workers = cancel_workers(folder.data, &of_workers);
        if (workers == HAY_OK && status == HAY_EINVAL) {
            status = HAY_OK;
        } else if (workers != HAY_OK && workers != HAY_EEMPTY
                   && status == HAY_OK) {
            *fault = of_workers;
            status = workers;
        }
    }
    text_fini(&folder);
    return status;
}

int cmd_cancel(int argc, char **argv)
{
    return one_run(argc, argv, cancel);
}
