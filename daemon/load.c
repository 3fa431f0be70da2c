/* load.c: command line -> engine/config.h. */
#include "daemon/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/config.h"

enum { FAULTS_BYTES_MAX = 1 << 20 };

static const char *look_up(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

int load_options(const struct command_line *line, struct options *out_options)
{
    const char **sets = mem_calloc(line->flags_count + 1, sizeof(*sets));
    struct config_sources sources = {
        .file = command_value(line, "config"), .sets = sets, .environment = look_up};
    struct buf faults;
    int status = STATUS_NOMEM;

    buf_init(&faults, FAULTS_BYTES_MAX);
    if (sets == NULL)
        goto out;
    for (size_t i = 0; i < line->flags_count; i++) {
        if (strcmp(line->flags[i].flag->name, "set") == 0)
            sets[sources.sets_count++] = line->flags[i].value;
    }
    status = config_load(&sources, &faults, out_options);
out:
    if (status != 0 && faults.size != 0)
        fwrite(faults.data, 1, faults.size, stderr);
    else if (status != 0)
        command_complain("%s", status_text(status));
    buf_release(&faults);
    mem_free(sets);
    if (status == 0)
        return COMMAND_DONE;
    return status == STATUS_NOMEM ? COMMAND_FAILED : COMMAND_WRONG;
}

/* As configured, else what was built or installed with this program. */
static void find_beside(struct view configured, const char *name, char out_path[LOAD_PATH_BYTES])
{
    char program[LOAD_PATH_BYTES / 2];
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
    char *slash;

    if (configured.size != 0 || size <= 0) {
        snprintf(out_path, LOAD_PATH_BYTES, "%.*s", (int)configured.size, configured.data);
        return;
    }
    program[size] = '\0';
    slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    snprintf(out_path, LOAD_PATH_BYTES, "%s/libexec/%s", program, name);
    if (access(out_path, R_OK) != 0)
        snprintf(out_path, LOAD_PATH_BYTES, "%s/../libexec/%s", program, name);
}

void load_draw_helper(const struct options *options, char out_path[LOAD_PATH_BYTES])
{
    find_beside(options->draw_helper, "spanmap-draw", out_path);
}

void load_grpc_module(const struct options *options, char out_path[LOAD_PATH_BYTES])
{
    find_beside(options->grpc_module, "spanmap-grpc.so", out_path);
}
