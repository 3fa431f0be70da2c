/* auth_list.c: lists of tokens and of passwords. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "receiver/auth_priv.h"

/* ------------------------------------------------------------------------- lines */

struct lines {
    struct view rest;
    unsigned number; /* Of the line that was taken last. */
};

/* The next line that says something. */
static bool next_line(struct lines *lines, struct view *out_line)
{
    while (lines->rest.size != 0) {
        const char *end = memchr(lines->rest.data, '\n', lines->rest.size);
        size_t size = end != NULL ? (size_t)(end - lines->rest.data) : lines->rest.size;
        size_t whole = size + (end != NULL);
        struct view line = {lines->rest.data, size};

        lines->rest.data += whole;
        lines->rest.size -= whole;
        lines->number++;
        if (line.size != 0 && line.data[line.size - 1] == '\r')
            line.size--;
        line = view_trim(line);
        if (line.size == 0 || line.data[0] == '#')
            continue;
        *out_line = line;
        return true;
    }
    return false;
}

static size_t count_lines(struct view text)
{
    struct lines lines = {text, 0};
    struct view line;
    size_t count = 0;

    while (next_line(&lines, &line))
        count++;
    return count;
}

static int refuse(const struct lines *lines, const char *reason, char out_error[256])
{
    (void)snprintf(out_error, 256, "line %u: %s", lines->number, reason);
    return STATUS_INVALID;
}

static int refuse_number(const char *what, int max, char out_error[256])
{
    (void)snprintf(out_error, 256, "there are more than %d %s", max, what);
    return STATUS_FULL;
}

/* ------------------------------------------------------------------------ tokens */

int auth_tokens_read(const struct tls_digest *key, struct view text, char out_error[256],
                     struct auth_tokens *out_tokens)
{
    struct auth_tokens tokens = {.count = 0};
    struct lines lines = {text, 0};
    size_t count = count_lines(text);
    struct view line;
    int status = 0;

    if (count > TOKENS_MAX)
        return refuse_number("tokens", TOKENS_MAX, out_error);
    tokens.digests = mem_alloc(count * sizeof(*tokens.digests));
    if (tokens.digests == NULL)
        return STATUS_NOMEM;
    while (status == 0 && next_line(&lines, &line)) {
        if (!auth_is_token(line))
            status = refuse(&lines, "a token is 1 to 4096 visible characters without blanks",
                            out_error);
        else
            status = tls_digest_make(key, line, &tokens.digests[tokens.count++]);
    }
    if (status != 0)
        auth_tokens_release(&tokens);
    else
        *out_tokens = tokens;
    return status;
}

void auth_tokens_release(struct auth_tokens *tokens)
{
    mem_free(tokens->digests);
    *tokens = (struct auth_tokens){.count = 0};
}

/* ------------------------------------------------------------------------- users */

static bool is_known(const struct auth_users *users, struct view name)
{
    for (size_t i = 0; i < users->count; i++) {
        const struct auth_user *user = &users->list[i];

        if (view_equal(name, (struct view){users->text.data + user->name_at, user->name_size}))
            return true;
    }
    return false;
}

/* `costliest` is that of the users so far. */
static int add_user(struct auth_users *users, const struct lines *lines, struct view line,
                    uint64_t *costliest, char out_error[256])
{
    const char *colon = memchr(line.data, ':', line.size);
    struct view name = {line.data, colon != NULL ? (size_t)(colon - line.data) : 0};
    struct auth_user *user = &users->list[users->count];
    struct view hash;
    uint64_t cost;

    if (colon == NULL || name.size == 0)
        return refuse(lines, "write USER:HASH", out_error);
    hash = (struct view){colon + 1, line.size - name.size - 1};
    cost = auth_hash_cost(hash);
    if (cost == 0)
        return refuse(lines,
                      "the hash is neither bcrypt ($2y$, cost 4 to 12) nor SHA-256 or SHA-512 of "
                      "crypt(3) ($5$, $6$, up to 100000 rounds)",
                      out_error);
    if (is_known(users, name))
        return refuse(lines, "this user is there already", out_error);
    if (cost > *costliest) {
        *costliest = cost;
        users->costliest = users->count;
    }
    user->name_at = users->text.size;
    user->name_size = name.size;
    (void)buf_append_view(&users->text, name);
    user->hash_at = users->text.size;
    (void)buf_append_view(&users->text, hash);
    (void)buf_append_byte(&users->text, '\0');
    users->count++;
    return users->text.failed;
}

int auth_users_read(struct view text, char out_error[256], struct auth_users *out_users)
{
    struct auth_users users = {.count = 0};
    struct lines lines = {text, 0};
    size_t count = count_lines(text);
    struct view line;
    uint64_t costliest = 0;
    int status = 0;

    if (count > USERS_MAX)
        return refuse_number("users", USERS_MAX, out_error);
    buf_init(&users.text, 0);
    users.list = mem_calloc(count, sizeof(*users.list));
    if (users.list == NULL)
        return STATUS_NOMEM;
    while (status == 0 && next_line(&lines, &line))
        status = add_user(&users, &lines, line, &costliest, out_error);
    if (status != 0)
        auth_users_release(&users);
    else
        *out_users = users;
    return status;
}

void auth_users_release(struct auth_users *users)
{
    mem_free(users->list);
    buf_release(&users->text);
    users->list = NULL;
    users->count = 0;
}
