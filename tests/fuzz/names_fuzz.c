/* names_fuzz.c: any bytes as names. The input is cut at line ends into a span name, an address, a URL, a
 * method and so on; what comes out must be clean, bounded, and decided by the key.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/otlp_build.h"
#include "topology/naming_key.h"
#include "topology/naming_template.h"
#include "topology/naming_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const keys[] = {
    "server.address", "url.full",
    "rpc.method",     "messaging.destination.name",
    "http.route",     "peer.service",
    "db.namespace",   "http.host",
    "net.peer.ip",    "service.peer.namespace",
    "server.port",    "messaging.destination.temporary",
};

static struct view take_line(struct view *text)
{
    const char *end = text->size != 0 ? memchr(text->data, '\n', text->size) : NULL;
    struct view line = {text->data, end != NULL ? (size_t)(end - text->data) : text->size};
    size_t used = line.size + (end != NULL);

    *text = (struct view){text->data + used, text->size - used};
    return line;
}

static void check_clean(struct view text, struct buf *scratch)
{
    buf_reset(scratch);
    if (buf_reserve(scratch, NAMING_CLEAN_MAX) != 0)
        abort();
    if (!view_equal(naming_clean(text, scratch), naming_cut(text)))
        abort();
}

/* By the C library alone. */
static bool is_address(struct view text)
{
    char digits[INET6_ADDRSTRLEN] = "";
    unsigned char bytes[16];

    if (text.size >= sizeof(digits))
        return false;
    if (text.size != 0)
        memcpy(digits, text.data, text.size);
    return inet_pton(AF_INET6, digits, bytes) == 1 || inet_pton(AF_INET, digits, bytes) == 1;
}

static void check_parts(struct view line, struct buf *scratch)
{
    struct naming_ip ip;
    struct view host = naming_url_host(line);
    struct view method = naming_rpc_service(line);
    struct view clean;

    (void)naming_parse_ip(line, &ip);
    if (naming_is_no_ip(line) && is_address(line))
        abort();
    if (host.size > line.size || method.size > line.size)
        abort();
    buf_reset(scratch);
    if (buf_reserve(scratch, NAMING_CLEAN_MAX + NAMING_TEMPLATE_MAX) != 0)
        abort();
    clean = naming_cut(naming_clean(line, scratch));
    if (naming_template(clean, (struct view){NULL, 0}, scratch).size > NAMING_TEMPLATE_MAX)
        abort();
}

/* The resource's and the span's attributes, the name, in lines. */
static void read_input(struct view text, struct attributes *resource, struct attributes *span,
                       struct naming_input *input, struct buf *scratch)
{
    attributes_reset(resource);
    attributes_reset(span);
    input->kind = (enum span_kind)(text.size != 0 ? text.data[0] & 7 : 0);
    if (input->kind >= SPAN_KIND_COUNT)
        input->kind = SPAN_KIND_CLIENT;
    input->resource = resource;
    input->span = span;
    input->name = take_line(&text);
    check_parts(input->name, scratch);
    attributes_offer_text(resource, VIEW("service.name"), take_line(&text));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct view line = take_line(&text);
        check_parts(line, scratch);
        attributes_offer_text(span, view_of(keys[i]), line);
    }
    for (size_t i = 0; i < 8 && text.size != 0; i++) {
        struct view key = take_line(&text);
        attributes_offer_text(span, key, take_line(&text));
    }
}

/* Where the key does not change with the URL, the names of the callee must not. */
static void check_key(const struct naming *naming, const struct naming_input *input,
                      struct attributes *span, struct buf *scratch)
{
    static const struct view other = {"http://other/", 13};
    static struct naming_keys keys;
    struct attribute_value *url = &span->value[ATTRIBUTE_URL_FULL];
    struct view had = url->text;
    struct hash128 resource, key, key_of_other;
    struct naming_result result;
    char peer[NAMING_CLEAN_MAX];
    size_t size = 0;

    naming_keys_init(&keys, naming, 1);
    resource = naming_key_resource(&keys, input->resource);
    key = naming_key_span(&keys, &resource, input);
    if (!attribute_is_present(span, ATTRIBUTE_URL_FULL))
        return;
    if (naming_resolve(naming, input, scratch, &result) != 0)
        abort();
    if (result.has_peer) {
        size = result.peer.name.size;
        memcpy(peer, result.peer.name.data, size);
    }
    url->text = other;
    key_of_other = naming_key_span(&keys, &resource, input);
    if (naming_resolve(naming, input, scratch, &result) != 0)
        abort();
    if (key.low == key_of_other.low && key.high == key_of_other.high &&
        !view_equal((struct view){peer, size},
                    result.has_peer ? result.peer.name : (struct view){NULL, 0}))
        abort();
    url->text = had;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    struct attributes resource = {.present = 0};
    struct attributes span = {.present = 0};
    struct naming_input input;
    struct naming_result result;
    struct buf scratch;
    struct buf copy;

    if (rig.decoder == NULL)
        rig_start(&rig, NULL, true);
    buf_init(&scratch, 0);
    buf_init(&copy, 0);
    read_input((struct view){(const char *)data, size}, &resource, &span, &input, &scratch);
    check_key(rig.naming, &input, &span, &scratch);
    if (naming_resolve(rig.naming, &input, &scratch, &result) != 0)
        abort();
    if (result.service.name.size == 0 || (result.has_peer && result.peer.name.size == 0))
        abort();
    check_clean(result.service.name, &copy);
    if (result.has_peer)
        check_clean(result.peer.name, &copy);
    if (result.operation.size != 0)
        check_clean(result.operation, &copy);
    (void)naming_status(rig.naming, &span, input.kind, SPAN_STATUS_UNSET);
    buf_release(&scratch);
    buf_release(&copy);
    return 0;
}
