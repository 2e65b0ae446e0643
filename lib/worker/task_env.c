/* task_env.c - see task_env.h. */
#include "config.h"

#include "worker/task_env.h"

#include "wire/request.h"
#include "worker/node_gpus.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 400, LIST = 8192 };

/* ---- lists --------------------------------------------------------------- */

/* "0,2,5" */
static size_t
print_numbers(const int *numbers, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < count && used + 13 < size; i++) {
        used += (size_t)snprintf(
            text + used, size - used, "%s%d", i > 0 ? "," : "", numbers[i]);
    }
    return used;
}

uint32_t hayi_task_gpu_list(const struct hay_task *task, uint32_t *list)
{
    const struct hayi_node_gpus *gpus = task->farm->gpus;
    uint32_t count = 0;
    for (uint32_t i = 0; gpus != NULL && i < gpus->count; i++) {
        if ((task->record.gpu_mask >> i & 1) != 0) {
            list[count++] = i;
        }
    }
    return count;
}

uint32_t hayi_task_gpu_numbers(const struct hay_task *task, int32_t *numbers)
{
    uint32_t list[HAYI_GPUS_MAX];
    if (task->farm->gpus == NULL) {
        for (uint32_t i = 0; i < task->gpu_count; i++) {
            numbers[i] = task->gpu_numbers[i];
        }
        return task->gpu_count;
    }
    uint32_t count = hayi_task_gpu_list(task, list);
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = task->farm->gpus->list[list[i]].number;
    }
    return count;
}

/* Their names for one of the runtimes. */
static void
print_gpus(const struct hay_task *task, bool rocr, char *text, size_t size)
{
    uint32_t list[HAYI_GPUS_MAX];
    uint32_t count = hayi_task_gpu_list(task, list);
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < count && used + HAYI_GPU_NAME_MAX + 2 < size;
         i++) {
        const struct hayi_gpu *gpu = &task->farm->gpus->list[list[i]];
        used += (size_t)snprintf(text + used,
                                 size - used,
                                 "%s%s",
                                 i > 0 ? "," : "",
                                 rocr ? gpu->rocr : gpu->name);
    }
}

/* ---- variables ----------------------------------------------------------- */

static hay_status put(struct hayi_buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static hay_status put(struct hayi_buffer *out, const char *format, ...)
{
    char text[LIST + LINE];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    if (length < 0 || (size_t)length >= sizeof(text)) {
        length = (int)strlen(text); /* it was cut */
    }
    return hayi_buffer_append(out, text, (size_t)length + 1);
}

static hay_status put_gpus(const struct hay_task *task, struct hayi_buffer *out)
{
    char text[LIST];
    if (!task->farm->deals_gpus) {
        return HAY_OK; /* whatever there is, is not ours */
    }
    print_gpus(task, true, text, sizeof(text));
    hay_status status = put(out, "ROCR_VISIBLE_DEVICES=%s", text);
    print_gpus(task, false, text, sizeof(text));
    if (status == HAY_OK) {
        status = put(out, "CUDA_VISIBLE_DEVICES=%s", text);
    }
    if (status == HAY_OK && task->farm->gpus->has_ordinal) {
        status = put(out, "GPU_DEVICE_ORDINAL=%s", text);
    }
    if (status == HAY_OK && task->farm->gpus->by_index) {
        status = put(out, "CUDA_DEVICE_ORDER=PCI_BUS_ID");
    }
    if (status == HAY_OK) {
        status = put(out, "HAY_TASK_GPUS=%s", text);
    }
    return status;
}

/* HAY_RES_LICENCES=2; what cannot be in a name is '_'. */
static hay_status put_amount(const struct hayi_named *named,
                             struct hayi_buffer *out)
{
    char name[HAYI_RESOURCE_NAME_MAX + 1];
    char amount[40];
    size_t i = 0;
    for (; i < named->size && i < HAYI_RESOURCE_NAME_MAX; i++) {
        char c = named->name[i];
        if (c >= 'a' && c <= 'z') {
            c = (char)(c - 'a' + 'A');
        }
        bool good = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name[i] = good ? c : '_';
    }
    name[i] = 0;
    hayi_amount_print(named->units, amount, sizeof(amount));
    return put(out, "HAY_RES_%s=%s", name, amount);
}

static hay_status put_got(const struct hay_task *task, struct hayi_buffer *out)
{
    struct hayi_named list[HAYI_WISH_AMOUNTS_MAX + 1];
    size_t count = 0;
    hay_status status = HAY_OK;
    (void)hayi_named_parse(
        task->got, true, list, HAYI_WISH_AMOUNTS_MAX + 1, &count, NULL);
    for (size_t i = 0; i < count && status == HAY_OK; i++) {
        status = put_amount(&list[i], out);
    }
    return status;
}

static hay_status put_given(const struct hay_task *task,
                            struct hayi_buffer *out)
{
    const struct hayi_task_record *record = &task->record;
    hay_status status = put(out, "HAY_TASK_VARIANT=%u", record->variant);
    if (status == HAY_OK && record->memory_bytes > 0) {
        status = put(out, "HAY_TASK_MEMORY=%" PRIu64, record->memory_bytes);
    }
    if (status == HAY_OK) {
        status = put_gpus(task, out);
    }
    return status == HAY_OK && task->got[0] != 0 ? put_got(task, out) : status;
}

hay_status hayi_task_env(const struct hay_task *task, struct hayi_buffer *out)
{
    const struct hayi_task_record *record = &task->record;
    char cpus[LIST];
    hay_status status = put(out, "HAY_TASK_ID=%" PRIu64, record->id);
    if (status == HAY_OK) {
        status = put(out, "HAY_TASK_NAME=%s", task->name);
    }
    if (status == HAY_OK) {
        status = put(out, "HAY_TASK_ATTEMPT=%" PRIu32, record->attempt);
    }
    if (status == HAY_OK) {
        status = put(out, "HAY_TASK_CORES=%" PRIu32, record->cores);
    }
    if (status == HAY_OK) {
        status = put(out, "OMP_NUM_THREADS=%" PRIu32, record->cores);
    }
    (void)print_numbers(task->cpus, task->cpu_count, cpus, sizeof(cpus));
    if (status == HAY_OK) {
        status = put(out, "HAY_TASK_CPUS=%s", cpus);
    }
    if (status == HAY_OK) {
        status = put(out, "HAY_TASK_SLOT=%" PRIu32, task->core);
    }
    return status == HAY_OK ? put_given(task, out) : status;
}

hay_status hayi_task_env_given(const struct hay_task *task,
                               struct hayi_buffer *out)
{
    bool any = task->farm->deals_gpus || task->got[0] != 0
               || task->record.memory_bytes > 0 || task->record.variant > 0;
    return any ? put_given(task, out) : HAY_OK;
}

/* ---- the record ---------------------------------------------------------- */

size_t hayi_task_had(const struct hay_task *task, char *text, size_t size)
{
    char cpus[LIST];
    char gpus[LIST];
    (void)print_numbers(task->cpus, task->cpu_count, cpus, sizeof(cpus));
    print_gpus(task, false, gpus, sizeof(gpus));
    int length = snprintf(text,
                          size,
                          "%s\t%s\t%" PRIu64 "\t%s",
                          cpus,
                          gpus,
                          task->record.memory_bytes,
                          task->got);
    return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}
