/* engine_naming.c: lists of the options as the rules that topology/naming.h takes. */
#include "engine/engine_naming.h"

#include "base/mem.h"

/* NULL where memory is out. */
static struct naming_rule *rules_of(const struct option_pairs *pairs)
{
    struct naming_rule *rules = mem_calloc(pairs->count, sizeof(*rules));

    for (size_t i = 0; rules != NULL && i < pairs->count; i++)
        rules[i] = (struct naming_rule){pairs->items[i].key, pairs->items[i].value};
    return rules;
}

int engine_make_naming(const struct options *options, char out_error[256],
                       struct naming **out_naming)
{
    struct naming_rule *cidr = rules_of(&options->names_cidr);
    struct naming_rule *rewrite = rules_of(&options->names_rewrite);
    struct naming_options naming = {
        .cidr = cidr,
        .cidr_count = options->names_cidr.count,
        .rewrite = rewrite,
        .rewrite_count = options->names_rewrite.count,
        .peer_order = options->names_peer_order.items,
        .peer_order_count = options->names_peer_order.count,
        .derive_errors = options->topology_derive_errors,
    };
    int status = STATUS_NOMEM;

    if (cidr != NULL && rewrite != NULL)
        status = naming_new(&naming, out_error, out_naming);
    mem_free(cidr);
    mem_free(rewrite);
    return status;
}
