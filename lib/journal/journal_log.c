/* journal_log.c - see journal_log.h.
 *
 *   head    "hayfork journal\n", version (4), 0 (4), hash of these 24 (8), 0
 *   record  mark "HJ" (2), kind (2), size of the body (4), check (8), body, 0
 *
 * Numbers are little-endian, with their bytes in brackets; a text is its size
 * with its last 0 (4) and its bytes.  man/hayfork-journal.5 has the bodies.
 *
 * Finding the next record after damage costs a look at every eighth byte, and a
 * hash where a mark is.
 */
#include "config.h"

#include "journal/journal_log.h"

#include "base/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define MAGIC "hayfork journal\n"
#define MARK  0x4a48u /* "HJ" */

enum {
    MAGIC_BYTES = 16,
    VERSION_AT = 16,
    CHECK_AT = 24,
};

static const char *const state_names[] = {"",
                                          "finished",
                                          "failed",
                                          "cancelled",
                                          "lost"};
enum { STATE_COUNT = sizeof(state_names) / sizeof(state_names[0]) };

/* ---- numbers ---------------------------------------------------------------
 */

static uint32_t get32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16
           | (uint32_t)at[3] << 24;
}

static uint64_t get64(const unsigned char *at)
{
    return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static void set32(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (unsigned char)(number >> (8 * i));
    }
}

static void set64(unsigned char *at, uint64_t number)
{
    set32(at, (uint32_t)number);
    set32(at + 4, (uint32_t)(number >> 32));
}

static uint64_t padded(uint64_t size)
{
    return (size + 7) & ~UINT64_C(7);
}

/* Of a record at a place of the file: its body's hash, with the rest mixed in
 * (the last lines are the finalizer of MurmurHash3). */
static uint64_t
check_of(uint64_t at, const unsigned char *head, const void *body, size_t size)
{
    uint64_t sum = hayi_hash(HAYI_HASH_XXH64, body, size);
    sum ^= at * UINT64_C(0x9e3779b97f4a7c15);
    sum ^= get64(head) * UINT64_C(0xc2b2ae3d27d4eb4f);
    sum = (sum ^ sum >> 33) * UINT64_C(0xff51afd7ed558ccd);
    sum = (sum ^ sum >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return sum ^ sum >> 33;
}

/* ---- writing ---------------------------------------------------------------
 */

struct writer {
    unsigned char *at;
};

static void put8(struct writer *w, uint8_t number)
{
    *w->at++ = number;
}

static void put32(struct writer *w, uint32_t number)
{
    set32(w->at, number);
    w->at += 4;
}

static void put64(struct writer *w, uint64_t number)
{
    set64(w->at, number);
    w->at += 8;
}

static void put_bytes(struct writer *w, const void *bytes, size_t size)
{
    put32(w, (uint32_t)size);
    if (size > 0) {
        memcpy(w->at, bytes, size);
    }
    w->at += size;
}

static size_t text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 1;
}

static void put_text(struct writer *w, const char *text)
{
    put_bytes(w, text != NULL ? text : "", text_size(text));
}

/* Room for a record whose body has 'size' bytes; HAY_ENOMEM, HAY_ETOOBIG. */
static hay_status begin(struct hayi_buffer *log, size_t size, struct writer *w)
{
    if (size > HAYI_JOURNAL_BODY_MAX) {
        return HAY_ETOOBIG;
    }
    size_t whole = HAYI_JOURNAL_RECORD_HEAD + (size_t)padded(size);
    unsigned char *place = hayi_buffer_extend(log, whole);
    if (place == NULL) {
        return HAY_ENOMEM;
    }
    memset(place + whole - 8, 0, 8);
    w->at = place + HAYI_JOURNAL_RECORD_HEAD;
    return HAY_OK;
}

static hay_status end(struct writer *w,
                      enum hayi_journal_kind kind,
                      uint64_t at,
                      unsigned char *body,
                      size_t size)
{
    unsigned char *head = body - HAYI_JOURNAL_RECORD_HEAD;
    assert(w->at == body + size);
    set32(head, MARK | (uint32_t)kind << 16);
    set32(head + 4, (uint32_t)size);
    set64(head + 8, check_of(at, head, body, size));
    return HAY_OK;
}

hay_status hayi_journal_put_head(struct hayi_buffer *log)
{
    unsigned char *head = hayi_buffer_extend(log, HAYI_JOURNAL_HEAD);
    if (head == NULL) {
        return HAY_ENOMEM;
    }
    memset(head, 0, HAYI_JOURNAL_HEAD);
    memcpy(head, MAGIC, MAGIC_BYTES);
    set32(head + VERSION_AT, HAYI_JOURNAL_VERSION);
    set64(head + CHECK_AT, hayi_hash(HAYI_HASH_XXH64, head, CHECK_AT));
    return HAY_OK;
}

hay_status hayi_journal_put_run(struct hayi_buffer *log,
                                uint64_t at,
                                const struct hayi_journal_run *run)
{
    struct writer w;
    size_t size = 4 + 4 + 8 + 5 * 4 + text_size(run->version)
                  + text_size(run->host) + text_size(run->job)
                  + text_size(run->cwd) + run->args_size;
    hay_status status = begin(log, size, &w);
    if (status != HAY_OK) {
        return status;
    }
    unsigned char *body = w.at;
    put32(&w, run->epoch);
    put32(&w, (uint32_t)run->pid);
    put64(&w, run->wall_ns);
    put_text(&w, run->version);
    put_text(&w, run->host);
    put_text(&w, run->job);
    put_text(&w, run->cwd);
    put_bytes(&w, run->args, run->args_size);
    return end(&w, HAYI_JOURNAL_RUN, at, body, size);
}

enum { TASK_NESTED = 1, TASK_KEY = 2 };

static bool has_key(const struct hayi_journal_key *key)
{
    return (key->what | key->around | key->inputs | key->files) != 0;
}

hay_status hayi_journal_put_task(struct hayi_buffer *log,
                                 uint64_t at,
                                 const struct hayi_journal_task *task)
{
    struct writer w;
    bool key = has_key(&task->key);
    size_t size = 8 + 1 + 1 + 4 + 4 + (key ? 32u : 0u) + 2 * 4
                  + text_size(task->name) + text_size(task->category);
    hay_status status = begin(log, size, &w);
    if (status != HAY_OK) {
        return status;
    }
    unsigned char *body = w.at;
    put64(&w, task->id);
    put8(&w, task->kind);
    put8(&w,
         (uint8_t)((task->nested ? TASK_NESTED : 0) | (key ? TASK_KEY : 0)));
    put32(&w, task->ordinal);
    put32(&w, task->cores);
    if (key) {
        put64(&w, task->key.what);
        put64(&w, task->key.around);
        put64(&w, task->key.inputs);
        put64(&w, task->key.files);
    }
    put_text(&w, task->name);
    put_text(&w, task->category);
    return end(&w, HAYI_JOURNAL_TASK, at, body, size);
}

/* By its name; 0: none of them. */
static uint8_t state_number(const char *name)
{
    for (uint8_t i = STATE_COUNT - 1; i > 0; i--) {
        if (strcmp(name, state_names[i]) == 0) {
            return i;
        }
    }
    return 0;
}

static bool has_output(const struct hayi_attempt_line *line)
{
    return line->length[0] + line->length[1] > 0;
}

hay_status hayi_journal_put_attempt(struct hayi_buffer *log,
                                    uint64_t at,
                                    const struct hayi_attempt_line *line)
{
    struct writer w;
    bool output = has_output(line);
    size_t size = 8 + 4 * 4 + 2 * 8 + 2 * 4 + 8 + 2 + 3 * 4
                  + text_size(line->reason) + text_size(line->cause)
                  + text_size(line->had);
    for (int i = 0; output && i < 2; i++) {
        size += 8 + 8 + 4 + text_size(line->path[i]);
    }
    hay_status status = begin(log, size, &w);
    if (status != HAY_OK) {
        return status;
    }
    unsigned char *body = w.at;
    put64(&w, line->task);
    put32(&w, line->attempt);
    put32(&w, line->worker);
    put32(&w, line->slot);
    put32(&w, line->cores);
    put64(&w, line->start_ns);
    put64(&w, line->end_ns);
    put32(&w, (uint32_t)line->exit_code);
    put32(&w, (uint32_t)line->signal);
    put64(&w, line->memory_peak_bytes);
    put8(&w, state_number(line->state));
    put8(&w, output);
    put_text(&w, line->reason);
    put_text(&w, line->cause);
    put_text(&w, line->had);
    for (int i = 0; output && i < 2; i++) {
        put64(&w, line->offset[i]);
        put64(&w, line->length[i]);
        put_text(&w, line->path[i]);
    }
    return end(&w, HAYI_JOURNAL_ATTEMPT, at, body, size);
}

hay_status hayi_journal_put_result(struct hayi_buffer *log,
                                   uint64_t at,
                                   const struct hayi_journal_result *result)
{
    /* the value on a multiple of 8, as in memory */
    struct writer w;
    size_t size = 8 + 4 + 4 + result->size;
    hay_status status = begin(log, size, &w);
    if (status != HAY_OK) {
        return status;
    }
    unsigned char *body = w.at;
    put64(&w, result->task);
    put32(&w, 0);
    put_bytes(&w, result->value, result->size);
    return end(&w, HAYI_JOURNAL_RESULT, at, body, size);
}

hay_status hayi_journal_put_kept(struct hayi_buffer *log,
                                 uint64_t at,
                                 const struct hayi_journal_kept *kept)
{
    struct writer w;
    size_t size = 8 + 4 + 4 + 8 + 8;
    hay_status status = begin(log, size, &w);
    if (status != HAY_OK) {
        return status;
    }
    unsigned char *body = w.at;
    put64(&w, kept->task);
    put32(&w, kept->attempt);
    put32(&w, 0);
    put64(&w, kept->bytes);
    put64(&w, kept->hash);
    return end(&w, HAYI_JOURNAL_KEPT, at, body, size);
}

hay_status hayi_journal_put_file(struct hayi_buffer *log,
                                 uint64_t at,
                                 const struct hayi_file_line *line)
{
    struct writer w;
    size_t size = 8 + 8 + 1 + 4 + text_size(line->path);
    hay_status status = begin(log, size, &w);
    if (status != HAY_OK) {
        return status;
    }
    unsigned char *body = w.at;
    put64(&w, line->task);
    put64(&w, line->bytes);
    put8(&w, line->out);
    put_text(&w, line->path);
    return end(&w, HAYI_JOURNAL_FILE, at, body, size);
}

hay_status hayi_journal_put_state(struct hayi_buffer *log,
                                  uint64_t at,
                                  const struct hayi_journal_state *state)
{
    struct writer w;
    size_t size = 4 + 4 + 4 * 8 + 4 + text_size(state->text);
    hay_status status = begin(log, size, &w);
    if (status != HAY_OK) {
        return status;
    }
    unsigned char *body = w.at;
    put32(&w, state->epoch);
    put32(&w, state->state);
    put64(&w, state->wall_ns);
    put64(&w, state->finished);
    put64(&w, state->failed);
    put64(&w, state->cancelled);
    put_text(&w, state->text);
    return end(&w, HAYI_JOURNAL_STATE, at, body, size);
}

/* ---- reading ---------------------------------------------------------------
 */

/* 'bad' once something was not there; what is got then is 0 or "". */
struct reader {
    const unsigned char *at;
    size_t left;
    bool bad;
};

static const unsigned char *take(struct reader *r, size_t size)
{
    static const unsigned char zeros[8];
    if (size > r->left) {
        r->bad = true;
        r->left = 0;
        return zeros;
    }
    const unsigned char *at = r->at;
    r->at += size;
    r->left -= size;
    return at;
}

static uint8_t take8(struct reader *r)
{
    return *take(r, 1);
}

static uint32_t take32(struct reader *r)
{
    return get32(take(r, 4));
}

static uint64_t take64(struct reader *r)
{
    return get64(take(r, 8));
}

static const void *take_bytes(struct reader *r, size_t *size)
{
    *size = take32(r);
    if (*size > r->left) {
        r->bad = true;
        *size = 0;
    }
    return *size > 0 ? take(r, *size) : (const void *)"";
}

static const char *take_text(struct reader *r)
{
    size_t size;
    const char *text = take_bytes(r, &size);
    if (size == 0 || text[size - 1] != 0) {
        r->bad = true;
        return "";
    }
    return text;
}

static void read_run(struct reader *r, struct hayi_journal_run *run)
{
    run->epoch = take32(r);
    run->pid = (int32_t)take32(r);
    run->wall_ns = take64(r);
    run->version = take_text(r);
    run->host = take_text(r);
    run->job = take_text(r);
    run->cwd = take_text(r);
    run->args = take_bytes(r, &run->args_size);
    if (run->args_size > 0 && run->args[run->args_size - 1] != 0) {
        r->bad = true;
    }
}

static void read_task(struct reader *r, struct hayi_journal_task *task)
{
    task->id = take64(r);
    task->kind = take8(r);
    uint8_t flags = take8(r);
    task->nested = (flags & TASK_NESTED) != 0;
    task->ordinal = take32(r);
    task->cores = take32(r);
    if ((flags & TASK_KEY) != 0) {
        task->key.what = take64(r);
        task->key.around = take64(r);
        task->key.inputs = take64(r);
        task->key.files = take64(r);
    }
    task->name = take_text(r);
    task->category = take_text(r);
}

static void read_attempt(struct reader *r, struct hayi_attempt_line *line)
{
    line->name = "";
    line->task = take64(r);
    line->attempt = take32(r);
    line->worker = take32(r);
    line->slot = take32(r);
    line->cores = take32(r);
    line->start_ns = take64(r);
    line->end_ns = take64(r);
    line->exit_code = (int)take32(r);
    line->signal = (int)take32(r);
    line->memory_peak_bytes = take64(r);
    uint8_t state = take8(r);
    line->state = state < STATE_COUNT ? state_names[state] : "";
    bool output = take8(r) != 0;
    line->reason = take_text(r);
    line->cause = take_text(r);
    line->had = take_text(r);
    for (int i = 0; output && i < 2; i++) {
        line->offset[i] = take64(r);
        line->length[i] = take64(r);
        line->path[i] = take_text(r);
        if (line->path[i][0] == 0) {
            line->path[i] = NULL;
        }
    }
}

static void read_state(struct reader *r, struct hayi_journal_state *state)
{
    state->epoch = take32(r);
    state->state = take32(r);
    state->wall_ns = take64(r);
    state->finished = take64(r);
    state->failed = take64(r);
    state->cancelled = take64(r);
    state->text = take_text(r);
}

/* false: it does not hold what its kind needs. */
static bool read_body(const unsigned char *body,
                      size_t size,
                      struct hayi_journal_record *record)
{
    struct reader r = {.at = body, .left = size};
    memset(&record->u, 0, sizeof(record->u));
    switch (record->kind) {
    case HAYI_JOURNAL_RUN:
        read_run(&r, &record->u.run);
        break;
    case HAYI_JOURNAL_TASK:
        read_task(&r, &record->u.task);
        break;
    case HAYI_JOURNAL_ATTEMPT:
        read_attempt(&r, &record->u.attempt);
        break;
    case HAYI_JOURNAL_RESULT:
        record->u.result.task = take64(&r);
        (void)take32(&r);
        record->u.result.value = take_bytes(&r, &record->u.result.size);
        break;
    case HAYI_JOURNAL_KEPT:
        record->u.kept.task = take64(&r);
        record->u.kept.attempt = take32(&r);
        (void)take32(&r);
        record->u.kept.bytes = take64(&r);
        record->u.kept.hash = take64(&r);
        break;
    case HAYI_JOURNAL_FILE:
        record->u.file.name = "";
        record->u.file.task = take64(&r);
        record->u.file.bytes = take64(&r);
        record->u.file.out = take8(&r) != 0;
        record->u.file.path = take_text(&r);
        break;
    case HAYI_JOURNAL_STATE:
        read_state(&r, &record->u.state);
        break;
    default:
        break;
    }
    return !r.bad;
}

hay_status hayi_journal_check_head(const void *head,
                                   size_t size,
                                   const char *path,
                                   struct hayi_error *err)
{
    const unsigned char *h = head;
    size_t known = size < MAGIC_BYTES ? size : MAGIC_BYTES;
    if (known > 0 && memcmp(h, MAGIC, known) != 0) {
        return hayi_fail(
            err, HAY_EMISMATCH, "%s is no journal of hayfork", path);
    }
    if (size < HAYI_JOURNAL_HEAD) {
        return hayi_fail(err, HAY_EEMPTY, "%s ends within its head", path);
    }
    uint32_t version = get32(h + VERSION_AT);
    if (get64(h + CHECK_AT) != hayi_hash(HAYI_HASH_XXH64, h, CHECK_AT)) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "%s: its first %d bytes are damaged",
                         path,
                         HAYI_JOURNAL_HEAD);
    }
    if (version > HAYI_JOURNAL_VERSION) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "%s was written by a newer hayfork (version %" PRIu32
                         " of the journal; this one knows %d)",
                         path,
                         version,
                         HAYI_JOURNAL_VERSION);
    }
    return HAY_OK;
}

void hayi_journal_cursor_init(struct hayi_journal_cursor *cursor)
{
    *cursor = (struct hayi_journal_cursor){
        .base = HAYI_JOURNAL_HEAD,
        .at = HAYI_JOURNAL_HEAD,
        .whole = HAYI_JOURNAL_HEAD,
    };
}

void hayi_journal_cursor_feed(struct hayi_journal_cursor *cursor,
                              const void *data,
                              uint64_t base,
                              uint64_t size,
                              bool last)
{
    assert(base <= cursor->at && base % 8 == 0);
    cursor->data = data;
    cursor->base = base;
    cursor->size = size;
    cursor->last = last;
}

enum found { NONE_THERE, WHOLE, CUT };

/* Is a whole record there?  CUT: the window ends before that is known. */
static enum found read_at(const struct hayi_journal_cursor *cursor,
                          uint64_t at,
                          struct hayi_journal_record *record)
{
    uint64_t left = cursor->base + cursor->size - at;
    const enum found cut = cursor->last ? NONE_THERE : CUT;
    if (left < HAYI_JOURNAL_RECORD_HEAD) {
        return cut;
    }
    const unsigned char *head = cursor->data + (at - cursor->base);
    const unsigned char *body = head + HAYI_JOURNAL_RECORD_HEAD;
    uint64_t size = get32(head + 4);
    if ((get32(head) & 0xffff) != MARK || size > HAYI_JOURNAL_BODY_MAX) {
        return NONE_THERE;
    }
    if (padded(size) > left - HAYI_JOURNAL_RECORD_HEAD) {
        return cut;
    }
    if (get64(head + 8) != check_of(at, head, body, (size_t)size)) {
        return NONE_THERE;
    }
    record->kind = get32(head) >> 16;
    record->begin = at;
    record->end = at + HAYI_JOURNAL_RECORD_HEAD + padded(size);
    return read_body(body, (size_t)size, record) ? WHOLE : NONE_THERE;
}

bool hayi_journal_next(struct hayi_journal_cursor *cursor,
                       struct hayi_journal_record *record)
{
    uint64_t window_end = cursor->base + cursor->size;
    while (cursor->at < window_end) {
        enum found found = read_at(cursor, cursor->at, record);
        if (found == CUT) {
            return false;
        }
        if (found == WHOLE) {
            if (cursor->at > cursor->whole) {
                if (cursor->damage_count++ == 0) {
                    cursor->damage_first = cursor->whole;
                }
                cursor->damage_bytes += cursor->at - cursor->whole;
            }
            cursor->at = record->end;
            cursor->whole = record->end;
            return true;
        }
        cursor->at += 8;
    }
    return false;
}
