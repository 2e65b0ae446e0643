/* file_name.c - see file_name.h. */
#include "config.h"

#include "base/file_name.h"

#include <assert.h>

void hayi_file_name(const char *name, char *text, size_t size)
{
    size_t i = 0;
    assert(size > 0);
    for (; name[i] != 0 && i + 1 < size; i++) {
        unsigned char c = (unsigned char)name[i];
        text[i] = c < ' ' || c == '/' || c == 127 ? '_' : name[i];
    }
    text[i] = 0;
    if (text[0] == '.') {
        text[0] = '_';
    }
}
