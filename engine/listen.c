/* listen.c: names become numbers, and names of sockets descriptors. */
#include "engine/listen.h"

#include <stdio.h>

#include "engine/users.h"

enum { MODE_MAX = 0777 };

int listen_mode(struct view text, uint32_t *out_mode)
{
    uint32_t mode = 0;

    if (text.size < 3 || text.size > 4)
        return STATUS_INVALID;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '7')
            return STATUS_INVALID;
        mode = mode << 3 | (uint32_t)(text.data[i] - '0');
    }
    if (mode > MODE_MAX)
        return STATUS_INVALID;
    *out_mode = mode;
    return 0;
}

static int find_rights(const struct options *options, char out_error[256],
                       struct address_rights *rights)
{
    rights->has_mode = options->listen_unix_mode.size != 0;
    rights->has_owner = options->listen_unix_owner.size != 0;
    rights->has_group = options->listen_unix_group.size != 0;
    if (rights->has_mode && listen_mode(options->listen_unix_mode, &rights->mode) != 0) {
        (void)snprintf(out_error, 256, "listen.unix_mode: '%.20s' is not octal",
                       options->listen_unix_mode.data);
        return STATUS_INVALID;
    }
    if (rights->has_owner && user_find(options->listen_unix_owner.data, &rights->owner) != 0) {
        (void)snprintf(out_error, 256, "listen.unix_owner: there is no user '%.100s' here",
                       options->listen_unix_owner.data);
        return STATUS_INVALID;
    }
    if (rights->has_group && group_find(options->listen_unix_group.data, &rights->group) != 0) {
        (void)snprintf(out_error, 256, "listen.unix_group: there is no group '%.100s' here",
                       options->listen_unix_group.data);
        return STATUS_INVALID;
    }
    return 0;
}

/* By its name, or by the descriptor's number. */
static bool is_meant(const struct passed_socket *socket, struct view name)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%d", socket->fd);
    return view_equal(view_of(socket->name), name) || view_equal(view_of(number), name);
}

static int find_sockets(struct passed_sockets passed, char out_error[256], struct address *address)
{
    for (size_t i = 0; i < passed.count; i++) {
        if (!is_meant(&passed.list[i], view_of(address->path)))
            continue;
        if (address->fds_count == ADDRESS_FDS_MAX) {
            (void)snprintf(out_error, 256, "fd:%s: more than %d sockets have this name",
                           address->path, ADDRESS_FDS_MAX);
            return STATUS_FULL;
        }
        if (passed.list[i].is_used) {
            (void)snprintf(out_error, 256, "fd:%s: this socket is another door's already",
                           address->path);
            return STATUS_INVALID;
        }
        address->fds[address->fds_count++] = passed.list[i].fd;
        passed.list[i].is_used = true;
    }
    return 0;
}

int listen_address(const struct options *options, struct passed_sockets passed, struct view text,
                   char out_error[256], struct address *out_address)
{
    struct address address;
    int status = address_parse(text, out_error, &address);

    if (status == 0 && address.type == ADDRESS_UNIX)
        status = find_rights(options, out_error, &address.rights);
    if (status == 0 && address.type == ADDRESS_PASSED)
        status = find_sockets(passed, out_error, &address);
    if (status == 0)
        *out_address = address;
    return status;
}
