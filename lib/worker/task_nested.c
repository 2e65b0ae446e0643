/* task_nested.c - tasks that start tasks: what they submit to, and the result
 * that is another one's. */
#include "config.h"

#include "client/executor.h"
#include "worker/inputs.h"
#include "worker/results.h"
#include "worker/task.h"

hay_executor *hay_task_executor(hay_task *task)
{
    if (task->farm->executor == NULL) {
        (void)hayi_fail(hayi_thread_error(),
                        HAY_EUNSUPPORTED,
                        "this task runs where it cannot submit others");
        return NULL;
    }
    atomic_store_explicit(&task->client, true, memory_order_relaxed);
    return task->farm->executor;
}

static hay_status refuse(struct hay_task *task, const char *what)
{
    (void)hayi_fail(&task->error, HAY_EINVAL, "hay_return_future: %s", what);
    return hayi_task_fail_call(task, HAY_EINVAL);
}

hay_status hay_return_future(hay_task *task, hay_future *future)
{
    if (task->is_range) {
        return refuse(task, "an item of a map returns by its 'out'");
    }
    if (task->record.kind != HAYI_TASK_FUNCTION
        || (task->inputs != NULL && task->inputs->output != NULL)) {
        return refuse(task, "a task of hay_array_map() computes its block");
    }
    if (future == NULL || future->ex != task->farm->executor) {
        return refuse(task,
                      future == NULL ? "the future is NULL"
                                     : "it is of another executor");
    }
    (void)hay_future_retain(future);
    hay_future_release(task->follow);
    task->follow = future;
    return HAY_OK;
}

void hayi_task_drop_follow(struct hay_task *task)
{
    hay_future_release(task->follow);
    task->follow = NULL;
}
