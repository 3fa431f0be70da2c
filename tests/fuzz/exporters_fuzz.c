/* exporters_fuzz.c: any bytes as names, through every format that needs no helper. No name leaves its
 * literal: JSON is read back by jansson, labels and descriptions by small strict readers here.
 *
 *   input = *( length byte, that many bytes ), taken in turn as namespaces and names
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "base/utf8.h"
#include "exporters/debug.h"
#include "exporters/dot.h"
#include "exporters/escape.h"
#include "exporters/json.h"
#include "exporters/mermaid.h"
#include "exporters/prometheus.h"
#include "exporters/text.h"
#include "tests/lib/snapshot_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES_MAX = 12 };

static struct view take_name(const uint8_t **data, size_t *size)
{
    struct view name;
    size_t length = **data;

    *data += 1;
    *size -= 1;
    length = length < *size ? length : *size;
    name = (struct view){(const char *)*data, length};
    *data += length;
    *size -= length;
    return name;
}

static void build_map(struct snapshot_build *build, const uint8_t *data, size_t size)
{
    uint32_t caller = snapshot_build_service(build, "caller");

    for (size_t i = 0; i < NODES_MAX && size != 0; i++) {
        struct view namespace = take_name(&data, &size);
        struct view name = size != 0 ? take_name(&data, &size) : VIEW("");
        uint32_t node = snapshot_build_node(build, (enum node_type)(i % NODE_TYPE_COUNT), namespace,
                                            name);
        struct snapshot_edge *edge = snapshot_build_edge(build, caller, node,
                                                         (enum connection_type)(i % 4), 10, i);
        struct snapshot_operation *operation;
        struct view value = snapshot_build_value(build, 0, name);
        edge->server_dimensions = edge->client_dimensions = value;
        snapshot_build_observe(build, &edge->server_seconds, i * NS_PER_MS, 1);
        (void)snapshot_build_loss(build, node, (uint8_t)(i % 6), false, UNPAIRED_LATE, 1);
        operation = snapshot_build_operation(build, node, "", (uint8_t)(i % 6), (uint8_t)(i % 3),
                                             1);
        operation->name = name;
        operation->dimensions = value;
    }
}

static void render(const struct export_input *input, const struct exporter *exporter,
                   struct buf *out)
{
    char error[256];

    buf_reset(out);
    CHECK(exporter->render(input, error, out) == 0);
    for (struct view rest = buf_view(out); rest.size != 0;) {
        bool valid;
        (void)utf8_take(&rest, &valid);
        CHECK(valid);
    }
}

static void check_json(struct view text)
{
    json_t *json = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

    CHECK(json_is_object(json));
    json_decref(json);
}

/* Every line is a comment, or a name, labels whose quotes close, and a number. */
static void check_metrics(struct view text)
{
    const char *end = text.data + text.size;

    for (const char *at = text.data; at < end; at++) {
        bool quoted = false;
        CHECK(*at == '#' || *at == 't' || *at == 's');
        for (bool comment = *at == '#'; at < end && (quoted || *at != '\n'); at++) {
            CHECK(*at != '\n');
            if (comment)
                continue;
            if (quoted && *at == '\\')
                at++;
            else if (*at == '"')
                quoted = !quoted;
        }
        CHECK(at < end && !quoted);
    }
}

/* "..." and <...> close; what is between is what dot.c wrote. */
static void check_dot(struct view text)
{
    const char *end = text.data + text.size;

    for (const char *at = text.data; at < end; at++) {
        if (*at == '"') {
            for (at++; at < end && *at != '"'; at++)
                at += *at == '\\';
            CHECK(at < end);
        } else if (*at == '<') {
            int depth = 0;
            do
                depth += *at == '<' ? 1 : *at == '>' ? -1 : 0;
            while (depth != 0 && ++at < end);
            CHECK(depth == 0);
        } else {
            CHECK(*at == '\n' || (*at >= ' ' && *at <= '~'));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct view key = {"k", 1};
    static struct dimensions *dimensions;
    struct snapshot_build build;
    char error[256];
    struct export_input input = {.options = {.self_edges = true}};
    struct buf out;

    snapshot_build_init(&build);
    if (dimensions == NULL)
        CHECK(dimensions_new(&key, 1, error, &dimensions) == 0);
    build.snapshot.dimensions = dimensions;
    build_map(&build, data, size);
    input.snapshot = snapshot_build_finish(&build);
    buf_init(&out, 0);
    render(&input, &exporter_json, &out);
    check_json(buf_view(&out));
    buf_reset(&out);
    (void)buf_append_byte(&out, '{');
    CHECK(debug_write_values(input.snapshot, &out) == 0);
    (void)buf_append_byte(&out, '}');
    check_json(buf_view(&out));
    render(&input, &exporter_prometheus, &out);
    check_metrics(buf_view(&out));
    render(&input, &exporter_openmetrics, &out);
    check_metrics(buf_view(&out));
    render(&input, &exporter_dot, &out);
    check_dot(buf_view(&out));
    render(&input, &exporter_mermaid, &out);
    render(&input, &exporter_text, &out);
    buf_release(&out);
    snapshot_build_release(&build);
    return 0;
}
