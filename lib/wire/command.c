/* command.c - see command.h.
 *
 * The strings stand one after the other in the order line or argv, cwd, env,
 * stdin, in_files, out_files; the reader counts them and must end exactly at
 * the last byte.
 */
#include "config.h"

#include "wire/command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct hayi_command_head) == 32, "on the wire");

/* A walk over a command's strings, in their order; NULL only measures. */
struct writer {
    char *at;
    size_t bytes;
};

static void put(struct writer *writer, const char *text)
{
    size_t size = strlen(text) + 1;
    if (writer->at != NULL) {
        memcpy(writer->at, text, size);
        writer->at += size;
    }
    writer->bytes += size;
}

static uint32_t put_all(struct writer *writer, const char *const *list)
{
    uint32_t count = 0;
    for (; list != NULL && list[count] != NULL && count < UINT32_MAX; count++) {
        put(writer, list[count]);
    }
    return count;
}

static struct hayi_command_head walk(const hay_command *command,
                                     struct writer *writer)
{
    struct hayi_command_head head = {
        .has_cwd = command->cwd != NULL,
        .has_stdin = command->stdin_path != NULL,
        .has_index = command->has_index,
        .index = command->has_index ? command->index : 0,
    };
    if (command->line != NULL) {
        put(writer, command->line);
    } else {
        head.argc = put_all(writer, command->argv);
    }
    if (command->cwd != NULL) {
        put(writer, command->cwd);
    }
    head.envc = put_all(writer, command->env);
    if (command->stdin_path != NULL) {
        put(writer, command->stdin_path);
    }
    head.in_count = put_all(writer, command->in_files);
    head.out_count = put_all(writer, command->out_files);
    head.string_bytes = (uint32_t)writer->bytes;
    return head;
}

static const char *wrong_env(const char *const *env)
{
    for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
        const char *equal = strchr(env[i], '=');
        if (equal == NULL || equal == env[i]) {
            return env[i];
        }
    }
    return NULL;
}

/* A file's name goes into variables of the environment. */
static const char *wrong_file(const char *const *files)
{
    for (size_t i = 0; files != NULL && files[i] != NULL; i++) {
        if (files[i][0] == 0) {
            return files[i];
        }
    }
    return NULL;
}

hay_status hayi_command_measure(const hay_command *command,
                                size_t *size,
                                struct hayi_error *err)
{
    const char *const *argv = command->argv;
    struct writer writer = {NULL, 0};
    if (command->line == NULL && (argv == NULL || argv[0] == NULL)) {
        return hayi_fail(
            err, HAY_EINVAL, "a command needs a line or an argument list");
    }
    if (command->line == NULL && argv[0][0] == 0) {
        return hayi_fail(err, HAY_EINVAL, "the command's program is \"\"");
    }
    if (wrong_env(command->env) != NULL) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "\"%.100s\" is no NAME=VALUE of an environment",
                         wrong_env(command->env));
    }
    if (wrong_file(command->in_files) != NULL
        || wrong_file(command->out_files) != NULL) {
        return hayi_fail(
            err, HAY_EINVAL, "the name of a command's file is \"\"");
    }
    (void)walk(command, &writer);
    if (writer.bytes > HAY_ARGS_MAX) {
        return hayi_fail(err,
                         HAY_ETOOBIG,
                         "a command of %zu bytes: at most %zu",
                         writer.bytes,
                         HAY_ARGS_MAX);
    }
    *size = sizeof(struct hayi_command_head) + writer.bytes;
    return HAY_OK;
}

void hayi_command_write(const hay_command *command, void *bytes)
{
    struct writer writer = {(char *)bytes + sizeof(struct hayi_command_head),
                            0};
    struct hayi_command_head head = walk(command, &writer);
    memcpy(bytes, &head, sizeof(head));
}

/* The next string; NULL if there is none left. */
static const char *take(const char **at, const char *end)
{
    const char *text = *at;
    const char *zero =
        text < end ? memchr(text, 0, (size_t)(end - text)) : NULL;
    if (zero == NULL) {
        return NULL;
    }
    *at = zero + 1;
    return text;
}

static bool
take_all(const char **at, const char *end, const char **list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = take(at, end);
        if (list[i] == NULL) {
            return false;
        }
    }
    list[count] = NULL;
    return true;
}

static hay_status damaged(struct hayi_error *err, const char *what)
{
    return hayi_fail(err, HAY_EINVAL, "damaged command: %s", what);
}

static bool read_strings(const struct hayi_command_head *head,
                         const char *at,
                         const char **list,
                         struct hayi_command_view *view)
{
    const char *end = at + head->string_bytes;
    view->env = list;
    view->in_files = view->env + head->envc + 1;
    view->out_files = view->in_files + head->in_count + 1;
    view->in_count = head->in_count;
    view->out_count = head->out_count;
    if (head->argc == 0) {
        view->line = take(&at, end);
    } else {
        view->argv = view->out_files + head->out_count + 1;
    }
    return (view->line != NULL
            || (head->argc > 0 && take_all(&at, end, view->argv, head->argc)))
           && (!head->has_cwd || (view->cwd = take(&at, end)) != NULL)
           && take_all(&at, end, view->env, head->envc)
           && (!head->has_stdin || (view->stdin_path = take(&at, end)) != NULL)
           && take_all(&at, end, view->in_files, head->in_count)
           && take_all(&at, end, view->out_files, head->out_count) && at == end;
}

hay_status hayi_command_read(const void *bytes,
                             size_t size,
                             struct hayi_command_view *view,
                             struct hayi_error *err)
{
    struct hayi_command_head head;
    struct hayi_command_view found = {.line = NULL};
    if (size < sizeof(head)) {
        return damaged(err, "no head");
    }
    memcpy(&head, bytes, sizeof(head));
    if (head.string_bytes != size - sizeof(head)) {
        return damaged(err, "its size");
    }
    if (head.argc > head.string_bytes || head.envc > head.string_bytes
        || head.in_count > head.string_bytes
        || head.out_count > head.string_bytes) {
        return damaged(err, "more strings than bytes");
    }
    const char **list = calloc((size_t)head.argc + head.envc + head.in_count
                                   + head.out_count + 4,
                               sizeof(*list));
    if (list == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a command");
    }
    found.memory = list;
    found.index = head.index;
    found.has_index = head.has_index != 0;
    const char *strings = (const char *)bytes + sizeof(head);
    if (!read_strings(&head, strings, list, &found)) {
        free(list);
        return damaged(err, "its strings");
    }
    *view = found;
    return HAY_OK;
}

bool hayi_command_has_files(const void *bytes, size_t size)
{
    struct hayi_command_head head;
    if (size < sizeof(head)) {
        return false;
    }
    memcpy(&head, bytes, sizeof(head));
    return head.in_count > 0 || head.out_count > 0;
}
