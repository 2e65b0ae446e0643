/* sample.c - see sample.h. */
#include "config.h"

#include "sample.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

void sample_note(struct sample *sample)
{
    CU_ASSERT_FATAL(sample->end_count < SAMPLE_ENDS_MAX);
    sample->ends[sample->end_count++] = sample->log.size;
}

static void add_run(struct sample *sample, uint32_t epoch, uint64_t wall_ns)
{
    const struct hayi_journal_run run = {
        .epoch = epoch,
        .pid = 4711,
        .wall_ns = wall_ns,
        .version = "0.1.0",
        .host = "node7",
        .job = epoch == 2 ? "slurm 12" : "",
        .cwd = "/data",
        .args = "hayfork\0run\0tasks.hay",
        .args_size = sizeof("hayfork\0run\0tasks.hay"),
    };
    CU_ASSERT_EQUAL(hayi_journal_put_run(&sample->log, sample->log.size, &run),
                    HAY_OK);
    sample_note(sample);
}

void sample_add_task(struct sample *sample, hay_task_id id, const char *name)
{
    struct hayi_journal_task task = {
        .id = id,
        .kind = 2,
        .cores = 1,
        .name = name,
        .category = id % 3 == 0 ? "fit" : "",
        .key = {id, 2, 3, 4},
    };
    CU_ASSERT_EQUAL(
        hayi_journal_put_task(&sample->log, sample->log.size, &task), HAY_OK);
    sample_note(sample);
}

void sample_add_end(struct sample *sample, hay_task_id id, const char *state)
{
    const unsigned char value[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    bool finished = strcmp(state, "finished") == 0;
    const struct hayi_journal_result result = {
        .task = id, .value = value, .size = id % 32};
    struct hayi_attempt_line line = {
        .task = id,
        .attempt = 1,
        .state = state,
        .worker = 3,
        .slot = 1,
        .cores = 2,
        .start_ns = id * 1000,
        .end_ns = id * 3000,
        .exit_code = finished ? 0 : 3,
        .reason = finished ? "" : "exit status 3",
        .cause = finished ? "" : "status",
        .memory_peak_bytes = 5000,
        .had = "0-1\t\t\t",
    };
    if (id > 100) {
        const struct hayi_file_line file = {
            .task = id, .out = true, .path = "out.dat", .bytes = 77};
        line.path[0] = "output/w3.s1.0.out";
        line.offset[0] = 10;
        line.length[0] = 20;
        CU_ASSERT_EQUAL(
            hayi_journal_put_file(&sample->log, sample->log.size, &file),
            HAY_OK);
        sample_note(sample);
    }
    if (finished) {
        CU_ASSERT_EQUAL(
            hayi_journal_put_result(&sample->log, sample->log.size, &result),
            HAY_OK);
        sample_note(sample);
    }
    CU_ASSERT_EQUAL(
        hayi_journal_put_attempt(&sample->log, sample->log.size, &line),
        HAY_OK);
    sample_note(sample);
}

static void add_state(struct sample *sample, uint32_t epoch)
{
    const struct hayi_journal_state state = {.epoch = epoch,
                                             .state = HAYI_JOURNAL_ENDED,
                                             .wall_ns = 9,
                                             .finished = 7,
                                             .text = ""};
    CU_ASSERT_EQUAL(
        hayi_journal_put_state(&sample->log, sample->log.size, &state), HAY_OK);
    sample_note(sample);
}

void sample_init(struct sample *sample)
{
    char name[16];
    memset(sample, 0, sizeof(*sample));
    hayi_buffer_init(&sample->log);
    CU_ASSERT_EQUAL(hayi_journal_put_head(&sample->log), HAY_OK);
    sample_note(sample);
    add_run(sample, 1, 1000000000);
    for (hay_task_id id = 1; id <= SAMPLE_TASKS; id++) {
        (void)snprintf(name, sizeof(name), "t%d", (int)id);
        sample_add_task(sample, id, id % 2 == 1 ? name : "");
    }
    for (hay_task_id id = 1; id <= 6; id++) {
        sample_add_end(sample, id, "finished");
    }
    sample_add_end(sample, 7, "failed");
    add_run(sample, 2, 5000000000);
    sample_add_task(sample, 101, "t7");
    sample_add_end(sample, 101, "finished");
    add_state(sample, 2);
}

void sample_fini(struct sample *sample)
{
    hayi_buffer_fini(&sample->log);
}

bool sample_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    bool done = file != NULL && fwrite(data, 1, size, file) == size;
    return file != NULL && fclose(file) == 0 && done;
}
