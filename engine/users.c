/* users.c: the system's look-ups, without their hidden state. */
#include "engine/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

enum { ENTRY_BYTES = 16 * 1024 };

static bool is_number(const char *name)
{
    return name[0] >= '0' && name[0] <= '9';
}

static int parse(const char *text, uint32_t *out_number)
{
    unsigned long number;
    char *end;

    errno = 0;
    number = strtoul(text, &end, 10);
    /* The largest means nobody. */
    if (errno != 0 || *end != '\0' || number >= UINT32_MAX)
        return STATUS_NOT_FOUND;
    *out_number = (uint32_t)number;
    return 0;
}

int user_find(const char *name, uint32_t *out_user)
{
    char memory[ENTRY_BYTES];
    struct passwd entry;
    struct passwd *found = NULL;

    if (is_number(name))
        return parse(name, out_user);
    if (getpwnam_r(name, &entry, memory, sizeof(memory), &found) != 0 || found == NULL)
        return STATUS_NOT_FOUND;
    *out_user = entry.pw_uid;
    return 0;
}

int group_find(const char *name, uint32_t *out_group)
{
    char memory[ENTRY_BYTES];
    struct group entry;
    struct group *found = NULL;

    if (is_number(name))
        return parse(name, out_group);
    if (getgrnam_r(name, &entry, memory, sizeof(memory), &found) != 0 || found == NULL)
        return STATUS_NOT_FOUND;
    *out_group = entry.gr_gid;
    return 0;
}
