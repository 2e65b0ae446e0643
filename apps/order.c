/* order.c - which task of a file has which number in its run; see order.h. */
#include "config.h"

#include "order.h"
#include "table.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME       "order.tsv"
#define FLUSH_EACH 64 /* lines at the beginning that are seen at once */

/* ---- writing ---- */

struct order_writer {
    FILE *file;
    struct text path, draft;
    bool drafted; /* there was one: the new one takes its place at the end */
    uint64_t place, number; /* what would count on */
    uint64_t before, lines;
};

struct order_writer *order_begin(const char *run_folder)
{
    struct order_writer *w = mem_alloc(1, sizeof *w);
    *w = (struct order_writer){.number = 0};
    text_format(&w->path, "%s/" NAME, run_folder);
    text_format(&w->draft, "%s.new", w->path.data);
    w->drafted = access(w->path.data, F_OK) == 0;
    w->file = fopen(w->drafted ? w->draft.data : w->path.data, "we");
    if (w->file == NULL) {
        text_fini(&w->path);
        text_fini(&w->draft);
        free(w);
        return NULL;
    }
    fputs("place\tnumber\tbefore\n", w->file);
    return w;
}

static void put_line(struct order_writer *w, uint64_t place, uint64_t number)
{
    fprintf(w->file,
            "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
            place,
            number,
            w->before);
    if (w->lines++ < FLUSH_EACH) {
        fflush(w->file);
    }
}

void order_note(struct order_writer *w, uint64_t place, uint64_t number)
{
    if (w == NULL) {
        return;
    }
    if (place != w->place || number != w->number) {
        put_line(w, place, number);
    }
    w->before++;
    w->place = place + 1;
    w->number = number + 1;
}

void order_end(struct order_writer *w)
{
    if (w == NULL) {
        return;
    }
    put_line(w, 0, 0);
    bool good = ferror(w->file) == 0;
    good = fclose(w->file) == 0 && good;
    if (w->drafted && good) {
        (void)rename(w->draft.data, w->path.data);
    }
    text_fini(&w->path);
    text_fini(&w->draft);
    free(w);
}

/* ---- reading ---- */

struct order_row {
    uint64_t place, number, count;
};

static void take_row(void *context, char **columns, size_t count)
{
    struct order *order = context;
    struct order_row row = {.count = UINT64_MAX};
    uint64_t before = 0;
    (void)count;
    if (!units_uint(columns[0], UINT64_MAX, &row.place)
        || !units_uint(columns[1], UINT64_MAX, &row.number)
        || !units_uint(columns[2], UINT64_MAX, &before)) {
        return;
    }
    if (order->count > 0) {
        struct order_row *last = &order->rows[order->count - 1];
        last->count =
            last->count == UINT64_MAX ? before - order->before : last->count;
    }
    order->before = before;
    if (row.number != 0) {
        order->rows = mem_grow(
            order->rows, order->count, &order->room, sizeof *order->rows);
        order->rows[order->count++] = row;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct order_row *x = a;
    const struct order_row *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

hay_status
order_read(const char *run_folder, struct order *order, struct fault *fault)
{
    struct text path = TEXT_INIT;
    *order = (struct order){.there = false};
    text_format(&path, "%s/" NAME, run_folder);
    order->there = access(path.data, F_OK) == 0;
    text_fini(&path);
    if (!order->there) {
        return HAY_OK;
    }
    hay_status status = table_read(run_folder, NAME, 3, take_row, order, fault);
    if (status == HAY_OK && order->count > 0) {
        qsort(order->rows, order->count, sizeof *order->rows, by_number);
    }
    return status;
}

bool order_place(const struct order *order, uint64_t number, uint64_t *place)
{
    size_t low = 0;
    size_t high = order->count;
    if (!order->there) {
        *place = number;
        return true;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order->rows[middle].number <= number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return false;
    }
    const struct order_row *row = &order->rows[low - 1];
    *place = row->place + (number - row->number);
    return number - row->number < row->count;
}

void order_fini(struct order *order)
{
    free(order->rows);
    *order = (struct order){.rows = NULL};
}
