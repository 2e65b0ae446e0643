/* data_bed.h - one attempt whose arguments are objects, boxes of arrays and
 * blocks to compute, with a real store and real files.
 *
 * Owns: the store, the open files, the attempt, its scratch.
 * Never: fakes what lib/data does.
 * Threads: one.
 */
#ifndef HAYI_TESTS_DATA_BED_H
#define HAYI_TESTS_DATA_BED_H

#include "data/region.h"
#include "worker/inputs.h"
#include "worker/task.h"

#include "support/unit.h"

enum { DATA_LIMIT = 64 << 20 };

struct data_bed {
    struct hayi_store *store;
    struct hayi_files *files;
    struct hayi_task_farm farm;
    struct hayi_scratch scratch;
    struct hayi_buffer args;
    uint32_t arg_count;
    struct hay_task *task;
};
extern struct data_bed bed;

int data_setup_suite(void);
/* A store that may hold so many bytes and has this spill folder. */
void data_open(uint64_t limit_bytes, const char *spill_folder);
/* Fixture: a store of DATA_LIMIT bytes.  The teardown checks that nothing is
 * left in it but what data_keep() was told of. */
void data_setup(void);
void data_teardown(void);

/* An object of the store with these bytes. */
hayi_place data_put(const void *bytes, size_t size);
uint64_t data_objects(void); /* how many there are */
/* The bytes of an object, copied. */
void data_get(hayi_place place, void *bytes, size_t size);

/* Arguments, one after the other, into bed.args; or into an open list. */
void data_double(double number);
void data_bytes(const void *bytes, size_t size);
void data_string(const char *text);
void data_none(void);
void data_object(hay_type type, uint64_t handle, hayi_place place, size_t size);
void data_object_array(hay_dtype dtype,
                       uint32_t ndim,
                       const uint64_t *shape,
                       uint64_t handle,
                       hayi_place place);
/* A list of one of these kinds, until data_close(). */
size_t data_begin(int kind);
void data_end(size_t list);
/* What has been appended since the last call is so many arguments. */
void data_count(uint32_t arguments);

/* Run a task with what was appended. */
void data_run(hay_task_fn function);
/* Its outcome and words are these. */
void data_expect(uint8_t outcome, const char *words);
/* Its result. */
struct hayi_value data_result(void);

#endif
