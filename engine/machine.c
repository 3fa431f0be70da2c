/* machine.c: physical memory, affinity, and the files of the control groups. */
#include "engine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 4096, PATH_BYTES = 4096 };

/* Reads a small file whole; false where there is none. */
static bool read_file(const char *path, char out_text[TEXT_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;

    if (fd < 0)
        return false;
    while (size < TEXT_BYTES - 1) {
        ssize_t got = read(fd, out_text + size, TEXT_BYTES - 1 - size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    close(fd);
    out_text[size] = '\0';
    return true;
}

/* This process's group below a hierarchy: `name` is "" for version 2, a controller's for
 * version 1. The result is "" where it is the root, or is unknown. */
static void group_path(const char *root, const char *name, char out_path[TEXT_BYTES])
{
    char file[PATH_BYTES];
    char text[TEXT_BYTES];
    char *line = text;

    out_path[0] = '\0';
    snprintf(file, sizeof(file), "%s/proc/self/cgroup", root);
    if (!read_file(file, text))
        return;
    while (line != NULL && *line != '\0') {
        char *next = strchr(line, '\n');
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

        if (next != NULL)
            *next++ = '\0';
        if (path != NULL) {
            *path++ = '\0';
            controllers++;
            if (strcmp(controllers, name) == 0) {
                snprintf(out_path, TEXT_BYTES, "%s", strcmp(path, "/") == 0 ? "" : path);
                return;
            }
        }
        line = next;
    }
}

/* Calls `take` with the text of `file` in this process's group and in each above it. */
static void each_level(const char *root, const char *hierarchy, const char *controller,
                       const char *file, void (*take)(void *context, const char *text),
                       void *context)
{
    char group[TEXT_BYTES];
    char path[3 * PATH_BYTES];
    char text[TEXT_BYTES];

    group_path(root, controller, group);
    for (;;) {
        char *end = strrchr(group, '/');

        snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s%s/%s", root, hierarchy, group, file);
        if (read_file(path, text))
            take(context, text);
        if (end == NULL)
            return;
        *end = '\0';
    }
}

static void take_bytes(void *context, const char *text)
{
    uint64_t *least = context;
    char *end;
    unsigned long long bytes = strtoull(text, &end, 10);

    /* "max" is no number, and no limit. */
    if (end != text && bytes != 0 && bytes < *least)
        *least = bytes;
}

uint64_t machine_memory_bytes(const char *root)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    uint64_t bytes = UINT64_C(1) << 30;

    if (pages > 0 && page > 0)
        bytes = (uint64_t)pages * (uint64_t)page;
    each_level(root, "", "", "memory.max", take_bytes, &bytes);
    each_level(root, "/memory", "memory", "memory.limit_in_bytes", take_bytes, &bytes);
    return bytes;
}

static void take_cores(void *context, const char *text)
{
    unsigned *least = context;
    char *end;
    unsigned long long quota = strtoull(text, &end, 10);
    unsigned long long period = end != text ? strtoull(end, NULL, 10) : 0;
    unsigned long long cores;

    if (quota == 0 || period == 0)
        return;
    cores = (quota + period - 1) / period;
    if (cores < *least)
        *least = (unsigned)cores;
}

unsigned machine_cores(const char *root)
{
    unsigned cores = 1;
    cpu_set_t set;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        cores = (unsigned)CPU_COUNT(&set);
    each_level(root, "", "", "cpu.max", take_cores, &cores);
    return cores;
}

uint64_t machine_resident_bytes(void)
{
    char text[TEXT_BYTES];
    char *end;
    long page = sysconf(_SC_PAGESIZE);

    if (page <= 0 || !read_file("/proc/self/statm", text))
        return 0;
    (void)strtoull(text, &end, 10);
    return strtoull(end, NULL, 10) * (uint64_t)page;
}
