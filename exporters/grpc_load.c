/* grpc_load.c: dlopen() says which library is missing, and its sentence is passed on. */
#include "exporters/grpc_load.h"

#include <dlfcn.h>
#include <stdio.h>

static void say(char out_error[256], const char *path)
{
    const char *why = dlerror();

    /* Cut, it is one still. */
    (void)snprintf(out_error, 256, "the gRPC module cannot be loaded (%s); grpc.module names it",
                   why != NULL ? why : path);
}

int grpc_load(const char *path, char out_error[256], const struct grpc_port **out_port)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const struct grpc_port *port;

    if (module == NULL) {
        say(out_error, path);
        return STATUS_NOT_FOUND;
    }
    port = dlsym(module, GRPC_PORT_SYMBOL);
    if (port == NULL) {
        say(out_error, path);
        (void)dlclose(module);
        return STATUS_NOT_FOUND;
    }
    if (port->version != GRPC_PORT_VERSION) {
        (void)snprintf(out_error, 256,
                       "the gRPC module %.120s is of version %u, and %u is needed: both must be of "
                       "one spanmap",
                       path, (unsigned)port->version, (unsigned)GRPC_PORT_VERSION);
        (void)dlclose(module);
        return STATUS_UNSUPPORTED;
    }
    *out_port = port;
    return 0;
}
