/* task_data.c - an attempt whose arguments are objects, boxes of arrays, or a
 * block to compute: found, run, written. */
#include "config.h"

#include "worker/task.h"

#include "worker/inputs.h"
#include "worker/output.h"
#include "worker/results.h"

/* Its inputs are open. */
static hay_status run_function(struct hay_task *task)
{
    const struct hayi_output_head *output = task->inputs->output;
    if (output != NULL && output->copy != 0) {
        return hay_return_arg(task, 0);
    }
    if (task->function == NULL || task->function->call == NULL) {
        return hayi_fail(&task->error, HAY_EMISMATCH, "no such function here");
    }
    return task->function->call(task);
}

/* It did not run, or not to the end, and its function is not to blame. */
static void end_by_farm(struct hay_task *task)
{
    hayi_results_drop(task);
    task->result.size = 0;
    task->outcome = HAYI_OUTCOME_FARM;
}

void hayi_task_run_data(struct hay_task *task)
{
    bool farm = false;
    hay_status status = hayi_inputs_open(task);
    if (status == HAY_EEMPTY && task->missing_count > 0) {
        task->error.text[0] = 0;
        return;
    }
    if (status != HAY_OK) {
        if (status == HAY_ETYPE || status == HAY_EMISMATCH
            || status == HAY_EINVAL) {
            hayi_task_conclude(task, status);
        } else {
            end_by_farm(task);
        }
        return;
    }
    status = run_function(task);
    if (status == HAY_OK && !task->store_failed && !task->too_large
        && task->inputs->output != NULL) {
        status = hayi_output_write(task, &farm);
    }
    if (status != HAY_OK && farm) {
        end_by_farm(task);
    } else {
        hayi_task_conclude(task, status);
    }
    hayi_inputs_close(task);
}
