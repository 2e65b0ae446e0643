/* tomlnone.c - what stands for tomlfile.cc where there is no toml++. */
#include "config.h"

#include "tomlfile.h"

bool tomlfile_available(void)
{
    return false;
}

hay_status tomlfile_parse(struct arena *arena,
                          const char *file,
                          const char *data,
                          size_t size,
                          struct toml_node *root,
                          struct fault *fault)
{
    (void)arena;
    (void)data;
    (void)size;
    (void)root;
    return fault_set(fault,
                     HAY_EUNSUPPORTED,
                     "%.500s: TOML cannot be read: Hayfork was built without "
                     "toml++ (Debian package libtomlplusplus-dev)",
                     file);
}
