/* cmd_cancel.c - hayfork cancel [RUN]: ends the job of a run. */
#include "config.h"

#include "batch.h"
#include "one_run.h"
#include "runfolder.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

static hay_status cancel(const char *run, struct fault *fault)
{
    struct text folder = TEXT_INIT;
    struct text words = TEXT_INIT;
    struct batch_record record;
    hay_status status = runfolder_find(run, &folder, fault);
    if (status == HAY_OK) {
        status = batch_read(folder.data, &record, fault);
        if (status == HAY_EEMPTY) {
            status = fault_set(fault,
                               HAY_EINVAL,
                               "no job was submitted for %.500s; Ctrl-C ends "
                               "a run in a terminal",
                               folder.data);
        }
    }
    if (status == HAY_OK && batch_look(&record, &words) == BATCH_GONE) {
        status = fault_set(fault,
                           HAY_EINVAL,
                           "job %s (%s) of %.500s has ended already",
                           record.id,
                           batch_name(record.system),
                           folder.data);
    }
    if (status == HAY_OK) {
        status = batch_cancel(&record, fault);
    }
    if (status == HAY_OK) {
        printf("job %s (%s) is cancelled; hayfork resume %s goes on with the "
               "run\n",
               record.id,
               batch_name(record.system),
               folder.data);
    }
    text_fini(&words);
    text_fini(&folder);
    return status;
}

int cmd_cancel(int argc, char **argv)
{
    return one_run(argc, argv, cancel);
}
