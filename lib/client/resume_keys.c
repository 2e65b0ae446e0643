/* resume_keys.c - the keys of tasks; see resume.h.
 *
 * XXH64, which every build has, of bytes as they are submitted: keys lie in
 * files, and the same task must have the same ones next year.  What only says
 * how a task is run (cores, limits, retries, priority) is no part of them.
 */
#include "config.h"

#include "client/resume.h"

#include "base/hash.h"
#include "base/philox.h"
#include "client/resume_words.h"
#include "wire/args.h"
#include "wire/command.h"
#include "worker/registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t hash(const void *data, size_t size)
{
    return hayi_hash(HAYI_HASH_XXH64, data, size);
}

static uint64_t hash_text(const char *text)
{
    return hash(text, strlen(text));
}

static uint64_t hash_numbers(const uint64_t *numbers, size_t count)
{
    return hash(numbers, count * sizeof(numbers[0]));
}

uint64_t hayi_resume_hash(const struct hayi_journal_key *key)
{
    const uint64_t parts[4] = {key->what, key->around, key->inputs, key->files};
    return hash_numbers(parts, 4);
}

/* Where 'count' strings that begin at 'at' end. */
static const char *
after_strings(const char *at, const char *end, uint32_t count)
{
    for (uint32_t i = 0; i < count && at < end; i++) {
        at += strnlen(at, (size_t)(end - at)) + 1;
    }
    return at < end ? at : end;
}

/* The bytes are those of hayi_command_write(). */
static void fill_command(const struct hayi_spec *spec,
                         struct hayi_journal_key *key)
{
    struct hayi_command_head head;
    const char *bytes = hayi_spec_args(spec);
    const char *end = bytes + spec->args_size;
    memcpy(&head, bytes, sizeof(head));
    const char *strings = bytes + sizeof(head);
    end = strings + head.string_bytes < end ? strings + head.string_bytes : end;
    const char *rest =
        after_strings(strings, end, head.argc > 0 ? head.argc : 1);
    const uint64_t what[3] = {
        HAYI_TASK_COMMAND, head.argc, hash(strings, (size_t)(rest - strings))};
    const uint64_t around[8] = {
        head.envc,
        head.has_cwd,
        head.has_stdin,
        head.has_index,
        head.has_index ? head.index : 0,
        head.in_count,
        head.out_count,
        hash(rest, (size_t)(end - rest)),
    };
    key->what = hash_numbers(what, 3);
    key->around = hash_numbers(around, 8);
}

static void fill_function(const struct hayi_spec *spec,
                          struct hayi_journal_key *key)
{
    const struct hayi_function *function = hayi_registry_get(spec->function);
    const uint64_t what[3] = {
        HAYI_TASK_FUNCTION,
        function != NULL ? function->version : 0,
        function != NULL ? hash_text(function->name) : 0,
    };
    key->what = hash_numbers(what, 3);
    key->around = hash(hayi_spec_args(spec), spec->args_size);
}

static void fill_fake(const struct hayi_spec *spec,
                      struct hayi_journal_key *key)
{
    const uint64_t what[1] = {HAYI_TASK_FAKE};
    const uint64_t around[2] = {spec->index,
                                (uint64_t)(int64_t)spec->fake_exit};
    key->what = hash_numbers(what, 1);
    key->around = hash_numbers(around, 2);
}

/* Inputs without a key count as one that is never the same: see resume.c. */
static uint64_t hash_inputs(const struct hayi_spec *spec)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        const struct hayi_spec *input = hayi_spec_deps(spec)[i]->spec;
        const struct hayi_spec_key *key = hayi_spec_key(input);
        uint64_t any = i >= spec->dep_count - spec->any_count;
        uint64_t one = key != NULL ? hayi_resume_hash(&key->key) : 0;
        sum = hayi_mix64(sum + one + any) + i + 1;
    }
    return sum;
}

/* ---- files --------------------------------------------------------------- */

/* Is it written by a command that this one comes after? */
static bool is_made(const struct hayi_spec *spec, const char *file)
{
    bool made = false;
    for (uint32_t i = 0; !made && i < spec->arg_dep_count; i++) {
        const struct hayi_spec *input = hayi_spec_deps(spec)[i]->spec;
        struct hayi_command_view view;
        if (input->kind != HAYI_TASK_COMMAND
            || hayi_command_read(
                   hayi_spec_args(input), input->args_size, &view, NULL)
                   != HAY_OK) {
            continue;
        }
        for (uint32_t k = 0; !made && k < view.out_count; k++) {
            made = strcmp(view.out_files[k], file) == 0;
        }
        free(view.memory);
    }
    return made;
}

/* Sizes and times of the files that were there before any task ran.  Not 0. */
static uint64_t hash_files(const struct hayi_spec *spec)
{
    struct hayi_command_view view;
    uint64_t sum = 1;
    if (spec->kind != HAYI_TASK_COMMAND
        || hayi_command_read(hayi_spec_args(spec), spec->args_size, &view, NULL)
               != HAY_OK) {
        return sum;
    }
    for (uint32_t i = 0; i < view.in_count; i++) {
        struct stat st;
        if (is_made(spec, view.in_files[i])) {
            continue;
        }
        uint64_t facts[4] = {hash_text(view.in_files[i]), 0, 0, 0};
        if (hayi_resume_stat(&view, view.in_files[i], &st)) {
            facts[1] = (uint64_t)st.st_size;
            facts[2] = (uint64_t)st.st_mtim.tv_sec;
            facts[3] = (uint64_t)st.st_mtim.tv_nsec + 1;
        }
        sum = hayi_mix64(sum + hash_numbers(facts, 4));
    }
    free(view.memory);
    return sum != 0 ? sum : 1;
}

/* ---- all of it ----------------------------------------------------------- */

/* Is it a step of something that is done as a whole, as hay_persist() is? */
static bool is_part(const struct hayi_spec *spec)
{
    return strncmp(hayi_spec_category(spec), "hay.", 4) == 0;
}

void hayi_resume_fill(hay_future *future,
                      const char *resume_key,
                      const char *resume_rest,
                      bool check_files)
{
    struct hayi_spec *spec = future->spec;
    struct hayi_spec_key *room = hayi_spec_key_room(spec);
    if (room == NULL) {
        return;
    }
    struct hayi_journal_key *key = &room->key;
    if (resume_key != NULL) {
        key->what = hash_text(resume_key);
        key->around = spec->kind;
        if (resume_rest != NULL) {
            key->around = hayi_mix64(key->around + hash_text(resume_rest));
        }
        return;
    }
    switch (spec->kind) {
    case HAYI_TASK_COMMAND:
        fill_command(spec, key);
        break;
    case HAYI_TASK_FUNCTION:
        fill_function(spec, key);
        room->absent =
            hayi_args_has_groups(hayi_spec_args(spec), spec->args_size)
            || is_part(spec);
        break;
    default:
        fill_fake(spec, key);
        break;
    }
    key->inputs = hash_inputs(spec);
    key->files = check_files ? hash_files(spec) : 0;
}

void hayi_resume_fill_put(hay_future *future, const hay_arg *value, size_t size)
{
    struct hayi_spec_key *room = hayi_spec_key_room(future->spec);
    if (room == NULL) {
        return;
    }
    bool number = value->kind == HAY_DOUBLE || value->kind == HAY_INT64;
    bool array = value->kind == HAY_ARRAY;
    const uint64_t what[4] = {
        HAYI_TASK_PUT,
        value->kind,
        array ? value->dtype : 0,
        array ? hash_numbers(value->shape, value->ndim) : 0,
    };
    room->key.what = hash_numbers(what, 4);
    room->key.around =
        hash(number ? (const void *)&value->u : value->u.data, size);
}
