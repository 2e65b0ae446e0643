/* mandelbrot.c - the Mandelbrot set, chunk by chunk into an HDF5 file, and from
 * there as a picture: mandelbrot NAME [SIZE [DEPTH]] makes NAME.h5 and NAME.png
 * (NAME.pgm without libpng).  Run again after an end in the middle it computes
 * the chunks that are missing.
 */
#include <hayfork/hayfork.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef HAVE_LIBPNG
#include <png.h>
#endif

/* How often z = z^2 + c before it leaves the circle of radius 2. */
static uint16_t escape(double re, double im, int64_t depth)
{
    double x = 0, y = 0;
    int64_t n = 0;
    for (; n < depth && x * x + y * y < 4; n++) {
        double next = x * x - y * y + re;
        y = 2 * x * y + im;
        x = next;
    }
    return (uint16_t)n;
}

/* Arguments: the picture's size, the depth.  Returns its block of it. */
HAY_TASK(block)
{
    hay_block at;
    int64_t size, depth;
    void *data = NULL;
    HAY_TRY(hay_task_block(task, &at));
    HAY_TRY(hay_arg_int64(task, 0, &size));
    HAY_TRY(hay_arg_int64(task, 1, &depth));
    HAY_TRY(hay_return_alloc_array(task, HAY_U16, 2, at.region.count, &data));
    uint16_t *out = data;
    for (uint64_t r = 0; r < at.region.count[0]; r++) {
        for (uint64_t c = 0; c < at.region.count[1]; c++) {
            double re = (double)(at.region.start[1] + c) / (double)size;
            double im = (double)(at.region.start[0] + r) / (double)size;
            *out++ = escape(3 * re - 2.25, 3 * im - 1.5, depth);
        }
    }
    return HAY_OK;
}

/* grey[size * size] to NAME.png or NAME.pgm; false: it cannot be written. */
static bool draw(const char *name, const unsigned char *grey, uint64_t size)
{
    char path[1000];
#ifdef HAVE_LIBPNG
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)size,
                       .height = (png_uint_32)size,
                       .format = PNG_FORMAT_GRAY};
    (void)snprintf(path, sizeof(path), "%s.png", name);
    bool good = png_image_write_to_file(&image, path, 0, grey, 0, NULL) != 0;
#else
    (void)snprintf(path, sizeof(path), "%s.pgm", name);
    FILE *file = fopen(path, "wb");
    bool good = file != NULL
                && fprintf(file, "P5 %d %d 255\n", (int)size, (int)size) > 0
                && fwrite(grey, size, size, file) == size;
    good = file != NULL && fclose(file) == 0 && good;
#endif
    (void)(good ? printf("%s\n", path)
                : fprintf(stderr, "%s cannot be written\n", path));
    return good;
}

static hay_status
picture(const char *name, hay_dataset *image, uint64_t size, int64_t depth)
{
    uint16_t *counts = malloc(size * size * sizeof(*counts));
    unsigned char *grey = malloc(size * size);
    hay_status st = counts != NULL && grey != NULL ? HAY_OK : HAY_ENOMEM;
    if (st == HAY_OK) {
        size_t bytes = size * size * sizeof(*counts);
        st = hay_array_read(image, NULL, HAY_FOREVER, counts, bytes);
    }
    if (st == HAY_OK) {
        for (uint64_t i = 0; i < size * size; i++) {
            grey[i] = (unsigned char)(255 - counts[i] * 255 / depth);
        }
        st = draw(name, grey, size) ? HAY_OK : HAY_EIO;
    }
    free(grey);
    free(counts);
    return st;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    uint64_t size = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    int64_t depth = argc > 3 ? atoll(argv[3]) : 500;
    const uint64_t shape[2] = {size, size};
    char path[1000];
    hay_dataset *image = NULL;
    hay_future *map = NULL;
    int64_t computed = 0;
    hay_array_options made = HAY_ARRAY_OPTIONS_INIT;
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    if (argc < 2 || size < 1 || depth < 1 || depth > UINT16_MAX) {
        (void)fprintf(stderr, "usage: mandelbrot NAME [SIZE [DEPTH]]\n");
        return HAY_EINVAL;
    }
    made.chunk[0] = made.chunk[1] = 128;
    made.resume = true;
    options.args = HAY_ARGS(hay_int64((int64_t)size), hay_int64(depth));
    options.name = "block";
    (void)snprintf(path, sizeof(path), "%s.h5", argv[1]);
    HAY_TRY(hay_array_create(
        ex, path, "mandelbrot", HAY_U16, 2, shape, &made, &image));
    hay_status st = hay_array_map(ex, block, &options, image, &map);
    if (st == HAY_OK) {
        st = hay_result_int64(map, HAY_FOREVER, &computed);
    }
    if (st == HAY_OK) {
        printf("%lld blocks were missing\n", (long long)computed);
    }
    hay_future_release(map);
    if (st == HAY_OK) {
        st = picture(argv[1], image, size, depth);
    }
    hay_array_release(image);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
