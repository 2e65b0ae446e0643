/* journal_again.c - see journal_again.h. */
#include "config.h"

#include "journal/journal_again.h"

#include <string.h>

void hayi_journal_again_init(struct hayi_journal_again *again, const char *path)
{
    *again = (struct hayi_journal_again){.path = path};
}

static const char *name_of(const struct hayi_journal_table *table,
                           hay_task_id id)
{
    const struct hayi_recorded *task = hayi_recorded_by_id(table, id);
    return task != NULL ? hayi_recorded_name(table, task) : "";
}

/* It was not begun when an earlier start ended: it is submitted once more, and
 * each start would add a line for it. */
static bool was_left(const struct hayi_attempt_line *line)
{
    return line->attempt == 0 && strcmp(line->state, "cancelled") == 0;
}

void hayi_journal_again_visit(void *context,
                              const struct hayi_journal_table *table,
                              const struct hayi_journal_record *record,
                              uint64_t first_ns)
{
    struct hayi_journal_again *again = context;
    if (again->folder == NULL && again->error.status == HAY_OK) {
        (void)hayi_run_folder_open_again(
            again->path, &again->folder, &again->error);
    }
    if (again->folder == NULL) {
        return;
    }
    if (record->kind == HAYI_JOURNAL_ATTEMPT && !was_left(&record->u.attempt)) {
        struct hayi_attempt_line line = record->u.attempt;
        line.name = name_of(table, line.task);
        line.start_ns += first_ns;
        line.end_ns += first_ns;
        hayi_run_folder_attempt(again->folder, &line);
    } else if (record->kind == HAYI_JOURNAL_FILE) {
        struct hayi_file_line line = record->u.file;
        line.name = name_of(table, line.task);
        hayi_run_folder_file(again->folder, &line);
    }
}

hay_status hayi_journal_again_end(struct hayi_journal_again *again,
                                  struct hayi_run_folder **folder,
                                  struct hayi_error *err)
{
    if (again->error.status != HAY_OK) {
        return hayi_fail(err, again->error.status, "%s", again->error.text);
    }
    if (again->folder == NULL) {
        return hayi_run_folder_open(again->path, folder, err);
    }
    hay_status status = hayi_run_folder_publish(again->folder, err);
    if (status != HAY_OK) {
        hayi_journal_again_drop(again);
        return status;
    }
    *folder = again->folder;
    again->folder = NULL;
    return HAY_OK;
}

void hayi_journal_again_drop(struct hayi_journal_again *again)
{
    hayi_run_folder_close(again->folder);
    again->folder = NULL;
}
