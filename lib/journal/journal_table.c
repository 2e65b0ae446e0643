/* journal_table.c - see journal_table.h and journal_read.h.
 *
 * A task costs its row, its name and 8 bytes in each of two indexes: about 130
 * bytes.  Paths and categories are kept once.
 */
#include "config.h"

#include "journal/journal_table.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- room ------------------------------------------------------------------
 */

/* The list with room for one more; NULL: out of memory, or of numbers for rows,
 * which have 32 bits. */
static void *grown(void *list, size_t *room, size_t count, size_t size)
{
    if (count < *room) {
        return list;
    }
    size_t more = *room == 0 ? 64 : *room * 2;
    void *wider = more < UINT32_MAX ? realloc(list, more * size) : NULL;
    if (wider != NULL) {
        *room = more;
    }
    return wider;
}

/* ---- indexes ---------------------------------------------------------------
 */

typedef uint64_t (*hash_fn)(const struct hayi_journal_table *table,
                            uint32_t number);

static void
place(struct hayi_journal_index *index, uint64_t hash, uint32_t number)
{
    size_t mask = index->room - 1;
    size_t i = (size_t)hash & mask;
    while (index->slots[i] != 0) {
        i = (i + 1) & mask;
    }
    index->slots[i] = number + 1;
}

/* Room for one more. */
static bool index_grow(const struct hayi_journal_table *table,
                       struct hayi_journal_index *index,
                       hash_fn hash)
{
    if (index->count * 2 < index->room) {
        return true;
    }
    struct hayi_journal_index wider = {
        .room = index->room == 0 ? 128 : index->room * 2,
    };
    wider.slots = calloc(wider.room, sizeof(*wider.slots));
    if (wider.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < index->room; i++) {
        if (index->slots[i] != 0) {
            uint32_t number = index->slots[i] - 1;
            place(&wider, hash(table, number), number);
        }
    }
    wider.count = index->count;
    free(index->slots);
    *index = wider;
    return true;
}

static uint64_t mix(uint64_t sum)
{
    sum = (sum ^ sum >> 33) * UINT64_C(0xff51afd7ed558ccd);
    sum = (sum ^ sum >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return sum ^ sum >> 33;
}

static uint64_t hash_text(const char *text)
{
    return hayi_hash(HAYI_HASH_XXH64, text, strlen(text));
}

/* Whatever was the matter with the files that it reads, it is the same task. */
static uint64_t hash_key(const struct hayi_journal_key *key, uint32_t ordinal)
{
    return mix(key->what ^ mix(key->around ^ mix(key->inputs)) ^ ordinal);
}

static uint64_t id_hash(const struct hayi_journal_table *table, uint32_t number)
{
    return mix(table->tasks[number].id);
}

static const char *text_of(const struct hayi_journal_table *table, uint32_t at)
{
    return table->text.size > 0 ? (const char *)table->text.data + at : "";
}

static uint64_t identity_hash(const struct hayi_journal_table *table,
                              uint32_t number)
{
    const struct hayi_recorded *task = &table->tasks[number];
    return task->name != 0 ? hash_text(text_of(table, task->name))
                           : hash_key(&task->key, task->ordinal);
}

static uint64_t text_hash(const struct hayi_journal_table *table,
                          uint32_t number)
{
    return hash_text(text_of(table, number));
}

static bool same_key(const struct hayi_journal_key *a,
                     const struct hayi_journal_key *b)
{
    return a->what == b->what && a->around == b->around
           && a->inputs == b->inputs;
}

/* The slot of a task; NULL: it is not there.  name: "" for an unnamed one. */
static uint32_t *identity_slot(const struct hayi_journal_table *table,
                               const char *name,
                               const struct hayi_journal_key *key,
                               uint32_t ordinal)
{
    const struct hayi_journal_index *index = &table->by_identity;
    size_t mask = index->room - 1;
    uint64_t hash = name[0] != 0 ? hash_text(name) : hash_key(key, ordinal);
    for (size_t i = (size_t)hash & mask;
         index->room > 0 && index->slots[i] != 0;
         i = (i + 1) & mask) {
        const struct hayi_recorded *task = &table->tasks[index->slots[i] - 1];
        if (name[0] != 0 ? task->name != 0
                               && strcmp(text_of(table, task->name), name) == 0
                         : task->name == 0 && task->ordinal == ordinal
                               && same_key(&task->key, key)) {
            return &index->slots[i];
        }
    }
    return NULL;
}

static struct hayi_recorded *find_id(const struct hayi_journal_table *table,
                                     hay_task_id id)
{
    const struct hayi_journal_index *index = &table->by_id;
    size_t mask = index->room - 1;
    for (size_t i = (size_t)mix(id) & mask;
         index->room > 0 && index->slots[i] != 0;
         i = (i + 1) & mask) {
        struct hayi_recorded *task = &table->tasks[index->slots[i] - 1];
        if (task->id == id) {
            return task;
        }
    }
    return NULL;
}

/* ---- texts -----------------------------------------------------------------
 */

/* false: out of memory. */
static bool
add_text(struct hayi_journal_table *table, const char *text, uint32_t *at)
{
    size_t size = strlen(text) + 1;
    if (table->text.size == 0
        && hayi_buffer_append(&table->text, "", 1) != HAY_OK) {
        return false;
    }
    if (size == 1) {
        *at = 0;
        return true;
    }
    size_t place_at = table->text.size;
    if (place_at + size > UINT32_MAX
        || hayi_buffer_append(&table->text, text, size) != HAY_OK) {
        return false;
    }
    *at = (uint32_t)place_at;
    return true;
}

/* The same, kept once. */
static bool
keep_text(struct hayi_journal_table *table, const char *text, uint32_t *at)
{
    struct hayi_journal_index *index = &table->by_text;
    if (text[0] == 0) {
        return add_text(table, text, at);
    }
    if (!index_grow(table, index, text_hash)) {
        return false;
    }
    uint64_t hash = hash_text(text);
    size_t mask = index->room - 1;
    for (size_t i = (size_t)hash & mask; index->slots[i] != 0;
         i = (i + 1) & mask) {
        if (strcmp(text_of(table, index->slots[i] - 1), text) == 0) {
            *at = index->slots[i] - 1;
            return true;
        }
    }
    if (!add_text(table, text, at)) {
        return false;
    }
    place(index, hash, *at);
    index->count++;
    return true;
}

/* ---- records ---------------------------------------------------------------
 */

static hay_status add_run(struct hayi_journal_table *table,
                          const struct hayi_journal_run *run)
{
    struct hayi_journal_facts *facts = &table->facts;
    const char *const texts[4] = {run->version, run->host, run->job, run->cwd};
    if (facts->epoch == 0) {
        facts->first_wall_ns = run->wall_ns;
    }
    /* a clock that was put back does not put times back */
    uint64_t first = run->wall_ns > facts->first_wall_ns
                         ? run->wall_ns - facts->first_wall_ns
                         : 0;
    table->epoch_first_ns =
        first > facts->last_end_ns ? first : facts->last_end_ns;
    facts->epoch = run->epoch > facts->epoch ? run->epoch : facts->epoch;
    facts->last_state = 0;
    facts->run = *run;
    for (int i = 0; i < 4; i++) {
        if (!keep_text(table, texts[i], &table->run_text[i])) {
            return HAY_ENOMEM;
        }
    }
    hayi_buffer_consume(&table->args, table->args.size);
    return hayi_buffer_append(&table->args, run->args, run->args_size);
}

static bool has_identity(const struct hayi_recorded *task)
{
    return !task->nested
           && (task->name != 0
               || (task->key.what | task->key.around | task->key.inputs
                   | task->key.files)
                      != 0);
}

static hay_status add_task(struct hayi_journal_table *table,
                           const struct hayi_journal_task *task)
{
    struct hayi_recorded row = {
        .id = task->id,
        .key = task->key,
        .ordinal = task->ordinal,
        .epoch = table->facts.epoch,
        .cores = task->cores,
        .kind = task->kind,
        .nested = task->nested,
    };
    void *tasks =
        grown(table->tasks, &table->room, table->count, sizeof(*table->tasks));
    if (tasks == NULL) {
        return HAY_ENOMEM;
    }
    table->tasks = tasks;
    if (!index_grow(table, &table->by_id, id_hash)
        || !index_grow(table, &table->by_identity, identity_hash)
        || !add_text(table, task->name, &row.name)
        || !keep_text(table, task->category, &row.category)) {
        return HAY_ENOMEM;
    }
    uint32_t number = (uint32_t)table->count++;
    row.latest = has_identity(&row);
    table->tasks[number] = row;
    if (row.latest) {
        uint32_t *slot =
            identity_slot(table, task->name, &task->key, task->ordinal);
        if (slot != NULL) {
            table->tasks[*slot - 1].latest = false;
            *slot = number + 1;
        } else {
            place(&table->by_identity, identity_hash(table, number), number);
            table->by_identity.count++;
        }
    }
    if (find_id(table, task->id) == NULL) {
        place(&table->by_id, mix(task->id), number);
        table->by_id.count++;
    }
    table->facts.tasks++;
    if (task->id > table->facts.id_max) {
        table->facts.id_max = task->id;
    }
    return HAY_OK;
}

static hay_status add_output(struct hayi_journal_table *table,
                             struct hayi_recorded *task,
                             const struct hayi_attempt_line *line)
{
    struct hayi_recorded_output_row row = {{0}, {0}, {0}};
    if (table->output_count == 0) {
        table->output_count = 1;
    }
    void *outputs = grown(table->outputs,
                          &table->output_room,
                          table->output_count,
                          sizeof(*table->outputs));
    if (outputs == NULL) {
        return HAY_ENOMEM;
    }
    table->outputs = outputs;
    for (int i = 0; i < 2; i++) {
        row.offset[i] = line->offset[i];
        row.length[i] = line->length[i];
        if (line->path[i] != NULL
            && !keep_text(table, line->path[i], &row.path[i])) {
            return HAY_ENOMEM;
        }
    }
    task->output = (uint32_t)table->output_count;
    table->outputs[table->output_count++] = row;
    return HAY_OK;
}

static uint8_t state_of(const char *name)
{
    switch (name[0]) {
    case 'f':
        return name[1] == 'i' ? HAYI_RECORDED_FINISHED : HAYI_RECORDED_FAILED;
    case 'c':
        return HAYI_RECORDED_CANCELLED;
    default:
        return HAYI_RECORDED_LOST;
    }
}

static hay_status add_attempt(struct hayi_journal_table *table,
                              const struct hayi_attempt_line *line)
{
    struct hayi_recorded *task = find_id(table, line->task);
    uint64_t end_ns = table->epoch_first_ns + line->end_ns;
    table->facts.attempts++;
    if (end_ns > table->facts.last_end_ns) {
        table->facts.last_end_ns = end_ns;
    }
    if (task == NULL || task->state == HAYI_RECORDED_FINISHED) {
        return HAY_OK; /* what runs again to be read again changes nothing */
    }
    task->state = state_of(line->state);
    task->attempts++;
    task->exit_code = line->exit_code;
    task->run_ns =
        line->end_ns > line->start_ns ? line->end_ns - line->start_ns : 0;
    task->output = 0;
    return line->length[0] + line->length[1] > 0 ? add_output(table, task, line)
                                                 : HAY_OK;
}

static hay_status add_result(struct hayi_journal_table *table,
                             const struct hayi_journal_result *result)
{
    struct hayi_recorded *task = find_id(table, result->task);
    size_t whole = 8 + ((result->size + 7) & ~(size_t)7);
    if (task == NULL || task->state == HAYI_RECORDED_FINISHED) {
        return HAY_OK;
    }
    bool first = table->values.size == 0;
    unsigned char *at =
        (table->values.size + whole) / 8 >= UINT32_MAX
            ? NULL
            : hayi_buffer_extend(&table->values, whole + (first ? 8 : 0));
    if (at == NULL) {
        return HAY_ENOMEM;
    }
    at += first ? 8 : 0; /* 0 is "none" */
    uint64_t size = result->size;
    memset(at + whole - 8, 0, 8);
    memcpy(at, &size, sizeof(size));
    if (size > 0) {
        memcpy(at + 8, result->value, result->size);
    }
    task->result = (uint32_t)((size_t)(at - table->values.data) / 8);
    task->kept = false;
    return HAY_OK;
}

/* Its record is in the place of the value. */
static hay_status add_kept(struct hayi_journal_table *table,
                           const struct hayi_journal_kept *kept)
{
    const struct hayi_journal_result result = {
        .task = kept->task,
        .value = kept,
        .size = sizeof(*kept),
    };
    struct hayi_recorded *task = find_id(table, kept->task);
    table->facts.kept_bytes += kept->bytes;
    if (task == NULL || task->state == HAYI_RECORDED_FINISHED) {
        return HAY_OK;
    }
    hay_status status = add_result(table, &result);
    task->kept = status == HAY_OK;
    return status;
}

/* In the order of the log: those before it are walked. */
static hay_status add_file(struct hayi_journal_table *table,
                           const struct hayi_file_line *line)
{
    struct hayi_recorded *task = find_id(table, line->task);
    if (task == NULL || task->state == HAYI_RECORDED_FINISHED) {
        return HAY_OK;
    }
    if (table->file_count == 0) {
        table->file_count = 1;
    }
    size_t room = table->file_room;
    uint32_t path;
    void *files =
        grown(table->files, &room, table->file_count, sizeof(*table->files));
    if (files == NULL) {
        return HAY_ENOMEM;
    }
    table->files = files;
    uint32_t *paths = grown(table->file_paths,
                            &table->file_room,
                            table->file_count,
                            sizeof(*table->file_paths));
    if (paths == NULL) {
        return HAY_ENOMEM;
    }
    table->file_paths = paths;
    if (!keep_text(table, line->path, &path)) {
        return HAY_ENOMEM;
    }
    uint32_t number = (uint32_t)table->file_count++;
    table->files[number] =
        (struct hayi_recorded_file){.bytes = line->bytes, .out = line->out};
    table->file_paths[number] = path;
    table->files[number].next = task->file;
    task->file = number;
    return HAY_OK;
}

hay_status hayi_journal_table_add(struct hayi_journal_table *table,
                                  const struct hayi_journal_record *record)
{
    switch (record->kind) {
    case HAYI_JOURNAL_RUN:
        return add_run(table, &record->u.run);
    case HAYI_JOURNAL_TASK:
        return add_task(table, &record->u.task);
    case HAYI_JOURNAL_ATTEMPT:
        return add_attempt(table, &record->u.attempt);
    case HAYI_JOURNAL_RESULT:
        return add_result(table, &record->u.result);
    case HAYI_JOURNAL_KEPT:
        return add_kept(table, &record->u.kept);
    case HAYI_JOURNAL_FILE:
        return add_file(table, &record->u.file);
    case HAYI_JOURNAL_STATE:
        if (record->u.state.epoch == table->facts.epoch) {
            table->facts.last_state = record->u.state.state;
        }
        return HAY_OK;
    default:
        return HAY_OK;
    }
}

void hayi_journal_table_made(struct hayi_journal_table *table)
{
    struct hayi_journal_run *run = &table->facts.run;
    for (size_t i = 1; i < table->file_count; i++) {
        table->files[i].path = text_of(table, table->file_paths[i]);
    }
    run->version = text_of(table, table->run_text[0]);
    run->host = text_of(table, table->run_text[1]);
    run->job = text_of(table, table->run_text[2]);
    run->cwd = text_of(table, table->run_text[3]);
    run->args = table->args.size > 0 ? (const char *)table->args.data : "";
    run->args_size = table->args.size;
    free(table->by_text.slots);
    table->by_text = (struct hayi_journal_index){0};
    free(table->file_paths);
    table->file_paths = NULL;
}

/* ---- questions -------------------------------------------------------------
 */

void hayi_journal_table_free(struct hayi_journal_table *table)
{
    if (table == NULL) {
        return;
    }
    free(table->tasks);
    free(table->outputs);
    free(table->files);
    free(table->file_paths);
    hayi_buffer_fini(&table->text);
    hayi_buffer_fini(&table->values);
    hayi_buffer_fini(&table->args);
    free(table->by_id.slots);
    free(table->by_identity.slots);
    free(table->by_text.slots);
    free(table);
}

void hayi_journal_table_facts(const struct hayi_journal_table *table,
                              struct hayi_journal_facts *facts)
{
    *facts = table->facts;
}

const struct hayi_recorded *
hayi_recorded_by_name(const struct hayi_journal_table *table, const char *name)
{
    static const struct hayi_journal_key none;
    const uint32_t *slot =
        name[0] != 0 ? identity_slot(table, name, &none, 0) : NULL;
    return slot != NULL ? &table->tasks[*slot - 1] : NULL;
}

const struct hayi_recorded *
hayi_recorded_by_key(const struct hayi_journal_table *table,
                     const struct hayi_journal_key *key,
                     uint32_t ordinal)
{
    const uint32_t *slot = identity_slot(table, "", key, ordinal);
    return slot != NULL ? &table->tasks[*slot - 1] : NULL;
}

const struct hayi_recorded *
hayi_recorded_by_id(const struct hayi_journal_table *table, hay_task_id id)
{
    return find_id(table, id);
}

const struct hayi_recorded *
hayi_recorded_at(const struct hayi_journal_table *table, uint64_t index)
{
    return index < table->count ? &table->tasks[index] : NULL;
}

const char *hayi_recorded_name(const struct hayi_journal_table *table,
                               const struct hayi_recorded *task)
{
    return text_of(table, task->name);
}

const char *hayi_recorded_category(const struct hayi_journal_table *table,
                                   const struct hayi_recorded *task)
{
    return text_of(table, task->category);
}

static bool value_of(const struct hayi_journal_table *table,
                     const struct hayi_recorded *task,
                     const void **value,
                     size_t *size)
{
    if (task->result == 0 || task->state != HAYI_RECORDED_FINISHED) {
        return false;
    }
    const unsigned char *at = table->values.data + (size_t)task->result * 8;
    uint64_t bytes;
    memcpy(&bytes, at, sizeof(bytes));
    *value = at + sizeof(bytes);
    *size = (size_t)bytes;
    return true;
}

bool hayi_recorded_result(const struct hayi_journal_table *table,
                          const struct hayi_recorded *task,
                          const void **value,
                          size_t *size)
{
    return !task->kept && value_of(table, task, value, size);
}

bool hayi_recorded_kept(const struct hayi_journal_table *table,
                        const struct hayi_recorded *task,
                        struct hayi_journal_kept *kept)
{
    const void *value = NULL;
    size_t size = 0;
    if (!task->kept || !value_of(table, task, &value, &size)) {
        return false;
    }
    memcpy(kept, value, sizeof(*kept));
    return true;
}

bool hayi_recorded_output(const struct hayi_journal_table *table,
                          const struct hayi_recorded *task,
                          struct hayi_recorded_output *output)
{
    if (task->output == 0) {
        return false;
    }
    const struct hayi_recorded_output_row *row = &table->outputs[task->output];
    for (int i = 0; i < 2; i++) {
        output->path[i] =
            row->path[i] != 0 ? text_of(table, row->path[i]) : NULL;
        output->offset[i] = row->offset[i];
        output->length[i] = row->length[i];
    }
    return true;
}

const struct hayi_recorded_file *
hayi_recorded_file(const struct hayi_journal_table *table, uint32_t file)
{
    return file != 0 ? &table->files[file] : NULL;
}
