/* otlp_json_tree.c: a scan before the tree, since jansson bounds nothing; and its errors in our words. */
#include "receiver/otlp_json_tree.h"

#include <stdio.h>

#include "receiver/otlp_json_scalar.h"

/* ------------------------------------------------------------------ errors */

static void append_step(const struct otlp_json_step *step, char *text, size_t room, size_t *size)
{
    int more = step->key != NULL
                   ? snprintf(text + *size, room - *size, "%s%s", *size != 0 ? "." : "", step->key)
                   : snprintf(text + *size, room - *size, "[%zu]", step->index);

    if (more > 0)
        *size += (size_t)more;
    if (*size >= room)
        *size = room - 1;
}

int otlp_json_fail(const struct otlp_json_path *path, const char *what,
                   struct otlp_json_error *error)
{
    char where[128];
    size_t size = 0;

    where[0] = '\0';
    for (size_t i = 0; i < path->depth; i++)
        append_step(&path->steps[i], where, sizeof(where), &size);
    (void)snprintf(error->text, sizeof(error->text), "%s: %s", size != 0 ? where : "the request",
                   what); /* A cut message is still one. */
    return STATUS_INVALID;
}

/* ------------------------------------------------------------------ text */

/* A jansson error in our words. Its text may quote the input, so only plain characters stay. */
static int explain(const json_error_t *from, struct otlp_json_error *error)
{
    (void)snprintf(error->text, sizeof(error->text), "this is no JSON: %s", from->text);
    for (char *at = error->text; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    error->offset = from->position > 0 ? (size_t)from->position : 0;
    return otlp_json_load_status(from);
}

/* Once more, with the integers quoted that jansson does not read. */
static int load_quoted(struct view text, size_t flags, json_t **out_root,
                       struct otlp_json_error *error)
{
    json_error_t reason;
    struct buf quoted;
    int status;

    buf_init(&quoted, 0);
    status = otlp_json_quote_integers(text, &quoted);
    if (status == 0) {
        *out_root = json_loadb(quoted.data, quoted.size, flags, &reason);
        if (*out_root == NULL) {
            status = explain(&reason, error);
            error->offset = otlp_json_unquoted_offset(text, error->offset);
        }
    }
    buf_release(&quoted);
    return status;
}

static int parse(struct view text, size_t flags, json_t **out_root, struct otlp_json_error *error)
{
    json_error_t reason;

    if (text.size == 0) {
        (void)snprintf(error->text, sizeof(error->text), "this is no JSON: there is nothing");
        return STATUS_INVALID;
    }
    *out_root = json_loadb(text.data, text.size, flags, &reason);
    if (*out_root != NULL)
        return 0;
    if (json_error_code(&reason) == json_error_numeric_overflow)
        return load_quoted(text, flags, out_root, error);
    return explain(&reason, error);
}

static int check(struct view text, size_t tree_bytes_max, struct otlp_json_error *error)
{
    size_t tree_bytes = 0;
    int status = otlp_json_scan(text, &tree_bytes, &error->offset);

    if (status != 0)
        (void)snprintf(error->text, sizeof(error->text),
                       "objects and arrays are nested too deeply");
    else if (tree_bytes > tree_bytes_max) {
        (void)snprintf(error->text, sizeof(error->text),
                       "the request would take more than %zu bytes of memory", tree_bytes_max);
        status = STATUS_TOO_LARGE;
    }
    return status;
}

static int load(struct view text, size_t tree_bytes_max, size_t flags, json_t **out_root,
                struct otlp_json_error *out_error)
{
    int status;

    *out_error = (struct otlp_json_error){.offset = 0};
    status = check(text, tree_bytes_max, out_error);
    return status == 0 ? parse(text, flags, out_root, out_error) : status;
}

int otlp_json_load(struct view text, size_t tree_bytes_max, json_t **out_root,
                   struct otlp_json_error *out_error)
{
    return load(text, tree_bytes_max, JSON_ALLOW_NUL, out_root, out_error);
}

int otlp_json_load_any(struct view text, size_t tree_bytes_max, json_t **out_value,
                       struct otlp_json_error *out_error)
{
    return load(text, tree_bytes_max, JSON_ALLOW_NUL | JSON_DECODE_ANY, out_value, out_error);
}
