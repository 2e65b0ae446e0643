/* load.c - RUN FOLDER/load; see load.h.  A line "NAME<tab>VALUE" each; it is
 * written beside and renamed, so that nobody reads half of it. */
#include "config.h"

#include "arena.h"
#include "load.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void name_file(const char *folder, const char *end, struct text *path)
{
    text_clear(path);
    text_format(path, "%s/" LOAD_FILE "%s", folder, end);
}

void load_write(const char *folder, const struct load *load)
{
    struct text path = TEXT_INIT;
    struct text draft = TEXT_INIT;
    name_file(folder, "", &path);
    name_file(folder, ".new", &draft);
    FILE *file = fopen(draft.data, "we");
    bool good = file != NULL;
    if (good) {
        (void)fprintf(file,
                      "time_s\t%.3f\nready\t%" PRIu64 "\nrunning\t%" PRIu64
                      "\nended\t%" PRIu64 "\ncores\t%" PRIu32
                      "\nworkers\t%" PRIu32 "\nown_workers\t%" PRIu32 "\n",
                      load->time_s,
                      load->ready,
                      load->running,
                      load->ended,
                      load->cores,
                      load->workers,
                      load->own);
        if (load->left_s != GROW_FOREVER) {
            (void)fprintf(file, "left_s\t%" PRIu64 "\n", load->left_s);
        }
        (void)fprintf(file, "ending\t%d\n", load->ending);
        good = ferror(file) == 0;
        good = fclose(file) == 0 && good;
    }
    if (!good || rename(draft.data, path.data) != 0) {
        unlink(draft.data);
    }
    text_fini(&draft);
    text_fini(&path);
}

void load_remove(const char *folder)
{
    struct text path = TEXT_INIT;
    name_file(folder, "", &path);
    unlink(path.data);
    text_fini(&path);
}

static void take_line(struct load *load,
                      const char *name,
                      const char *value,
                      unsigned *seen)
{
    uint64_t n = 0;
    double time_s = 0;
    if (strcmp(name, "time_s") == 0 && units_real(value, &time_s)) {
        load->time_s = time_s;
        *seen |= 1;
    } else if (!units_uint(value, UINT64_MAX, &n)) {
        return;
    } else if (strcmp(name, "ready") == 0) {
        load->ready = n;
        *seen |= 2;
    } else if (strcmp(name, "running") == 0) {
        load->running = n;
    } else if (strcmp(name, "ended") == 0) {
        load->ended = n;
    } else if (strcmp(name, "cores") == 0) {
        load->cores = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    } else if (strcmp(name, "workers") == 0) {
        load->workers = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    } else if (strcmp(name, "own_workers") == 0) {
        load->own = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    } else if (strcmp(name, "left_s") == 0) {
        load->left_s = n;
    } else if (strcmp(name, "ending") == 0) {
        load->ending = n != 0;
    }
}

hay_status load_read(const char *folder, struct load *load, struct fault *fault)
{
    struct text path = TEXT_INIT;
    char line[128];
    struct load got = {.left_s = GROW_FOREVER};
    unsigned seen = 0;
    hay_status status = HAY_OK;
    name_file(folder, "", &path);
    FILE *file = fopen(path.data, "re");
    if (file == NULL) {
        status = fault_set(fault,
                           errno == ENOENT ? HAY_EEMPTY : HAY_EIO,
                           "%.500s: %s",
                           path.data,
                           strerror(errno));
    }
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *value = strchr(line, '\t');
        if (value != NULL) {
            *value++ = '\0';
            value[strcspn(value, "\n")] = '\0';
            take_line(&got, line, value, &seen);
        }
    }
    if (file != NULL && seen != 3) {
        status = fault_set(
            fault, HAY_EIO, "%.500s: it does not tell a load", path.data);
    }
    if (file != NULL) {
        fclose(file);
    }
    if (status == HAY_OK) {
        *load = got;
    }
    text_fini(&path);
    return status;
}
