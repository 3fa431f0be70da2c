/* plugins.c: dlopen of DIR/graphviz/libgvplugin_NAME.so.N, where DIR holds libgvc itself. */
#include "exporters/draw_helper/plugins.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PLUGINS_MAX = 3, VERSION_FIRST = 5, VERSION_LAST = 12 };

/* As libltdl had it: a name and an address, ended by an empty row. */
static lt_symlist_t symbols[PLUGINS_MAX + 1];

static void *open_plugin(const char *folder, size_t folder_size, const char *name)
{
    char file[PATH_MAX];

    for (int version = VERSION_FIRST; version <= VERSION_LAST; version++) {
        void *library;
        int size = snprintf(file, sizeof(file), "%.*s/graphviz/libgvplugin_%s.so.%d",
                            (int)folder_size, folder, name, version);
        if (size <= 0 || (size_t)size >= sizeof(file))
            return NULL;
        library = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
        if (library != NULL)
            return library;
    }
    return NULL;
}

/* Adds a plugin behind `count` others. */
static bool add(const char *folder, size_t folder_size, const char *name, const char *symbol,
                size_t *count)
{
    void *library = open_plugin(folder, folder_size, name);
    void *address = library != NULL ? dlsym(library, symbol) : NULL;

    if (address == NULL)
        return false;
    symbols[*count] = (lt_symlist_t){(char *)(uintptr_t)symbol, address};
    *count += 1;
    return true;
}

GVC_t *plugins_context(bool with_pango)
{
    Dl_info info;
    const char *slash;
    size_t size;
    size_t count = 0;
    void *own = dlsym(RTLD_DEFAULT, "gvContextPlugins");
    bool found = false;

    if (own != NULL && dladdr(own, &info) != 0 && info.dli_fname != NULL) {
        slash = strrchr(info.dli_fname, '/');
        size = slash != NULL ? (size_t)(slash - info.dli_fname) : 0;
        found = add(info.dli_fname, size, "core", "gvplugin_core_LTX_library", &count) &&
                add(info.dli_fname, size, "dot_layout", "gvplugin_dot_layout_LTX_library", &count);
        if (found && with_pango)
            found = add(info.dli_fname, size, "pango", "gvplugin_pango_LTX_library", &count);
    }
    return found ? gvContextPlugins(symbols, 0) : gvContext();
}
