/* hqconfig.c - what a task of a HyperQueue job file says; see hqconfig.h. */
#include "config.h"

#include "amounts.h"
#include "hqconfig.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define AMOUNT 64 /* bytes of an amount as text */

#define FAULT(r, node, ...)                                                    \
    fault_at((r)->fault, (r)->w->file, (node)->line, __VA_ARGS__)

/* ---- values ---- */

static const char *kind_name(enum toml_kind kind)
{
    static const char *const names[] = {[TOML_TEXT] = "a text",
                                        [TOML_INTEGER] = "a whole number",
                                        [TOML_REAL] = "a number",
                                        [TOML_BOOLEAN] = "true or false",
                                        [TOML_LIST] = "a list",
                                        [TOML_TABLE] = "a table",
                                        [TOML_TIME] = "a date or a time"};
    return names[kind];
}

hay_status
hq_want(struct hq_reader *r, const struct toml_node *node, enum toml_kind kind)
{
    if (node->kind == kind) {
        return HAY_OK;
    }
    return FAULT(r,
                 node,
                 "%.80s must be %s, not %s",
                 node->key != NULL ? node->key : "an item",
                 kind_name(kind),
                 kind_name(node->kind));
}

static hay_status
bad_value(struct hq_reader *r, const struct toml_node *node, const char *form)
{
    return FAULT(r, node, "bad value of %.80s (%s)", node->key, form);
}

bool hq_time(const char *text, uint64_t *time_ns)
{
    static const struct {
        const char *names; /* each with a blank behind it */
        uint64_t ns;
    } units[] = {
        {"ns nsec nanos ", 1},
        {"us usec micros ", 1000},
        {"ms msec millis ", 1000000},
        {"s sec secs second seconds ", NS_PER_S},
        {"m min mins minute minutes ", 60 * NS_PER_S},
        {"h hr hrs hour hours ", 3600 * NS_PER_S},
        {"d day days ", 86400 * NS_PER_S},
        {"w week weeks ", 7 * 86400 * NS_PER_S},
    };
    uint64_t sum = 0;
    bool any = false;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        char digits[24], unit[16];
        uint64_t number, ns = 0;
        size_t length = strspn(text, "0123456789");
        if (length == 0 || length >= sizeof digits) {
            return false;
        }
        memcpy(digits, text, length);
        digits[length] = '\0';
        text += length + strspn(text + length, " ");
        length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
        if (length == 0 || length + 2 > sizeof unit) {
            return false;
        }
        memcpy(unit, text, length);
        memcpy(unit + length, " ", 2);
        text += length;
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            const char *at = strstr(units[i].names, unit);
            if (at != NULL && (at == units[i].names || at[-1] == ' ')) {
                ns = units[i].ns;
            }
        }
        if (ns == 0
            || !units_uint(digits, (UINT64_MAX / 2 - sum) / ns, &number)) {
            return false;
        }
        sum += number * ns;
        any = true;
    }
    *time_ns = sum;
    return any;
}

/* ---- requests ---- */

/* The amount of a resource as text; all: "all" is allowed. */
static hay_status amount_of(struct hq_reader *r,
                            const struct toml_node *node,
                            char amount[AMOUNT])
{
    double number;
    if (node->kind == TOML_INTEGER && node->integer >= 0) {
        snprintf(amount, AMOUNT, "%" PRId64, node->integer);
        return HAY_OK;
    }
    if (node->kind == TOML_REAL && node->real >= 0 && node->real < 1e9) {
        snprintf(amount, AMOUNT, "%.4f", node->real);
        return HAY_OK;
    }
    if (node->kind != TOML_TEXT) {
        return bad_value(r, node, "an amount such as 4, 0.5 or \"4 compact\"");
    }
    const char *text = node->text + strspn(node->text, " ");
    size_t length = strcspn(text, " ");
    const char *policy = text + length + strspn(text + length, " ");
    if (length >= AMOUNT) {
        return bad_value(r, node, "an amount such as 4, 0.5 or \"4 compact\"");
    }
    memcpy(amount, text, length);
    amount[length] = '\0';
    if (*policy != '\0' && strcmp(policy, "compact") != 0) {
        return FAULT(r,
                     node,
                     "%.80s: the policy '%.40s' is not known (cores are given "
                     "as near to each other as they are free)",
                     node->key,
                     policy);
    }
    if (strcmp(amount, "all") != 0 && !units_real(amount, &number)) {
        return bad_value(r, node, "an amount such as 4, 0.5 or \"4 compact\"");
    }
    return HAY_OK;
}

/* "cores=4 gpus=1 " of one table of resources. */
static hay_status add_resources(struct hq_reader *r,
                                const struct toml_node *table,
                                struct text *text)
{
    hay_status status = hq_want(r, table, TOML_TABLE);
    for (size_t i = 0; i < table->count && status == HAY_OK; i++) {
        const struct toml_node *node = &table->items[i];
        char amount[AMOUNT];
        double number = 0;
        status = amount_of(r, node, amount);
        if (status != HAY_OK) {
            return status;
        }
        bool all = strcmp(amount, "all") == 0;
        bool cpus = strcmp(node->key, "cpus") == 0;
        bool gpus = strcmp(node->key, "gpus") == 0
                    || strcmp(node->key, "gpus/nvidia") == 0
                    || strcmp(node->key, "gpus/amd") == 0;
        bool memory = strcmp(node->key, "mem") == 0;
        (void)units_real(amount, &number);
        if (all && !cpus) {
            return FAULT(r, node, "%.80s: \"all\" is for cpus only", node->key);
        }
        if (cpus && !all && (number < 1 || number != floor(number))) {
            return FAULT(r, node, "cpus: whole cores only, at least 1");
        }
        if (strpbrk(node->key, " \t,|=\"'\\") != NULL || node->key[0] == '\0'
            || strcmp(node->key, "cores") == 0) {
            return FAULT(r,
                         node,
                         "the resource '%.80s' cannot be named here",
                         node->key);
        }
        if (cpus && !all) {
            text_format(text, "cores=%.0f ", number);
        } else if (memory) {
            /* HyperQueue counts MiB. */
            text_format(text, "mem=%.0fM ", ceil(number));
        } else {
            text_format(text,
                        "%s=%s ",
                        cpus   ? "cores"
                        : gpus ? "gpus"
                               : node->key,
                        amount);
        }
    }
    return status;
}

/* One [[task.request]]. */
static hay_status add_variant(struct hq_reader *r,
                              const struct toml_node *table,
                              struct text *text)
{
    hay_status status = hq_want(r, table, TOML_TABLE);
    for (size_t i = 0; i < table->count && status == HAY_OK; i++) {
        const struct toml_node *node = &table->items[i];
        if (strcmp(node->key, "resources") == 0) {
            status = add_resources(r, node, text);
        } else if (strcmp(node->key, "n_nodes") == 0
                   && node->kind == TOML_INTEGER && node->integer == 0) {
            continue;
        } else if (strcmp(node->key, "n_nodes") == 0) {
            status = FAULT(r, node, "n_nodes: a task has cores of one worker");
        } else if (strcmp(node->key, "time_request") == 0
                   || strcmp(node->key, "weight") == 0) {
            status = FAULT(r, node, "%s is not supported", node->key);
        } else {
            status = FAULT(r, node, "unknown key '%.80s'", node->key);
        }
    }
    return status;
}

static hay_status set_request(struct hq_reader *r,
                              struct hq_config *c,
                              const struct toml_node *node)
{
    struct text text = TEXT_INIT;
    hay_status status = hq_want(r, node, TOML_LIST);
    c->variants = node->count;
    text_clear(&text);
    for (size_t i = 0; i < node->count && status == HAY_OK; i++) {
        text_add_string(&text, i > 0 ? "| " : "");
        size_t before = text.length;
        status = add_variant(r, &node->items[i], &text);
        if (status == HAY_OK && text.length == before) {
            text_add_string(&text, "cores=1 ");
        }
    }
    if (status == HAY_OK && text.length > 0) {
        (void)amounts_request(&r->w->arena, &c->request, text.data);
    }
    text_fini(&text);
    return status;
}

/* ---- keys of a task ---- */

static hay_status set_command(struct hq_reader *r,
                              struct hq_config *c,
                              const struct toml_node *node)
{
    hay_status status = hq_want(r, node, TOML_LIST);
    if (status == HAY_OK && node->count == 0) {
        status = FAULT(r, node, "command is empty");
    }
    for (size_t i = 0; i < node->count && status == HAY_OK; i++) {
        status = hq_want(r, &node->items[i], TOML_TEXT);
    }
    c->command = node;
    return status;
}

static bool variable_name(const char *name)
{
    return name[0] != '\0' && (name[0] < '0' || name[0] > '9')
           && name[strspn(name,
                          "abcdefghijklmnopqrstuvwxyz0123456789_"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
                  == '\0';
}

static hay_status
set_env(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    struct arena *arena = &r->w->arena;
    hay_status status = hq_want(r, node, TOML_TABLE);
    size_t count = c->request.env_count;
    const char **env =
        arena_alloc(arena, (count + node->count + 1) * sizeof(const char *));
    for (size_t i = 0; i < count; i++) {
        env[i] = c->request.env[i];
    }
    for (size_t i = 0; i < node->count && status == HAY_OK; i++) {
        const struct toml_node *item = &node->items[i];
        struct text pair = TEXT_INIT;
        status = hq_want(r, item, TOML_TEXT);
        if (status == HAY_OK && !variable_name(item->key)) {
            status =
                FAULT(r, item, "'%.80s' is no name of a variable", item->key);
        }
        if (status == HAY_OK) {
            text_format(&pair, "%s=%s", item->key, item->text);
            env[count++] = arena_text(arena, pair.data, pair.length);
        }
        text_fini(&pair);
    }
    env[count] = NULL;
    c->request.env = env;
    c->request.env_count = count;
    return status;
}

/* A text that is a path, or {path = , on_close = }. */
static hay_status read_stdio(struct hq_reader *r,
                             const struct toml_node *node,
                             const char **path,
                             bool *remove)
{
    if (node->kind == TOML_TEXT) {
        *path = strcmp(node->text, "none") == 0 ? "" : node->text;
        return HAY_OK;
    }
    if (node->kind != TOML_TABLE) {
        return bad_value(r, node, "a path, \"none\", or {path =, on_close =}");
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct toml_node *item = &node->items[i];
        hay_status status = hq_want(r, item, TOML_TEXT);
        if (status != HAY_OK) {
            return status;
        }
        if (strcmp(item->key, "path") == 0 && item->text[0] != '\0') {
            *path = item->text;
        } else if (strcmp(item->key, "on_close") == 0
                   || strcmp(item->key, "mode") == 0) {
            *remove = strcmp(item->text, "rm-if-finished") == 0;
            if (!*remove && strcmp(item->text, "none") != 0) {
                return bad_value(r, item, "none or rm-if-finished");
            }
        } else {
            return FAULT(r, item, "unknown key '%.80s'", item->key);
        }
    }
    return *path != NULL ? HAY_OK : bad_value(r, node, "it lacks a path");
}

static hay_status
set_out(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    c->out = node;
    return read_stdio(r, node, &c->out_path, &c->out_rm);
}

static hay_status
set_err(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    c->err = node;
    return read_stdio(r, node, &c->err_path, &c->err_rm);
}

static hay_status set_stdin(struct hq_reader *r,
                            struct hq_config *c,
                            const struct toml_node *node)
{
    c->stdin_text = node;
    return hq_want(r, node, TOML_TEXT);
}

static hay_status
set_pin(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    hay_status status = hq_want(r, node, TOML_TEXT);
    if (status != HAY_OK) {
        return status;
    }
    c->pin = strcmp(node->text, "none") == 0 ? NULL : node->text;
    return c->pin == NULL || strcmp(c->pin, "omp") == 0
                   || strcmp(c->pin, "taskset") == 0
               ? HAY_OK
               : bad_value(r, node, "none, taskset or omp");
}

static hay_status set_task_dir(struct hq_reader *r,
                               struct hq_config *c,
                               const struct toml_node *node)
{
    c->task_dir = node->boolean;
    return hq_want(r, node, TOML_BOOLEAN);
}

static hay_status set_time_limit(struct hq_reader *r,
                                 struct hq_config *c,
                                 const struct toml_node *node)
{
    hay_status status = hq_want(r, node, TOML_TEXT);
    if (status == HAY_OK
        && (!hq_time(node->text, &c->request.time_limit_ns)
            || c->request.time_limit_ns == 0)) {
        status = bad_value(r, node, "such as \"1m 10s\"");
    }
    return status;
}

static hay_status set_priority(struct hq_reader *r,
                               struct hq_config *c,
                               const struct toml_node *node)
{
    hay_status status = hq_want(r, node, TOML_INTEGER);
    if (status == HAY_OK
        && (node->integer > INT32_MAX || node->integer < INT32_MIN)) {
        status = bad_value(r, node, "a number of 32 bits");
    }
    c->request.priority = status == HAY_OK ? (int32_t)node->integer : 0;
    return status;
}

static hay_status set_crash_limit(struct hq_reader *r,
                                  struct hq_config *c,
                                  const struct toml_node *node)
{
    if (node->kind == TOML_TEXT && strcmp(node->text, "never-restart") == 0) {
        c->request.once = true;
        return HAY_OK;
    }
    return FAULT(r,
                 node,
                 "crash_limit: only \"never-restart\" is known (what may have "
                 "killed two workers runs once more, alone)");
}

static hay_status
set_id(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    hay_status status = hq_want(r, node, TOML_INTEGER);
    if (status == HAY_OK && (node->integer < 0 || node->integer > HQ_ID_MAX)) {
        status = bad_value(r, node, "a number of 32 bits");
    }
    c->id = node;
    return status;
}

static hay_status
set_deps(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    hay_status status = hq_want(r, node, TOML_LIST);
    for (size_t i = 0; i < node->count && status == HAY_OK; i++) {
        status = hq_want(r, &node->items[i], TOML_INTEGER);
    }
    c->deps = node;
    return status;
}

static hay_status
set_ids(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    c->ids = node;
    return hq_want(r, node, TOML_TEXT);
}

static hay_status set_entries(struct hq_reader *r,
                              struct hq_config *c,
                              const struct toml_node *node)
{
    hay_status status = hq_want(r, node, TOML_LIST);
    for (size_t i = 0; i < node->count && status == HAY_OK; i++) {
        status = hq_want(r, &node->items[i], TOML_TEXT);
    }
    c->entries = node;
    return status;
}

static hay_status
set_cwd(struct hq_reader *r, struct hq_config *c, const struct toml_node *node)
{
    c->cwd = node;
    return hq_want(r, node, TOML_TEXT);
}

static const struct key {
    const char *name;
    hay_status (*set)(struct hq_reader *r,
                      struct hq_config *c,
                      const struct toml_node *node);
    bool task, array;
} keys[] = {
    {"command", set_command, true, true},
    {"crash_limit", set_crash_limit, true, true},
    {"cwd", set_cwd, true, true},
    {"deps", set_deps, true, false},
    {"entries", set_entries, false, true},
    {"env", set_env, true, true},
    {"id", set_id, true, false},
    {"ids", set_ids, false, true},
    {"pin", set_pin, true, true},
    {"priority", set_priority, true, true},
    {"request", set_request, true, true},
    {"stderr", set_err, true, true},
    {"stdin", set_stdin, true, true},
    {"stdout", set_out, true, true},
    {"task_dir", set_task_dir, true, true},
    {"time_limit", set_time_limit, true, true},
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])

hay_status hq_config_read(struct hq_reader *r,
                          const struct toml_node *table,
                          bool array,
                          struct hq_config *c)
{
    hay_status status = hq_want(r, table, TOML_TABLE);
    *c = (struct hq_config){.request = *r->defaults};
    for (size_t i = 0; i < table->count && status == HAY_OK; i++) {
        const struct toml_node *node = &table->items[i];
        size_t k = 0;
        while (k < KEY_COUNT
               && (strcmp(keys[k].name, node->key) != 0
                   || !(array ? keys[k].array : keys[k].task))) {
            k++;
        }
        status = k == KEY_COUNT
                     ? FAULT(r, node, "unknown key '%.80s'", node->key)
                     : keys[k].set(r, c, node);
    }
    if (status == HAY_OK && c->command == NULL) {
        status = FAULT(r, table, "the task has no command");
    }
    return status;
}
