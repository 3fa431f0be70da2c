/* otlp_sites.c: what is not in the memo is asked of naming_site().
 */
#include "receiver/otlp_sites.h"

#include <string.h>

#include "base/check.h"
#include "receiver/otlp_value.h"

enum {
    VALUE_BYTES = 2 *
                  DIMENSION_VALUE_MAX, /* Of the text of one value, with what it may be cut late. */
};

int otlp_sites_init(struct otlp_sites *sites, const struct naming *naming, struct catalog *catalog,
                    const struct dimensions *dimensions, uint64_t seed, size_t memo_entries,
                    struct otlp_links links)
{
    *sites = (struct otlp_sites){.naming = naming, .catalog = catalog, .dimensions = dimensions};
    buf_init(&sites->scratch, 0);
    buf_init(&sites->values, (size_t)DIMENSIONS_MAX * VALUE_BYTES);
    naming_keys_init(&sites->keys, naming, seed);
    for (size_t i = 0; i < OTLP_SITES_WAITING; i++) {
        sites->resources[i].attributes.dimensions = dimensions;
        sites->waiting[i].span.attributes.dimensions = dimensions;
        sites->waiting[i].span.links = links;
    }
    return otlp_memo_init(&sites->memo, memo_entries);
}

void otlp_sites_release(struct otlp_sites *sites)
{
    otlp_memo_release(&sites->memo);
    buf_release(&sites->scratch);
    buf_release(&sites->values);
}

void otlp_sites_begin(struct otlp_sites *sites, uint32_t version)
{
    sites->memo.version = version;
    sites->resources_count = 0;
    sites->waiting_count = 0;
}

struct attributes *otlp_sites_next_resource(struct otlp_sites *sites)
{
    struct attributes *attributes;

    if (sites->resources_count == OTLP_SITES_WAITING && sites->waiting_count != 0)
        return NULL;
    if (sites->resources_count == OTLP_SITES_WAITING)
        sites->resources_count = 0;
    attributes = &sites->resources[sites->resources_count++].attributes;
    attributes_reset(attributes);
    return attributes;
}

void otlp_sites_resource_read(struct otlp_sites *sites)
{
    struct otlp_resource *resource = &sites->resources[sites->resources_count - 1];

    resource->key = naming_key_resource(&sites->keys, &resource->attributes);
}

/* The values of the dimensions, from the span and where it has none from its resource, as texts. */
static int find_values(struct otlp_sites *sites, const struct otlp_waiting *waiting,
                       struct view out_values[DIMENSIONS_MAX])
{
    const struct attributes *span = &waiting->span.attributes;
    const struct attributes *resource = &waiting->resource->attributes;
    struct buf *values = &sites->values;
    uint32_t count = sites->dimensions->count;

    buf_reset(values);
    /* So that texts do not move while others are added. */
    if (buf_reserve(values, count * (size_t)VALUE_BYTES) != 0)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        bool own = (span->dimensions_present >> i & 1) != 0;
        const struct attributes *from = own ? span : resource;
        size_t begin = values->size;
        out_values[i] = (struct view){NULL, 0};
        if ((from->dimensions_present >> i & 1) == 0)
            continue;
        out_values[i] = from->dimension[i].bytes;
        if (from->dimension[i].is_text)
            continue;
        if (otlp_value_text(from->dimension[i].bytes, DIMENSION_VALUE_MAX, values) != 0)
            return STATUS_NOMEM;
        out_values[i] = (struct view){values->data + begin, values->size - begin};
    }
    return 0;
}

static int ask(struct otlp_sites *sites, const struct otlp_waiting *waiting, uint32_t *out_site)
{
    struct naming_input input = {.resource = &waiting->resource->attributes,
                                 .span = &waiting->span.attributes,
                                 .name = waiting->span.name,
                                 .kind = waiting->span.kind};
    struct view values[DIMENSIONS_MAX];
    int status = 0;

    if (sites->dimensions != NULL) {
        status = find_values(sites, waiting, values);
        input.values = values;
        input.values_count = sites->dimensions->count;
    }
    if (status == 0)
        status = naming_site(sites->naming, sites->catalog, &input, &sites->scratch, out_site);
    if (status == 0)
        otlp_memo_put(&sites->memo, &waiting->key, *out_site);
    return status;
}

int otlp_sites_settle(struct otlp_sites *sites, struct span *records_end, uint64_t *missed)
{
    struct span *records = records_end - sites->waiting_count;
    int status = 0;

    for (size_t i = 0; i < sites->waiting_count && status == 0; i++) {
        if (otlp_memo_find(&sites->memo, &sites->waiting[i].key, &records[i].site))
            continue;
        (*missed)++;
        status = ask(sites, &sites->waiting[i], &records[i].site);
    }
    sites->waiting_count = 0;
    return status;
}
