/* table.h - reads the tables of a run folder: a head, then lines of columns. */
#ifndef APPS_TABLE_H
#define APPS_TABLE_H

#include "arena.h"
#include "fault.h"

#define TABLE_COLUMNS_MAX 20

typedef void (*table_row_fn)(void *context, char **columns, size_t count);

/* Call 'row' for each whole line of FOLDER/NAME behind the head that has at
 * least 'least' columns; the texts are the callee's during the call.
 * HAY_EIO: no such file. */
hay_status table_read(const char *folder,
                      const char *name,
                      size_t least,
                      table_row_fn row,
                      void *context,
                      struct fault *fault);

#endif
