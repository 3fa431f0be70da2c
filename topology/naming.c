/* naming.c: the rules in their order. Called once for each new combination of names (naming_key.h),
 * so it is written to be read, not to be fast.
 */
#include "topology/naming.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "topology/lessons.h"
#include "topology/naming_priv.h"
#include "topology/naming_rules.h"
#include "topology/naming_template.h"
#include "topology/naming_text.h"

/* The words of names.peer_order, in the order of N3. A word that does not fit the kind of call is
 * passed over, so that one list serves all kinds. */
enum peer_word {
    PEER_DESTINATION,
    PEER_LESSON,
    PEER_NAME,
    PEER_RPC_SERVICE,
    PEER_ADDRESS,
    PEER_URL_HOST,
    PEER_DB_NAMESPACE,
    PEER_ADDRESS_PORT,
    PEER_DB_SYSTEM,
    PEER_MESSAGING_SYSTEM,
    PEER_WORD_COUNT,
};

static const char *const peer_words[PEER_WORD_COUNT] = {
    "destination", "lesson",       "peer",         "rpc_service", "address",
    "url_host",    "db_namespace", "address_port", "db_system",   "messaging_system",
};

struct naming {
    struct naming_rules rules;
    enum peer_word order[PEER_WORD_COUNT];
    size_t order_count;
    bool has_lessons; /* The order has them. */
    bool derive_errors;
    uint64_t seed; /* Of the keys of lessons. */
};

/* Clean texts, rewritten and templated ones, and address:port, all at their longest. */
_Static_assert((int)NAMING_TEXT_MAX <= (int)DIMENSION_VALUE_MAX, "a clean text can be packed");

enum { SCRATCH_SIZE = 11 * NAMING_CLEAN_MAX + NAMING_TEMPLATE_MAX + 8 * NAMING_REWRITE_MAX };

/* One call of naming_resolve(). */
struct resolving {
    const struct naming *naming;
    const struct naming_input *input;
    struct buf *scratch;
    struct naming_result *result;
    enum span_kind kind; /* naming_kind() */
    int status;
};

static const struct view nothing = {NULL, 0};

/* ------------------------------------------------------------------ init */

static int set_order(struct naming *naming, const struct naming_options *options,
                     char out_error[256])
{
    for (size_t i = 0; i < options->peer_order_count; i++) {
        struct view word = options->peer_order[i];
        size_t which = 0;
        while (which < PEER_WORD_COUNT && !view_equal(word, view_of(peer_words[which])))
            which++;
        for (size_t j = 0; j < naming->order_count; j++)
            if (which == (size_t)naming->order[j])
                which = PEER_WORD_COUNT;
        if (which == PEER_WORD_COUNT) {
            (void)snprintf(
                out_error, 256, /* A cut message is still a message. */
                "names.peer_order: '%.*s' is told twice or is none of destination, lesson, peer, "
                "rpc_service, address, url_host, db_namespace, address_port, "
                "db_system, messaging_system",
                word.size < 60 ? (int)word.size : 60, word.size != 0 ? word.data : "");
            return STATUS_INVALID;
        }
        naming->order[naming->order_count++] = (enum peer_word)which;
    }
    for (size_t i = 0; options->peer_order_count == 0 && i < PEER_WORD_COUNT; i++)
        naming->order[naming->order_count++] = (enum peer_word)i;
    for (size_t i = 0; i < naming->order_count; i++)
        naming->has_lessons |= naming->order[i] == PEER_LESSON;
    return 0;
}

int naming_new(const struct naming_options *options, char out_error[256],
               struct naming **out_naming)
{
    struct naming *naming = mem_calloc(1, sizeof(*naming));
    int status;

    out_error[0] = '\0';
    if (naming == NULL)
        return STATUS_NOMEM;
    naming->derive_errors = options->derive_errors;
    naming->seed = hash_seed();
    status = set_order(naming, options, out_error);
    if (status == 0)
        status = naming_rules_init(&naming->rules, options, out_error);
    if (status != 0) {
        naming_free(naming);
        return status;
    }
    *out_naming = naming;
    return 0;
}

void naming_free(struct naming *naming)
{
    if (naming == NULL)
        return;
    naming_rules_release(&naming->rules);
    mem_free(naming);
}

bool naming_derives_errors(const struct naming *naming)
{
    return naming->derive_errors;
}

/* A name that was not rewritten is never empty, so that what stands behind it in the order is not asked. */
enum naming_url naming_url(const struct naming *naming)
{
    enum naming_url url = NAMING_URL_ALWAYS;

    for (size_t i = 0; i < naming->order_count; i++) {
        if (naming->order[i] == PEER_URL_HOST)
            return url;
        if (naming->order[i] == PEER_ADDRESS && naming->rules.patterns_count == 0)
            url = NAMING_URL_WITHOUT_NAME;
    }
    return NAMING_URL_NEVER;
}

/* ------------------------------------------------------------------ texts */

/* A part of the scratch buffer that was just written. */
static struct view written_since(const struct buf *scratch, size_t begin)
{
    return (struct view){scratch->data + begin, scratch->size - begin};
}

static struct view number_text(struct resolving *on, int64_t number)
{
    char digits[24];
    size_t begin = on->scratch->size;
    int size = snprintf(digits, sizeof(digits), "%lld", (long long)number);

    CHECK(size > 0 && buf_append(on->scratch, digits, (size_t)size) == 0);
    return written_since(on->scratch, begin);
}

/* The attribute as it is, a number as its digits. */
static struct view any_text(struct resolving *on, enum attribute which)
{
    const struct attribute_value *value = attribute_at(on->input->span, which);

    if (value->type == ATTRIBUTE_NUMBER)
        return number_text(on, value->number);
    return attribute_text(on->input->span, which);
}

/* ------------------------------------------------------------------ kinds of call (N2) */

static enum call_kind call_of(const struct naming_input *input)
{
    const struct attributes *span = input->span;

    if (naming_is_database(span))
        return CALL_DATABASE;
    if (input->kind == SPAN_KIND_PRODUCER || input->kind == SPAN_KIND_CONSUMER ||
        attributes_has_messaging(span))
        return CALL_MESSAGING;
    return attributes_has_rpc(span) ? CALL_RPC : CALL_OTHER;
}

static enum node_type type_of(enum call_kind call)
{
    switch (call) {
    case CALL_DATABASE:
        return NODE_DATABASE;
    case CALL_MESSAGING:
        return NODE_MESSAGING;
    case CALL_RPC:
    case CALL_OTHER:
        break;
    }
    return NODE_EXTERNAL;
}

enum span_kind naming_kind_of_operation(const struct attributes *span, enum span_kind kind)
{
    struct view operation = attribute_text(span, ATTRIBUTE_MESSAGING_OPERATION);

    if (view_equal(operation, VIEW("settle")))
        return SPAN_KIND_INTERNAL;
    if (kind != SPAN_KIND_CLIENT)
        return kind;
    if (view_equal(operation, VIEW("receive")))
        return SPAN_KIND_CONSUMER;
    if (view_equal(operation, VIEW("send")) || view_equal(operation, VIEW("create")) ||
        view_equal(operation, VIEW("publish")))
        return SPAN_KIND_PRODUCER;
    return kind;
}

/* ------------------------------------------------------------------ names of callees (N3, N4) */

static bool is_true(const struct attributes *span, enum attribute which)
{
    const struct attribute_value *value = attribute_at(span, which);

    return value->type == ATTRIBUTE_BOOLEAN && value->number != 0;
}

static struct view destination_name(const struct attributes *span)
{
    struct view name = attribute_text(span, ATTRIBUTE_DESTINATION_TEMPLATE);

    if (is_true(span, ATTRIBUTE_DESTINATION_TEMPORARY) ||
        is_true(span, ATTRIBUTE_DESTINATION_ANONYMOUS))
        return VIEW("(temporary)");
    return name.size != 0 ? name : attribute_text(span, ATTRIBUTE_DESTINATION_NAME);
}

static struct view rpc_service(const struct attributes *span)
{
    struct view service = naming_rpc_service(attribute_text(span, ATTRIBUTE_RPC_METHOD));

    return service.size != 0 ? service : attribute_text(span, ATTRIBUTE_RPC_SERVICE);
}

struct address {
    struct view host;
    int64_t port; /* 0: none. */
};

static int64_t port_of(const struct attributes *span, enum attribute which, uint8_t rank)
{
    const struct attribute_value *port = attribute_at(span, which);

    return port->type == ATTRIBUTE_NUMBER && port->rank == rank && port->number > 0 &&
                   port->number <= 65535
               ? port->number
               : 0;
}

/* The address and the port that belongs to it: names of one age go together. */
static struct address address_of(const struct attributes *span)
{
    const struct attribute_value *server = attribute_at(span, ATTRIBUTE_SERVER_ADDRESS);
    const struct attribute_value *peer = attribute_at(span, ATTRIBUTE_NETWORK_PEER_ADDRESS);

    if (server->type == ATTRIBUTE_TEXT)
        return (struct address){server->text, port_of(span, ATTRIBUTE_SERVER_PORT, server->rank)};
    if (peer->type != ATTRIBUTE_TEXT)
        return (struct address){nothing, 0};
    if (peer->rank == 3) /* net.peer.ip, which shares net.peer.port with net.peer.name. */
        return (struct address){peer->text, port_of(span, ATTRIBUTE_SERVER_PORT, 1)};
    return (struct address){peer->text, port_of(span, ATTRIBUTE_NETWORK_PEER_PORT, peer->rank)};
}

/* The configured name of the range that an address is in; else empty. */
static struct view collapsed(const struct resolving *on, struct view host)
{
    struct naming_ip ip;

    return naming_parse_ip(host, &ip) ? naming_rules_collapse(&on->naming->rules, &ip) : nothing;
}

static struct view address_port_name(struct resolving *on)
{
    struct address address = address_of(on->input->span);
    struct view name = collapsed(on, address.host);
    size_t begin = on->scratch->size;
    bool brackets;

    if (name.size != 0 || address.host.size == 0 || address.port == 0)
        return name.size != 0 ? name : address.host;
    address.host = naming_cut(address.host);
    brackets = memchr(address.host.data, ':', address.host.size) != NULL &&
               address.host.data[0] != '[';
    CHECK(buf_append(on->scratch, "[", brackets) == 0);
    CHECK(buf_append_view(on->scratch, address.host) == 0);
    CHECK(buf_append(on->scratch, "]:", brackets ? 2 : 0) == 0);
    CHECK(buf_append(on->scratch, ":", brackets ? 0 : 1) == 0);
    (void)number_text(on, address.port); /* Goes right behind. */
    return written_since(on->scratch, begin);
}

static struct view address_name(const struct resolving *on)
{
    struct address address = address_of(on->input->span);
    struct naming_ip ip;

    return naming_parse_ip(address.host, &ip) ? nothing : address.host;
}

static struct view url_name(const struct resolving *on)
{
    struct view host = naming_url_host(attribute_text(on->input->span, ATTRIBUTE_URL_FULL));
    struct view name = collapsed(on, host);

    return name.size != 0 ? name : host;
}

/* The current name of a database system: senders of old and new conventions call the same one. */
static struct view system_name(struct view name)
{
    static const struct {
        struct view old, current;
    } renamed[] = {
        {{"mssql", 5}, {"microsoft.sql_server", 20}},
        {{"oracle", 6}, {"oracle.db", 9}},
        {{"dynamodb", 8}, {"aws.dynamodb", 12}},
        {{"cosmosdb", 8}, {"azure.cosmosdb", 14}},
        {{"spanner", 7}, {"gcp.spanner", 11}},
        {{"db2", 3}, {"ibm.db2", 7}},
        {{"redshift", 8}, {"aws.redshift", 12}},
        {{"h2", 2}, {"h2database", 10}},
        {{"hanadb", 6}, {"sap.hana", 8}},
    };

    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
        if (view_equal(name, renamed[i].old))
            return renamed[i].current;
    return name;
}

/* What one word of the order finds, as it came; all words but PEER_LESSON and PEER_NAME. */
static struct view find_name(struct resolving *on, enum peer_word word, enum call_kind call)
{
    switch (word) {
    case PEER_DESTINATION:
        return call == CALL_MESSAGING ? destination_name(on->input->span) : nothing;
    case PEER_RPC_SERVICE:
        return call == CALL_RPC ? rpc_service(on->input->span) : nothing;
    case PEER_ADDRESS:
        return address_name(on);
    case PEER_URL_HOST:
        return call != CALL_DATABASE ? url_name(on) : nothing;
    case PEER_DB_NAMESPACE:
        return call == CALL_DATABASE ? any_text(on, ATTRIBUTE_DB_NAMESPACE) : nothing;
    case PEER_ADDRESS_PORT:
        return address_port_name(on);
    case PEER_DB_SYSTEM:
        return call == CALL_DATABASE
                   ? system_name(attribute_text(on->input->span, ATTRIBUTE_DB_SYSTEM))
                   : nothing;
    case PEER_MESSAGING_SYSTEM:
        return call == CALL_MESSAGING ? attribute_text(on->input->span, ATTRIBUTE_MESSAGING_SYSTEM)
                                      : nothing;
    case PEER_LESSON:
    case PEER_NAME:
    case PEER_WORD_COUNT:
        break;
    }
    return nothing;
}

/* Clean and rewritten; empty where nothing is left. */
static struct view finish_name(struct resolving *on, struct view name)
{
    struct view clean;

    if (name.size == 0 || on->status != 0)
        return nothing;
    clean = naming_cut(naming_clean(name, on->scratch));
    on->status = naming_rules_rewrite(&on->naming->rules, clean, on->scratch, &clean);
    return on->status == 0 ? naming_clean(clean, on->scratch) : nothing;
}

/* One of the two names that a span has for its peer. */
static bool use_peer_name(struct resolving *on, enum attribute which)
{
    struct naming_result *result = on->result;
    struct view namespace = attribute_text(on->input->span, ATTRIBUTE_PEER_NAMESPACE);
    bool is_consumer = on->kind == SPAN_KIND_CONSUMER;
    struct node node = {is_consumer ? NODE_MESSAGING : type_of(result->call), nothing, nothing};

    node.name = finish_name(on, attribute_text(on->input->span, which));
    node.namespace = namespace.size != 0 ? naming_clean(namespace, on->scratch) : nothing;
    if (node.name.size == 0)
        return false;
    if (view_equal(node.name, result->service.name)) {
        /* The caller is not its own peer. Without a namespace only the set of services that have
         * reported can tell whether it is meant, so what else there is goes with it. */
        if (view_equal(node.namespace, result->service.namespace) && namespace.size != 0)
            return false;
        if (namespace.size == 0 && !result->peer_by_name) {
            result->peer = node;
            result->has_peer = result->peer_by_name = true;
        }
        if (namespace.size == 0)
            return false;
    }
    if (result->peer_by_name) {
        result->has_peer_else = result->peer_else_by_name = true;
        result->peer_else = node;
    } else {
        result->has_peer = result->peer_by_name = true;
        result->peer = node;
    }
    result->peer_has_namespace = namespace.size != 0;
    return true;
}

/* How many names of peers there are so far. */
static uint8_t peers_found(const struct naming_result *result)
{
    return (uint8_t)((result->has_peer ? 1 : 0) + (result->has_peer_else ? 1 : 0));
}

/* Goes through the order until a name is found. Lessons are not known here, only what goes before
 * them. */
static void resolve_peer(struct resolving *on)
{
    struct naming_result *result = on->result;

    for (size_t i = 0; i < on->naming->order_count && on->status == 0; i++) {
        enum peer_word word = on->naming->order[i];
        struct node node = {type_of(result->call), nothing, nothing};
        if (word == PEER_LESSON) {
            result->lesson_place = peers_found(result);
            continue;
        }
        if (word == PEER_NAME) {
            if (use_peer_name(on, ATTRIBUTE_PEER_NAME) || use_peer_name(on, ATTRIBUTE_PEER_SERVICE))
                return;
            continue;
        }
        if (on->kind == SPAN_KIND_CONSUMER)
            continue; /* Its own address names no caller (N6). */
        node.name = finish_name(on, find_name(on, word, result->call));
        if (node.name.size == 0)
            continue;
        if (result->has_peer) {
            result->has_peer_else = true;
            result->peer_else = node;
        } else {
            result->has_peer = true;
            result->peer = node;
        }
        return;
    }
}

/* "localhost" or a name in that domain (RFC 6761 section 6.3). */
static bool is_localhost(struct view host)
{
    static const struct view own = {".localhost", 10};

    if (host.size != 0 && host.data[host.size - 1] == '.')
        host.size--;
    if (host.size >= own.size)
        return strncasecmp(host.data + host.size - own.size, own.data, own.size) == 0;
    return host.size == own.size - 1 && strncasecmp(host.data, own.data + 1, host.size) == 0;
}

/* N5: addresses at which there is a different callee for each host: loopback and unspecified. */
static bool teaches_nothing(struct view host)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const uint8_t zeros[15];
    struct naming_ip ip;

    if (!naming_parse_ip(host, &ip))
        return is_localhost(host);
    if (memcmp(ip.bytes, mapped, sizeof(mapped)) == 0)
        return ip.bytes[12] == 127 || memcmp(ip.bytes + 12, zeros, 4) == 0;
    return memcmp(ip.bytes, zeros, sizeof(zeros)) == 0 && ip.bytes[15] <= 1;
}

static void resolve_callee(struct resolving *on)
{
    const struct naming *naming = on->naming;
    struct naming_result *result = on->result;
    struct address address = address_of(on->input->span);

    result->lesson_place = UINT8_MAX;
    resolve_peer(on);
    if (!naming->has_lessons || on->input->kind != SPAN_KIND_CLIENT) {
        result->lesson_place = 0;
        return;
    }
    if (result->lesson_place == UINT8_MAX) /* A name was found before its turn. */
        result->lesson_place = peers_found(result);
    if (!teaches_nothing(address.host))
        result->address_key = lesson_address_key(address.host, address.port, naming->seed);
    result->rpc_key = lesson_rpc_key(rpc_service(on->input->span), naming->seed);
    if (result->address_key == 0 && result->rpc_key == 0)
        result->lesson_place = 0; /* No site of its own for what cannot be asked. */
}

static void resolve_destination(struct resolving *on)
{
    struct view name = nothing;

    /* A message is one, whatever attributes of a database its spans have (N6, E9). */
    if (on->result->call == CALL_MESSAGING || on->kind == SPAN_KIND_CONSUMER ||
        on->kind == SPAN_KIND_PRODUCER)
        name = finish_name(on, destination_name(on->input->span));
    on->result->has_destination = name.size != 0;
    on->result->destination = (struct node){NODE_MESSAGING, nothing, name};
}

static void resolve_group(struct resolving *on)
{
    const struct attributes *span = on->input->span;
    struct view group = attribute_text(span, ATTRIBUTE_CONSUMER_GROUP);

    if (on->kind != SPAN_KIND_CONSUMER)
        return;
    if (group.size != 0)
        on->result->group = naming_cut(naming_clean(group, on->scratch));
    on->result->is_receive = view_equal(attribute_text(span, ATTRIBUTE_MESSAGING_OPERATION),
                                        VIEW("receive"));
}

int naming_resolve(const struct naming *naming, const struct naming_input *input,
                   struct buf *scratch, struct naming_result *out_result)
{
    struct naming_result result = {.call = call_of(input)};
    struct resolving on = {naming, input, scratch, &result, naming_kind(input->span, input->kind),
                           0};
    struct view name = attribute_text(input->resource, ATTRIBUTE_SERVICE_NAME);
    struct view namespace = attribute_text(input->resource, ATTRIBUTE_SERVICE_NAMESPACE);
    struct view route = attribute_text(input->span, ATTRIBUTE_HTTP_ROUTE);

    buf_reset(scratch);
    if (buf_reserve(scratch, SCRATCH_SIZE) != 0)
        return STATUS_NOMEM;
    result.service.type = NODE_SERVICE;
    result.service.name = name.size != 0 ? naming_clean(name, scratch) : VIEW("unknown_service");
    result.service.namespace = namespace.size != 0 ? naming_clean(namespace, scratch) : nothing;
    if (input->name.size != 0)
        result.operation = naming_template(
            naming_cut(naming_clean(input->name, scratch)),
            route.size != 0 ? naming_cut(naming_clean(route, scratch)) : nothing, scratch);
    if (input->kind == SPAN_KIND_CLIENT || input->kind == SPAN_KIND_PRODUCER ||
        input->kind == SPAN_KIND_CONSUMER) {
        resolve_callee(&on);
        resolve_destination(&on);
        resolve_group(&on);
    }
    if (on.status != 0)
        return on.status;
    *out_result = result;
    return 0;
}

/* ------------------------------------------------------------------ sites */

static int intern_node(struct catalog *catalog, bool is_there, const struct node *node,
                       uint32_t *out_node)
{
    *out_node = CATALOG_NONE;
    return is_there ? catalog_node(catalog, node, out_node) : 0;
}

/* Packs one value as it may stand in a label; `scratch` has room. */
static void pack_value(const struct catalog *catalog, unsigned which, struct view value,
                       struct buf *scratch)
{
    size_t begin = scratch->size;
    char head[DIMENSION_HEAD_BYTES] = {0};

    CHECK(buf_append(scratch, head, sizeof(head)) == 0); /* Its place. */
    value = naming_clean(naming_scrub(value, scratch), scratch);
    value = catalog_cut(catalog, value);
    scratch->size = begin + sizeof(head) + value.size;
    if (value.size == 0) {
        scratch->size = begin;
        return;
    }
    dimension_head(head, which, value.size);
    memcpy(scratch->data + begin, head, sizeof(head));
    memmove(scratch->data + begin + sizeof(head), value.data, value.size);
}

/* Results of naming_resolve() are gone after it. */
static int intern_values(struct catalog *catalog, const struct naming_input *input,
                         uint32_t service, struct buf *scratch, uint32_t *out_set)
{
    const size_t each = DIMENSION_HEAD_BYTES + DIMENSION_VALUE_MAX;

    *out_set = DIMENSIONS_NONE;
    if (input->values_count == 0)
        return 0;
    buf_reset(scratch);
    if (buf_reserve(scratch, input->values_count * each + NAMING_TEXT_MAX + NAMING_CLEAN_MAX) != 0)
        return STATUS_NOMEM;
    for (size_t i = 0; i < input->values_count; i++)
        if (input->values[i].size != 0)
            pack_value(catalog, (unsigned)i, input->values[i], scratch);
    return catalog_dimensions(catalog, service, buf_view(scratch), out_set);
}

int naming_site(const struct naming *naming, struct catalog *catalog,
                const struct naming_input *input, struct buf *scratch, uint32_t *out_site)
{
    struct naming_result result;
    struct site site;
    int status = naming_resolve(naming, input, scratch, &result);

    memset(&site, 0, sizeof(site)); /* Padding too: sites are compared as bytes. */
    if (status == 0)
        status = catalog_node(catalog, &result.service, &site.service);
    if (status == 0)
        status = catalog_operation(catalog, site.service, result.operation, &site.operation);
    if (status == 0)
        status = intern_node(catalog, result.has_peer, &result.peer, &site.peer);
    if (status == 0)
        status = intern_node(catalog, result.has_peer_else, &result.peer_else, &site.peer_else);
    if (status == 0)
        status = intern_node(catalog, result.has_destination, &result.destination,
                             &site.destination);
    site.group = CATALOG_NONE;
    if (status == 0 && result.group.size != 0)
        status = catalog_text(catalog, result.group, &site.group);
    if (status == 0)
        status = intern_values(catalog, input, site.service, scratch, &site.dimensions);
    if (status != 0)
        return status;
    site.is_receive = result.is_receive;
    site.kind = (uint8_t)input->kind;
    site.call = (uint8_t)result.call;
    site.peer_by_name = result.peer_by_name;
    site.peer_else_by_name = result.peer_else_by_name;
    site.peer_has_namespace = result.peer_has_namespace;
    site.address_key = result.address_key;
    site.rpc_key = result.rpc_key;
    site.lesson_place = result.lesson_place;
    return catalog_site(catalog, &site, out_site);
}
