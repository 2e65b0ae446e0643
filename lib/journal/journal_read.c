/* journal_read.c - see journal_read.h: a file into a table. */
#include "config.h"

#include "journal/journal_read.h"

#include "journal/journal_scan.h"
#include "journal/journal_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static hay_status read_all(struct hayi_journal_scan *scan,
                           hayi_journal_visit_fn visit,
                           void *context,
                           struct hayi_journal_table *table,
                           struct hayi_error *err)
{
    struct hayi_journal_record record;
    hay_status status = hayi_journal_scan_next(scan, &record, err);
    while (status == HAY_OK) {
        if (hayi_journal_table_add(table, &record) != HAY_OK) {
            return hayi_fail(
                err, HAY_ENOMEM, "%s: out of memory for it", scan->path);
        }
        if (visit != NULL) {
            visit(context, table, &record, table->epoch_first_ns);
        }
        status = hayi_journal_scan_next(scan, &record, err);
    }
    return status == HAY_EEMPTY ? HAY_OK : status;
}

hay_status hayi_journal_load(const char *path,
                             hayi_journal_visit_fn visit,
                             void *context,
                             struct hayi_journal_table **out,
                             struct hayi_error *err)
{
    struct hayi_journal_scan scan;
    hay_status status = hayi_journal_scan_open(&scan, path, err);
    if (status != HAY_OK) {
        return status;
    }
    struct hayi_journal_table *table = calloc(1, sizeof(*table));
    status = table != NULL ? read_all(&scan, visit, context, table, err)
                           : hayi_fail(err, HAY_ENOMEM, "out of memory");
    if (status == HAY_OK) {
        const struct hayi_journal_cursor *cursor = &scan.cursor;
        hayi_journal_table_made(table);
        table->facts.whole = cursor->whole;
        table->facts.torn =
            scan.file_size > cursor->whole ? scan.file_size - cursor->whole : 0;
        table->facts.damage_first = cursor->damage_first;
        table->facts.damage_bytes = cursor->damage_bytes;
        table->facts.damage_count = cursor->damage_count;
        *out = table;
    } else {
        hayi_journal_table_free(table);
    }
    hayi_journal_scan_close(&scan);
    return status;
}

void hayi_journal_word_damage(const char *path,
                              const struct hayi_journal_facts *facts,
                              char *text,
                              size_t size)
{
    if (facts->damage_count == 0) {
        text[0] = 0;
        return;
    }
    (void)snprintf(text,
                   size,
                   "%s is damaged at byte %" PRIu64 "%s: %" PRIu64
                   " bytes cannot be read; what they told is done again",
                   path,
                   facts->damage_first,
                   facts->damage_count > 1 ? " and further on" : "",
                   facts->damage_bytes);
}
