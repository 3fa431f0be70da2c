/* assets.c: everything is worked out once, at the start. */
#include "exporters/assets.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "exporters/deflate.h"
#include "exporters/web_assets.h"

struct assets {
    size_t count;
    struct asset *items;
};

struct etag etag_of(struct view body)
{
    struct hash128 hash = hash128(body.data, body.size, 0); /* The same in every process. */
    struct etag etag;

    (void)snprintf(etag.text, sizeof(etag.text), "W/\"%016" PRIx64 "%016" PRIx64 "\"", hash.high,
                   hash.low);
    return etag;
}

bool etag_matches(const struct etag *etag, struct view if_none_match)
{
    struct view opaque = {etag->text + 2, strlen(etag->text) - 2};

    if (view_equal(if_none_match, VIEW("*")))
        return true;
    /* Weak comparison: the quoted part alone. Quotes cannot stand inside of one. */
    return if_none_match.size != 0 &&
           memmem(if_none_match.data, if_none_match.size, opaque.data, opaque.size) != NULL;
}

static int fill(struct asset *asset, const struct web_asset *from)
{
    int status;

    *asset = (struct asset){.path = from->path,
                            .content_type = from->content_type,
                            .body = {(const char *)from->data, from->size}};
    asset->etag = etag_of(asset->body);
    buf_init(&asset->gzip, 0);
    status = deflate_gzip(asset->body, DEFLATE_WELL, &asset->gzip);
    if (status == 0 && asset->gzip.size >= from->size)
        buf_release(&asset->gzip);
    return status;
}

int assets_new(struct assets **out_assets)
{
    struct assets *assets = mem_calloc(1, sizeof(*assets));
    int status = 0;

    if (assets == NULL)
        return STATUS_NOMEM;
    assets->items = mem_calloc(web_assets_count, sizeof(*assets->items));
    if (assets->items == NULL)
        status = STATUS_NOMEM;
    for (size_t i = 0; status == 0 && i < web_assets_count; i++) {
        assets->count++;
        status = fill(&assets->items[i], &web_assets[i]);
    }
    if (status == 0)
        *out_assets = assets;
    else
        assets_free(assets);
    return status;
}

void assets_free(struct assets *assets)
{
    if (assets == NULL)
        return;
    for (size_t i = 0; i < assets->count; i++)
        buf_release(&assets->items[i].gzip);
    mem_free(assets->items);
    mem_free(assets);
}

const struct asset *assets_find(const struct assets *assets, struct view path)
{
    for (size_t i = 0; i < assets->count; i++)
        if (view_equal(view_of(assets->items[i].path), path))
            return &assets->items[i];
    return NULL;
}
