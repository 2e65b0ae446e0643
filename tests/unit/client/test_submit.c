/* test_submit.c - submits: what is refused, what arrives, room, stream keys. */
#include "config.h"

#include "fake_manager.h"
#include "support/unit.h"
#include "wire/args.h"
#include "worker/registry.h"

#include <stdlib.h>
#include <string.h>

HAY_TASK(work)
{
    return HAY_OK;
}

static hay_status stranger(hay_task *task)
{
    (void)task;
    return HAY_OK;
}

static struct fake fake;

static void setup(void)
{
    fake_open(&fake, NULL, false);
}

static void teardown(void)
{
    fake_close(&fake);
}

static hay_status try_options(const hay_task_options *options)
{
    return hay_submit(fake.ex, work, HAY_NO_ARGS, options, NULL);
}

static void a_task_arrives_as_it_was_submitted(void)
{
    hay_future *a = NULL;
    hay_future *b = NULL;
    hay_future *c = NULL;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    CU_ASSERT_EQUAL(hay_submit_fake(fake.ex, 77, 3, NULL, &a), HAY_OK);
    CU_ASSERT_EQUAL(hay_submit_fake(fake.ex, 0, 0, NULL, &b), HAY_OK);
    options.name = "fit";
    options.category = "fits";
    options.cores = 2;
    options.gpus = 1;
    options.memory_bytes = 1000;
    options.priority = -5;
    options.retries = 4;
    options.worker = 1;
    options.after = &b;
    options.after_count = 1;
    options.after_any = &a;
    options.after_any_count = 1;
    CU_ASSERT_EQUAL(
        hay_submit(fake.ex,
                   work,
                   HAY_ARGS(hay_double(5), hay_ref(a), hay_string("x")),
                   &options,
                   &c),
        HAY_OK);
    const struct hayi_spec *spec = c->spec;
    CU_ASSERT_EQUAL(spec->kind, HAYI_TASK_FUNCTION);
    CU_ASSERT_EQUAL(spec->function, hayi_registry_find(work));
    CU_ASSERT_STRING_EQUAL(hayi_spec_name(spec), "fit");
    CU_ASSERT_STRING_EQUAL(hayi_spec_category(spec), "fits");
    CU_ASSERT(spec->needs.cores == 2 && spec->needs.gpus == 1);
    CU_ASSERT(spec->needs.memory_bytes == 1000 && spec->needs.worker == 1);
    CU_ASSERT(spec->priority == -5 && spec->retries == 4);
    CU_ASSERT_EQUAL(spec->dep_count, 3);
    CU_ASSERT_EQUAL(spec->arg_dep_count, 1);
    CU_ASSERT_EQUAL(spec->any_count, 1);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(spec)[0], a);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(spec)[1], b);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(spec)[2], a);
    CU_ASSERT_EQUAL(hayi_args_count(hayi_spec_args(spec)), 3);
    CU_ASSERT_TRUE(hayi_args_has_refs(hayi_spec_args(spec), spec->args_size));
    CU_ASSERT_EQUAL(a->spec->kind, HAYI_TASK_FAKE);
    CU_ASSERT(a->spec->index == 77 && a->spec->fake_exit == 3);
    CU_ASSERT_EQUAL(a->spec->needs.cores, 1);
    CU_ASSERT_EQUAL(c->id, 3);
    CU_ASSERT_EQUAL(atomic_load(&fake.ex->unfinished), 3);
    hay_future_release(a);
    hay_future_release(b);
    hay_future_release(c);
}

static void commands_arrive_packed(void)
{
    hay_command command = HAY_COMMAND_INIT;
    hay_future *f = NULL;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, NULL, &f),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, NULL, NULL, &f), HAY_EINVAL);
    command.line = "true";
    command.has_index = true;
    command.index = 9;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, NULL, &f), HAY_OK);
    CU_ASSERT_EQUAL(f->spec->kind, HAYI_TASK_COMMAND);
    CU_ASSERT(f->spec->has_index && f->spec->index == 9);
    CU_ASSERT_EQUAL(f->spec->args_size, 32 + 5);
    command.size--;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, NULL, NULL),
                    HAY_EINVAL);
    hay_future_release(f);
}

static void nobody_need_want_the_future(void)
{
    CU_ASSERT_EQUAL(try_options(NULL), HAY_OK);
    CU_ASSERT_EQUAL(fake.held_count, 1);
    CU_ASSERT_EQUAL(atomic_load(&fake.held[0]->refs), 1);
    fake_finish(&fake, fake.held[0]);
}

static void a_queued_task_is_small(void)
{
    CU_ASSERT(sizeof(hay_future) + sizeof(struct hayi_spec) + 8 <= 176);
}

static void unregistered_functions_are_refused(void)
{
    hay_future *f = NULL;
    CU_ASSERT_EQUAL(hay_submit(fake.ex, stranger, HAY_NO_ARGS, NULL, &f),
                    HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "not registered"));
    CU_ASSERT_PTR_NULL(f);
    CU_ASSERT_EQUAL(hay_submit(NULL, work, HAY_NO_ARGS, NULL, &f), HAY_EINVAL);
}

static void wrong_options_are_refused(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *none = NULL;
    char name[2000];
    options.size = 8;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    hay_task_options_init(&options);
    options.retries = 100000;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    hay_task_options_init(&options);
    options.runner = (hay_runner)17;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    options.runner = HAY_RUNNER_FAKE;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_task_options_check(fake.ex, &options, 0), HAY_EINVAL);
    hay_task_options_init(&options);
    options.memory_retries = 3;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(
        hay_error_text(),
        "tries with more memory need a memory limit to begin with");
    hay_task_options_init(&options);
    options.gpus = UINT32_MAX;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINFEASIBLE);
    CU_ASSERT_STRING_EQUAL(
        hay_error_text(),
        "4294967295 gpus asked for, but a task has at most 64");
    hay_task_options_init(&options);
    options.worker = UINT32_MAX;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINFEASIBLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "worker 4294967295 asked"));
    hay_task_options_init(&options);
    options.after_count = 1;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    options.after = &none;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "after: future 0 is NULL");
    hay_task_options_init(&options);
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = 0;
    options.name = name;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    CU_ASSERT_EQUAL(fake.submits, 0);
    CU_ASSERT_EQUAL(atomic_load(&fake.ex->unfinished), 0);
}

static void options_of_a_newer_program_are_fine_while_0(void)
{
    struct {
        hay_task_options options;
        uint64_t further;
    } newer = {HAY_TASK_OPTIONS_INIT, 0};
    newer.options.size = sizeof(newer);
    CU_ASSERT_EQUAL(try_options(&newer.options), HAY_OK);
    newer.further = 1;
    CU_ASSERT_EQUAL(try_options(&newer.options), HAY_EINVAL);
}

static void what_needs_process_slots_is_told(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_command command = HAY_COMMAND_INIT;
    command.line = "true";
    options.time_limit_ns = 1;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EUNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(hay_error_text(),
                           "process slots (also for functions with a time or "
                           "memory limit) need hay_main(), or hay_prefork() "
                           "first in main()");
    options.runner = HAY_RUNNER_THREAD;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EUNSUPPORTED);
    options.runner = HAY_RUNNER_DEFAULT;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_OK);
    CU_ASSERT_EQUAL(hay_submit_fake(fake.ex, 1, 0, &options, NULL), HAY_OK);
    options.time_limit_ns = 0;
    options.runner = HAY_RUNNER_PROCESS;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EUNSUPPORTED);
    options.runner = HAY_RUNNER_THREAD;
    CU_ASSERT_EQUAL(try_options(&options), HAY_OK);
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_EINVAL);
}

static void limits_that_cannot_be_kept_are_refused(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_command command = HAY_COMMAND_INIT;
    command.line = "true";
    options.memory_limit_bytes = 1 << 20;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EUNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "process slot"));
    CU_ASSERT_EQUAL(hay_submit_fake(fake.ex, 1, 0, &options, NULL),
                    HAY_EUNSUPPORTED);
    options.memory_retries = 17;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_EINVAL);
    options.memory_retries = 1;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_OK);
    options.memory_limit_bytes = 0;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_EINVAL);
    options.memory_retries = 0;
    options.output_limit_bytes = 1; /* its output goes to our own */
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_EUNSUPPORTED);
    CU_ASSERT_EQUAL(try_options(&options), HAY_OK);
    options.grace_ns = UINT64_MAX;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
}

static void what_may_grow_is_put_where_its_limit_fits(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_command command = HAY_COMMAND_INIT;
    command.line = "true";
    options.memory_limit_bytes = UINT64_C(1) << 40;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_OK);
    options.memory_retries = 1;
    CU_ASSERT_EQUAL(hay_submit_command(fake.ex, &command, &options, NULL),
                    HAY_EINFEASIBLE);
}

static void what_no_worker_has_is_infeasible(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.cores = 4;
    CU_ASSERT_EQUAL(try_options(&options), HAY_OK);
    options.cores = 64;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINFEASIBLE);
    CU_ASSERT_STRING_EQUAL(hay_error_text(),
                           "64 cores asked for, but no worker has more than 4");
    CU_ASSERT_EQUAL(hay_task_options_check(fake.ex, &options, 0),
                    HAY_EINFEASIBLE);
    hay_task_options_init(&options);
    options.gpus = 2;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINFEASIBLE);
    hay_task_options_init(&options);
    options.memory_bytes = UINT64_C(1) << 40;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINFEASIBLE);
    CU_ASSERT_EQUAL(hay_task_options_check(fake.ex, NULL, 0), HAY_OK);
    /* While not all have joined, it may yet come. */
    fake.ex->workers_expected = 2;
    CU_ASSERT_EQUAL(try_options(&options), HAY_OK);
    CU_ASSERT_EQUAL(hay_task_options_check(fake.ex, &options, 1000),
                    HAY_ETIMEDOUT);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "1 of 2 workers have joined");
}

static void futures_of_another_executor_are_refused(void)
{
    struct fake other;
    hay_future *f = NULL;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    fake_open(&other, NULL, false);
    CU_ASSERT_EQUAL(hay_submit(other.ex, work, HAY_NO_ARGS, NULL, &f), HAY_OK);
    CU_ASSERT_EQUAL(hay_submit(fake.ex, work, HAY_ARGS(hay_ref(f)), NULL, NULL),
                    HAY_EINVAL);
    options.after = &f;
    options.after_count = 1;
    CU_ASSERT_EQUAL(try_options(&options), HAY_EINVAL);
    CU_ASSERT_EQUAL(atomic_load(&f->refs), 2);
    hay_future_release(f);
    fake_close(&other);
}

static void lists_count_all_their_futures(void)
{
    hay_future *f[3];
    hay_future *sum = NULL;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &f[i]),
                        HAY_OK);
    }
    CU_ASSERT_EQUAL(
        hay_submit(fake.ex, work, HAY_ARGS(hay_refs(f, 3)), NULL, &sum),
        HAY_OK);
    CU_ASSERT_EQUAL(sum->spec->arg_dep_count, 3);
    CU_ASSERT_EQUAL(atomic_load(&f[2]->refs), 3);
    fake_finish(&fake, f[0]);
    fake_finish(&fake, f[1]);
    fake_finish(&fake, f[2]);
    fake_finish(&fake, sum);
    CU_ASSERT_EQUAL(atomic_load(&f[2]->refs), 1);
    for (int i = 0; i < 3; i++) {
        hay_future_release(f[i]);
    }
    hay_future_release(sum);
}

/* ---- room
 * ---------------------------------------------------------------------------
 */

static void try_in_callback(hay_future *future, void *data)
{
    (void)future;
    *(hay_status *)data = try_options(NULL);
}

static void above_pending_max_callbacks_are_told_to_come_again(void)
{
    hay_status st = HAY_OK;
    hay_future *f = NULL;
    fake.ex->pending_max = 2;
    CU_ASSERT_EQUAL(hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &f), HAY_OK);
    CU_ASSERT_EQUAL(try_options(NULL), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_on_done(f, try_in_callback, &st), HAY_OK);
    fake_finish(&fake, f);
    CU_ASSERT_EQUAL(try_options(NULL), HAY_OK); /* room again */
    hay_dispatch(fake.ex);
    CU_ASSERT_EQUAL(st, HAY_EAGAIN);
    hayi_thread_set_no_wait(true);
    CU_ASSERT_EQUAL(try_options(NULL), HAY_EAGAIN);
    hayi_thread_set_no_wait(false);
    CU_ASSERT_EQUAL(atomic_load(&fake.ex->unfinished), 2);
    hay_future_release(f);
}

static void *finish_one(void *data)
{
    hay_executor *ex = fake.ex;
    (void)data;
    while (atomic_load(&ex->submitters) == 0) {
    }
    fake_finish(&fake, fake.held[0]);
    return NULL;
}

static void submits_wait_for_room(void)
{
    pthread_t thread;
    fake.ex->pending_max = 2;
    CU_ASSERT_EQUAL(try_options(NULL), HAY_OK);
    CU_ASSERT_EQUAL(try_options(NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, finish_one, NULL), 0);
    CU_ASSERT_EQUAL(try_options(NULL), HAY_OK);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(fake.submits, 3);
}

static void submits_after_the_end_are_refused(void)
{
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, false), HAY_OK);
    CU_ASSERT_EQUAL(try_options(NULL), HAY_ECLOSED);
    CU_ASSERT_EQUAL(atomic_load(&fake.ex->unfinished), 0);
}

static void submits_to_a_broken_farm_are_refused(void)
{
    const struct hayi_error err = {HAY_EFARM, "worker 3 was lost"};
    hayi_executor_break(fake.ex, &err);
    CU_ASSERT_EQUAL(try_options(NULL), HAY_EFARM);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "worker 3 was lost");
}

/* ---- stream keys
 * ----------------------------------------------------------------------- */

static uint64_t key_of(hay_executor *ex, const char *name)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *f = NULL;
    options.name = name;
    CU_ASSERT_EQUAL_FATAL(hay_submit(ex, work, HAY_NO_ARGS, &options, &f),
                          HAY_OK);
    uint64_t key = f->spec->stream_key;
    hay_future_release(f);
    return key;
}

/* Two executors one after the other, as two runs of a program. */
static void stream_keys_follow_names_and_places(void)
{
    struct fake second;
    fake_open(&second, NULL, false);
    uint64_t first[3];
    for (int i = 0; i < 3; i++) {
        first[i] = key_of(fake.ex, i == 1 ? "fit" : NULL);
    }
    CU_ASSERT_NOT_EQUAL(first[0], first[2]);
    CU_ASSERT_NOT_EQUAL(first[0], first[1]);
    CU_ASSERT_EQUAL(key_of(second.ex, NULL), first[0]);
    CU_ASSERT_NOT_EQUAL(key_of(fake.ex, NULL), first[2]);
    CU_ASSERT_EQUAL(key_of(second.ex, "other") == first[1], false);
    CU_ASSERT_EQUAL(key_of(second.ex, NULL), first[2]);
    CU_ASSERT_EQUAL(key_of(second.ex, "fit"), first[1]);
    fake_close(&second);
}

static void *key_of_a_thread(void *data)
{
    *(uint64_t *)data = key_of(fake.ex, NULL);
    return NULL;
}

static void threads_have_their_own_places(void)
{
    pthread_t thread;
    uint64_t other = 0;
    uint64_t ours = key_of(fake.ex, NULL);
    CU_ASSERT_EQUAL_FATAL(
        pthread_create(&thread, NULL, key_of_a_thread, &other), 0);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_NOT_EQUAL(ours, other);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(a_task_arrives_as_it_was_submitted),
    TEST(commands_arrive_packed),
    TEST(nobody_need_want_the_future),
    TEST(a_queued_task_is_small),
    TEST(unregistered_functions_are_refused),
    TEST(wrong_options_are_refused),
    TEST(options_of_a_newer_program_are_fine_while_0),
    TEST(what_needs_process_slots_is_told),
    TEST(limits_that_cannot_be_kept_are_refused),
    TEST(what_may_grow_is_put_where_its_limit_fits),
    TEST(what_no_worker_has_is_infeasible),
    TEST(futures_of_another_executor_are_refused),
    TEST(lists_count_all_their_futures),
    TEST(above_pending_max_callbacks_are_told_to_come_again),
    TEST(submits_wait_for_room),
    TEST(submits_after_the_end_are_refused),
    TEST(submits_to_a_broken_farm_are_refused),
    TEST(stream_keys_follow_names_and_places),
    TEST(threads_have_their_own_places),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/submit", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
