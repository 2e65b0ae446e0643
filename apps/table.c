/* table.c - reads the tables of a run folder; see table.h. */
#include "config.h"

#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hay_status table_read(const char *folder,
                      const char *name,
                      size_t least,
                      table_row_fn row,
                      void *context,
                      struct fault *fault)
{
    struct text path = TEXT_INIT;
    char *line = NULL;
    size_t room = 0;
    ssize_t got;
    text_format(&path, "%s/%s", folder, name);
    FILE *file = fopen(path.data, "re");
    if (file == NULL) {
        fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
        text_fini(&path);
        return HAY_EIO;
    }
    for (size_t number = 0; (got = getline(&line, &room, file)) > 0; number++) {
        char *columns[TABLE_COLUMNS_MAX];
        char *rest = line;
        size_t count = 0;
        if (number == 0 || line[got - 1] != '\n') {
            continue; /* the head, or a line that is being written */
        }
        line[got - 1] = '\0';
        while (count < TABLE_COLUMNS_MAX
               && (columns[count] = strsep(&rest, "\t")) != NULL) {
            count++;
        }
        if (count >= least) {
            row(context, columns, count);
        }
    }
    free(line);
    fclose(file);
    text_fini(&path);
    return HAY_OK;
}
