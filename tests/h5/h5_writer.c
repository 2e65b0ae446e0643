/* h5_writer.c - makes files for t_h5tools.sh, in the folder that it is given:
 * plain.h5 (complete), half.h5 (every second chunk), packed.h5 (shuffle and
 * gzip), flushed.h5 (the same, every second chunk, before it is complete) and
 * results.h5.  Element (r, c) of an array is r * 1000 + c. */
#include "config.h"

#include "data/chunk_file.h"
#include "data/h5store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 130, COLUMNS = 70, CHUNK = 32 };

static struct hayi_files *files;
static const char *folder;

static void must(hay_status status, const struct hayi_error *err)
{
    if (status != HAY_OK) {
        (void)fprintf(stderr, "h5_writer: %s\n", err->text);
        exit(1);
    }
}

static void write_chunk(const struct hayi_dataset *dataset, uint64_t index)
{
    static double numbers[CHUNK * CHUNK];
    struct hayi_grid grid;
    hay_region region;
    struct hayi_error err;
    uint64_t many = 0;
    hayi_dataset_grid(dataset, &grid);
    hayi_grid_region(&grid, index, &region);
    for (uint64_t r = 0; r < region.count[0]; r++) {
        for (uint64_t c = 0; c < region.count[1]; c++) {
            numbers[many++] =
                (double)((region.start[0] + r) * 1000 + region.start[1] + c);
        }
    }
    must(hayi_dataset_write_chunk(
             files, dataset, index, numbers, many * sizeof(double), &err),
         &err);
}

static void array(const char *name, struct hayi_filters filters, bool half)
{
    char path[4096];
    struct hayi_error err;
    struct hayi_grid grid;
    struct hayi_dataset *dataset = NULL;
    double scale = 0.5;
    struct hayi_h5_attribute attributes[] = {
        {.name = "units", .text = "kelvin"},
        {.name = "scale", .dtype = HAY_F64, .count = 1, .data = &scale},
    };
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    struct hayi_h5_plan plan = {
        .path = path,
        .name = "/group/a",
        .dtype = HAY_F64,
        .ndim = 2,
        .shape = {ROWS, COLUMNS},
        .chunk = {CHUNK, CHUNK},
        .attributes = attributes,
        .attribute_count = 2,
        .filters = filters,
    };
    must(hayi_h5_create(&plan, &dataset, &err), &err);
    hayi_dataset_grid(dataset, &grid);
    for (uint64_t i = 0; i < grid.total; i += half ? 2 : 1) {
        write_chunk(dataset, i);
    }
    if (!half) {
        must(hayi_dataset_complete(files, dataset, &err), &err);
    } else if (dataset->kind == HAYI_PACKED) {
        must(hayi_h5_pack(dataset, false, &err), &err);
    }
    hayi_dataset_free(dataset);
}

static void results(void)
{
    char path[4096];
    char part[5000];
    struct hayi_error err;
    double numbers[6] = {0, 1, 2, 3, 4, 5};
    struct hayi_h5_item items[] = {
        {.name = "numbers", .dtype = HAY_F64, .ndim = 2, .shape = {2, 3}},
        {.name = "text", .dtype = HAY_U8, .text = true, .ndim = 1, {5}},
    };
    (void)snprintf(path, sizeof(path), "%s/results.h5", folder);
    (void)snprintf(part, sizeof(part), "%s.part", path);
    must(hayi_h5_layout(path, items, 2, &err), &err);
    must(hayi_files_write(
             files, part, items[0].address, numbers, sizeof(numbers), &err),
         &err);
    must(hayi_files_write(files, part, items[1].address, "hello", 5, &err),
         &err);
    must(hayi_h5_finish(path, HAYI_SYNC_END, &err), &err);
}

int main(int argc, char **argv)
{
    struct hayi_error err;
    const struct hayi_filters none = {0, 0};
    const struct hayi_filters both = {1, 4};
    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    must(hayi_files_new(&files, &err), &err);
    array("plain.h5", none, false);
    array("half.h5", none, true);
    array("packed.h5", both, false);
    array("flushed.h5", both, true);
    results();
    hayi_files_free(files);
    return 0;
}
