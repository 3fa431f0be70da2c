/* judge_lesson.c: who teaches where a service answers, and who asks (N5). */
#include "topology/judge_priv.h"
#include "topology/lessons.h"

void judge_teach_anew(struct judge *judge, uint32_t at, uint32_t parent)
{
    const struct kin *kin = &judge->kin;
    const struct remembered *server = kin_span(kin, at);
    const struct remembered *client = kin_span(kin, parent);
    const struct site *site;
    uint32_t service;

    if (server->kind != SPAN_KIND_SERVER || client->kind != SPAN_KIND_CLIENT)
        return;
    service = kin_service(kin, server);
    site = kin_site(kin, client);
    if (site->service != service) {
        lessons_teach(judge->lessons, site->address_key, service);
        lessons_teach(judge->lessons, site->rpc_key, service);
    }
    judge->taught[client->site % JUDGE_TAUGHT] = (struct judge_taught){client->site, service};
}

/* Whether one of the names that go before a lesson is used. */
static bool is_named_before(const struct judge *judge, const struct site *site)
{
    if (site->lesson_place >= 1 && site->peer != CATALOG_NONE &&
        judge_resolve(judge, site, site->peer, site->peer_by_name != 0) != CATALOG_NONE)
        return true;
    return site->lesson_place >= 2 && site->peer_else != CATALOG_NONE &&
           judge_resolve(judge, site, site->peer_else, site->peer_else_by_name != 0) !=
               CATALOG_NONE;
}

uint32_t judge_learned(const struct judge *judge, const struct site *site)
{
    const uint64_t keys[] = {site->address_key, site->rpc_key};

    if (site->call == CALL_DATABASE || site->call == CALL_MESSAGING)
        return CATALOG_NONE;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        uint32_t service = lessons_ask(judge->lessons, keys[i]);
        if (service != CATALOG_NONE && service != site->service)
            return is_named_before(judge, site) ? CATALOG_NONE : service;
    }
    return CATALOG_NONE;
}
