/* nested_support.c - see nested_support.h. */
#include "config.h"

#include "nested_support.h"

#include <stdio.h>

hay_executor *open_farm(uint32_t slots, uint32_t suspended_max)
{
    hay_options options = HAY_OPTIONS_INIT;
    hay_executor *ex = NULL;
    options.slots = slots;
    options.suspended_max = suspended_max;
    options.seed = 11;
    options.quiet = true;
    if (hay_open_local(&options, &ex) != HAY_OK) {
        (void)printf("# cannot open: %s\n", hay_error_text());
    }
    return ex;
}

void close_farm(hay_executor *ex)
{
    (void)hay_shutdown(ex, true, false);
    hay_executor_free(ex);
}

int64_t call(hay_executor *ex,
             hay_task_fn fn,
             int64_t n,
             const hay_task_options *options)
{
    hay_future *future = NULL;
    int64_t value = INT64_MIN;
    if (hay_submit(ex, fn, HAY_ARGS(hay_int64(n)), options, &future) != HAY_OK
        || hay_result_int64(future, 60 * second_ns, &value) != HAY_OK) {
        (void)printf("# %s\n", hay_error_text());
    }
    hay_future_release(future);
    return value;
}

int64_t call_on(uint32_t slots, hay_task_fn fn, int64_t n)
{
    hay_executor *ex = open_farm(slots, 0);
    int64_t value = call(ex, fn, n, NULL);
    close_farm(ex);
    return value;
}
