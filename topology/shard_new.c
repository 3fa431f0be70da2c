/* shard_new.c: how a shard begins and ends, and how long it waits for what. */
#include "base/mem.h"
#include "topology/shard_priv.h"

/* How long what comes together may take to be there. */
#define TEACHING_NS (250 * NS_PER_MS)

/* Four ticks of a worker, in which a question and its word go to and fro. */
#define ASKING_LEAD_NS (400 * NS_PER_MS)

/* How far the shard of a consumer may be behind that of its producer, where pairing.wait is shorter. */
#define STRANGER_NS (2 * NS_PER_S)

/* No wait is shorter than pairing.wait. */
static uint32_t ticks_of(const struct shard_options *options, uint64_t wait_ns)
{
    uint64_t longest_ns = wait_ns < options->pairing_wait_ns ? options->pairing_wait_ns : wait_ns;
    uint64_t ticks = (longest_ns >> TICK_SHIFT) + (longest_ns % (UINT64_C(1) << TICK_SHIFT) != 0);

    return ticks < WAIT_TICKS_MAX ? (uint32_t)ticks : WAIT_TICKS_MAX;
}

/* How long an answer to a link may take to come: far longer than a shard is ever behind. */
static uint64_t links_wait_ns(const struct shard_options *options)
{
    uint64_t wait_ns = options->pairing_wait_ns + 10 * NS_PER_S;

    return wait_ns > options->parent_wait_ns ? wait_ns : options->parent_wait_ns;
}

/* A short wait gives a quarter of itself. */
static uint64_t teaching_ns(const struct shard_options *options)
{
    uint64_t wait_ns = options->pairing_wait_ns;

    return wait_ns / 4 < TEACHING_NS ? wait_ns / 4 : TEACHING_NS;
}

/* A short wait gives half of itself. */
static uint64_t asking_ns(const struct shard_options *options)
{
    uint64_t wait_ns = options->pairing_wait_ns;

    return wait_ns - (wait_ns / 2 < ASKING_LEAD_NS ? wait_ns / 2 : ASKING_LEAD_NS);
}

static uint32_t bounded_ticks(uint64_t wait_ns)
{
    uint64_t ticks = wait_ns >> TICK_SHIFT;

    return ticks < WAIT_TICKS_MAX ? (uint32_t)ticks : WAIT_TICKS_MAX;
}

int shard_new(const struct shard_options *options, struct shard **out_shard)
{
    struct shard *shard = mem_calloc(1, sizeof(*shard));
    int status;

    if (shard == NULL)
        return STATUS_NOMEM;
    shard->options = *options;
    shard->wait_ticks[WAIT_PAIRING] = ticks_of(options, options->pairing_wait_ns);
    shard->wait_ticks[WAIT_PARENT] = ticks_of(options, options->parent_wait_ns);
    shard->wait_ticks[WAIT_MESSAGING] = ticks_of(options, options->messaging_wait_ns);
    shard->wait_ticks[WAIT_LINKS] = ticks_of(options, links_wait_ns(options));
    shard->wait_ticks[WAIT_TEACHING] = bounded_ticks(teaching_ns(options));
    shard->wait_ticks[WAIT_ASKING] = bounded_ticks(asking_ns(options));
    shard->wait_ticks[WAIT_STRANGER] = ticks_of(options, STRANGER_NS);
    status = tally_new(&options->tally, &shard->tally);
    if (status == 0)
        status = crowd_init(&shard->judge.kin.crowd, CROWD_SUMS);
    if (status == 0)
        status = store_init(&shard->store,
                            options->memory_bytes_max - CROWD_SUMS * sizeof(struct crowd_sum),
                            options->hash_seed);
    if (status == 0)
        status = mail_init(&shard->mail, options->message_bytes_max, options->hash_seed);
    if (status != 0) {
        shard_free(shard);
        return status;
    }
    for (size_t i = 0; i < WAIT_COUNT; i++)
        shard->cursor[i] = shard->store.slab.tail;
    shard->judge.kin.store = &shard->store;
    shard->judge.kin.catalog = options->catalog;
    shard->judge.kin.sites = catalog_sites(options->catalog);
    shard->judge.kin.pass = 1;
    shard->judge.mail = &shard->mail;
    shard->judge.catalog = options->catalog;
    shard->judge.lessons = options->lessons;
    shard->judge.tally = shard->tally;
    shard->judge.pairing_ticks = shard->wait_ticks[WAIT_PAIRING];
    shard->judge.orphan_servers_as_user = options->orphan_servers_as_user;
    *out_shard = shard;
    return 0;
}

void shard_free(struct shard *shard)
{
    if (shard == NULL)
        return;
    store_release(&shard->store);
    mail_release(&shard->mail);
    crowd_release(&shard->judge.kin.crowd);
    mem_free(shard->judge.covers);
    mem_free(shard->reported);
    tally_free(shard->tally);
    mem_free(shard);
}
