/* judge_message.c: producers and their consumers (E8, E9).
 *
 * Both pictures of a message are counted at once: the direct one from service to service, and the
 * broker's by way of the destination. What was counted of one request stands in a cell that hangs
 * on the producer, so that whatever comes later, by whichever way, can only add to it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "topology/judge_priv.h"

enum { EDGES_OF_PRODUCER_MAX = 64 };

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool is_destination(const struct judge *judge, uint32_t node)
{
    return catalog_node_at(judge->catalog, node)->type == NODE_MESSAGING;
}

/* Adds it to one picture; whether both together show it there, the edge says. */
static void add_to_picture(struct judge *judge, const struct tally_request *request, bool is_broker)
{
    bool is_by_destination = request->type != CONNECTION_MESSAGING ||
                             is_destination(judge, request->client) ||
                             is_destination(judge, request->server);
    struct tally_request added = *request;

    if (is_broker)
        added.view = is_by_destination ? VIEW_BROKER : VIEW_BROKER_ASIDE;
    else
        added.view = is_by_destination ? VIEW_DIRECT_ASIDE : VIEW_DIRECT;
    tally_add_request(judge->tally, &added);
}

void judge_add(struct judge *judge, const struct tally_request *request)
{
    if (request->view == VIEW_BOTH && request->type != CONNECTION_MESSAGING) {
        tally_add_request(judge->tally, request);
        return;
    }
    if (!edge_view_is_broker(request->view))
        add_to_picture(judge, request, false);
    if (!edge_view_is_direct(request->view))
        add_to_picture(judge, request, true);
}

/* ------------------------------------------------------------------ who is who */

static uint32_t service_of(const struct judge *judge, const struct producer *producer)
{
    return kin_site_at(&judge->kin, producer->site)->service;
}

static uint32_t set_of(const struct judge *judge, const struct producer *producer)
{
    return kin_site_at(&judge->kin, producer->site)->dimensions;
}

uint32_t judge_find_producer(const struct judge *judge, const uint64_t trace[2], uint64_t id)
{
    const struct mail *mail = judge->mail;
    const struct node *lowest = NULL;
    uint32_t found = 0;

    for (uint32_t at = mail_find_producer(mail, trace, id); at != 0;
         at = mail_next_producer(mail, at)) {
        const struct producer *producer = mail_producer(mail, at);
        const struct node *node = catalog_node_at(judge->catalog, service_of(judge, producer));
        if (producer->is_gone || (lowest != NULL && node_compare(node, lowest) >= 0))
            continue;
        found = at;
        lowest = node;
    }
    return found;
}

uint32_t judge_producer_of(const struct judge *judge, uint32_t at)
{
    const struct remembered *span = kin_span(&judge->kin, at);
    uint32_t number = mail_find_producer(judge->mail, span->trace, span->id);

    while (number != 0 && mail_producer(judge->mail, number)->at != at)
        number = mail_next_producer(judge->mail, number);
    return number;
}

uint32_t judge_span_of(const struct judge *judge, const struct producer *producer)
{
    const struct remembered *span;

    if (!slab_live(&judge->kin.store->slab, producer->at))
        return 0;
    span = kin_span(&judge->kin, producer->at);
    return span->id == producer->id && span->trace[0] == producer->trace[0] &&
                   span->trace[1] == producer->trace[1]
               ? producer->at
               : 0;
}

struct remembered judge_remembered(const struct producer *producer)
{
    return (struct remembered){
        .trace = {producer->trace[0], producer->trace[1]},
        .id = producer->id,
        .duration_ns = producer->duration_ns,
        .kind = SPAN_KIND_PRODUCER,
        .status = producer->status,
        .no_duration = producer->no_duration,
        .weight = producer->weight,
        .site = producer->site,
    };
}

/* ------------------------------------------------------------------ the producer's own */

/* How much of `weight` the producer's duration was not yet observed with on the edge of a request. */
static uint64_t tell(struct judge *judge, uint32_t number, enum cell_what what,
                     const struct tally_request *request, uint64_t weight)
{
    struct producer *producer = mail_producer(judge->mail, number);
    struct cell like = {.owner = number,
                        .what = (unsigned)what & 7,
                        .service = request->server,
                        .group = CATALOG_NONE,
                        .destination = CATALOG_NONE,
                        .set = request->server_set & DIMENSION_SETS_MAX};
    struct cell *cell;
    uint32_t found;
    uint64_t more;

    if (weight == 0 || producer->no_duration)
        return 0;
    found = mail_find_cell(judge->mail, &like);
    if (found == 0 && what == CELL_TOLD_DIRECT) {
        if (producer->edges == EDGES_OF_PRODUCER_MAX) {
            judge->tally->counts.fanout_overflowed++;
            return 0;
        }
        producer->edges++;
    }
    cell = found != 0 ? mail_cell(judge->mail, found) : mail_take_cell(judge->mail, &like);
    if (cell == NULL) {
        judge->tally->counts.memory_failures++;
        return 0;
    }
    if (weight <= cell->weight)
        return 0;
    more = weight - cell->weight;
    cell->weight = weight & WEIGHT_MASK;
    return more;
}

static void observe_producer(const struct producer *producer, uint64_t weight,
                             struct tally_request *request)
{
    struct remembered span = judge_remembered(producer);

    judge_observe(request, SECONDS_CLIENT, &span, weight);
}

void judge_add_call(struct judge *judge, uint32_t side, uint64_t weight,
                    struct tally_request *request)
{
    const struct remembered *span = kin_span(&judge->kin, side);
    uint32_t producer = span->kind == SPAN_KIND_PRODUCER ? judge_producer_of(judge, side) : 0;

    if (producer == 0) {
        if (kind_calls(span->kind))
            judge_tell_client(judge, side, weight, request);
        judge_add(judge, request);
        return;
    }
    for (int broker = 0; broker < 2; broker++) {
        struct tally_request told = *request;
        told.view = broker ? VIEW_BROKER : VIEW_DIRECT;
        observe_producer(
            mail_producer(judge->mail, producer),
            tell(judge, producer, broker ? CELL_TOLD_BROKER : CELL_TOLD_DIRECT, request, weight),
            &told);
        judge_add(judge, &told);
    }
}

/* One request from the producer to a destination, with its own weight and status. */
static void count_sent(struct judge *judge, const struct producer *producer, uint32_t destination)
{
    struct tally_request request = {
        .client = service_of(judge, producer),
        .server = destination,
        .type = CONNECTION_MESSAGING,
        .view = VIEW_BROKER,
        .client_set = set_of(judge, producer),
        .client_failed = producer->status == SPAN_STATUS_ERROR,
        .weight = producer->weight,
        .failed = producer->status == SPAN_STATUS_ERROR ? producer->weight : 0,
        .trace = {producer->trace[0], producer->trace[1]},
        .client_span = producer->id,
    };

    observe_producer(producer, producer->weight, &request);
    judge_add(judge, &request);
}

void judge_send(struct judge *judge, struct producer *producer)
{
    uint32_t destination = kin_site_at(&judge->kin, producer->site)->destination;

    if (destination == CATALOG_NONE || producer->sent)
        return;
    producer->sent = 1;
    count_sent(judge, producer, destination);
}

/* A producer without a destination goes to each of its consumers' once. */
static void send_to(struct judge *judge, uint32_t number, uint32_t destination)
{
    struct producer *producer = mail_producer(judge->mail, number);
    struct cell like = {.owner = number,
                        .what = CELL_SENT,
                        .service = CATALOG_NONE,
                        .group = CATALOG_NONE,
                        .destination = destination};

    if (kin_site_at(&judge->kin, producer->site)->destination != CATALOG_NONE) {
        judge_send(judge, producer);
        return;
    }
    if (mail_find_cell(judge->mail, &like) != 0)
        return;
    if (mail_take_cell(judge->mail, &like) == NULL)
        judge->tally->counts.memory_failures++; /* May be counted once more. */
    count_sent(judge, producer, destination);
}

/* ------------------------------------------------------------------ requests */

static uint32_t destination_of(const struct judge *judge, const struct producer *producer,
                               const struct site *consumer)
{
    uint32_t own = kin_site_at(&judge->kin, producer->site)->destination;

    return own != CATALOG_NONE ? own : consumer->destination;
}

/* The request that a consumer's span belongs to; NULL without room. */
static struct cell *request_of(struct judge *judge, uint32_t number, const struct site *consumer)
{
    struct cell like = {
        .owner = number,
        .what = CELL_REQUEST,
        .service = consumer->service,
        .group = consumer->group,
        .destination = destination_of(judge, mail_producer(judge->mail, number), consumer),
    };

    return mail_take_cell(judge->mail, &like);
}

bool judge_hope(struct judge *judge, uint32_t number, uint32_t site)
{
    const struct site *consumer = kin_site_at(&judge->kin, site);
    struct cell *cell;

    if (consumer->is_receive)
        return false;
    cell = request_of(judge, number, consumer);
    if (cell == NULL) {
        judge->tally->counts.memory_failures++;
        return false;
    }
    cell->hopes++;
    return true;
}

void judge_hope_no_longer(struct judge *judge, uint32_t number, uint32_t site)
{
    struct cell *cell = request_of(judge, number, kin_site_at(&judge->kin, site));

    CHECK(cell != NULL && cell->hopes != 0);
    cell->hopes--;
}

/* The same of a `process` span that was taken on, for good. */
static void expect(struct judge *judge, uint32_t number, uint32_t site)
{
    const struct site *consumer = kin_site_at(&judge->kin, site);
    struct cell *cell = consumer->is_receive ? NULL : request_of(judge, number, consumer);

    if (cell != NULL)
        cell->process = 1;
    else if (!consumer->is_receive)
        judge->tally->counts.memory_failures++;
}

struct expecting {
    struct judge *judge;
    uint32_t number;
};

static void expect_child(void *context, uint32_t at)
{
    const struct expecting *expecting = context;

    expect(expecting->judge, expecting->number, kin_span(&expecting->judge->kin, at)->site);
}

/* `process` spans below the producer, which nobody has judged yet: gone through once a pass. */
static void expect_children(struct judge *judge, uint32_t number)
{
    struct producer *producer = mail_producer(judge->mail, number);
    struct expecting expecting = {judge, number};
    uint32_t at = judge_span_of(judge, producer);
    unsigned pass = (judge->kin.pass & 0x7FFF) | 0x8000;

    if (at == 0 || producer->walked == pass)
        return;
    producer->walked = pass & 0xFFFF;
    kin_consumers(&judge->kin, at, expect_child, &expecting);
}

/* E8: consumer's start - producer's end. */
static void observe_delay(struct judge *judge, const struct producer *producer,
                          const struct judge_taking *taking, uint64_t weight,
                          struct tally_request *requests)
{
    uint64_t delay_ns = taking->start_ns - producer->end_ns;

    if (weight == 0 || taking->start_ns == 0 || producer->end_ns == 0)
        return;
    if (taking->start_ns < producer->end_ns) {
        judge->tally->counts.negative_messaging++;
        return;
    }
    if (delay_ns > DURATION_NS_MAX) {
        delay_ns = DURATION_NS_MAX;
        judge->tally->counts.skewed_durations++;
    }
    for (int i = 0; i < 2; i++)
        tally_observe(&requests[i].seconds[SECONDS_MESSAGING], delay_ns, weight);
}

/* What of a weight and a failure was not counted yet. */
static void add_to(struct tally_request *request, uint64_t counted, uint64_t weight,
                   bool counted_failed, bool failed)
{
    request->weight = weight - counted;
    if (counted_failed)
        request->failed = weight - counted;
    else if (failed)
        request->failed = weight;
}

/* E8: of several spans that take one request, the first gave it its values. What another one counts goes
 * there, its durations stay with its own values. */
static void move_counts(struct judge *judge, uint32_t set, struct tally_request requests[2])
{
    for (int i = 0; i < 2; i++) {
        struct tally_request counts = {
            .client = requests[i].client,
            .server = requests[i].server,
            .type = requests[i].type,
            .view = requests[i].view,
            .client_set = requests[i].client_set,
            .server_set = set,
            .client_failed = requests[i].client_failed,
            .server_failed = requests[i].server_failed,
            .weight = requests[i].weight,
            .failed = requests[i].failed,
            .trace = {requests[i].trace[0], requests[i].trace[1]},
            .client_span = requests[i].client_span,
            .server_span = requests[i].server_span,
        };
        judge_add(judge, &counts);
        requests[i].weight = requests[i].failed = 0;
        requests[i].is_counted = true;
    }
}

/* Whose exemplars a request gives, which are of one trace: the producer's, but for what comes from a
 * destination. */
static void set_spans(struct tally_request *request, const struct producer *producer,
                      const struct judge_taking *taking, bool is_from_destination)
{
    bool is_one_trace = producer->trace[0] == taking->trace[0] &&
                        producer->trace[1] == taking->trace[1];

    memcpy(request->trace, is_from_destination ? taking->trace : producer->trace,
           sizeof(request->trace));
    request->server_failed = taking->failed;
    request->server_span = is_from_destination || is_one_trace ? taking->id : 0;
    if (is_from_destination)
        return;
    request->client_failed = producer->status == SPAN_STATUS_ERROR;
    request->client_span = producer->id;
}

static void count_pair(struct judge *judge, uint32_t number, const struct judge_taking *taking,
                       uint64_t weight, struct cell *cell)
{
    struct producer *producer = mail_producer(judge->mail, number);
    const struct site *consumer = kin_site_at(&judge->kin, taking->site);
    uint32_t destination = destination_of(judge, producer, consumer);
    bool has_failed = taking->failed || producer->status == SPAN_STATUS_ERROR;
    bool failed_far = destination != CATALOG_NONE ? taking->failed : has_failed;
    uint64_t total = larger(weight, cell->weight);
    struct tally_request requests[2] = {
        {.client = service_of(judge, producer),
         .view = VIEW_DIRECT,
         .client_set = set_of(judge, producer)},
        {.client = destination != CATALOG_NONE ? destination : service_of(judge, producer),
         .view = VIEW_BROKER,
         .client_set = destination != CATALOG_NONE ? DIMENSIONS_NONE : set_of(judge, producer)},
    };

    if (cell->weight == 0)
        cell->set = consumer->dimensions & DIMENSION_SETS_MAX;
    for (int i = 0; i < 2; i++) {
        requests[i].server = consumer->service;
        requests[i].server_set = consumer->dimensions;
        requests[i].type = CONNECTION_MESSAGING;
        set_spans(&requests[i], producer, taking, i == 1 && destination != CATALOG_NONE);
    }
    add_to(&requests[0], cell->weight, total, cell->failed, has_failed);
    add_to(&requests[1], cell->weight, total, cell->failed_far, failed_far);
    cell->weight = total & WEIGHT_MASK;
    cell->failed |= has_failed;
    cell->failed_far |= failed_far;
    if (cell->set != consumer->dimensions)
        move_counts(judge, cell->set, requests);
    observe_delay(judge, producer, taking, weight, requests);
    observe_producer(producer, tell(judge, number, CELL_TOLD_DIRECT, &requests[0], weight),
                     &requests[0]);
    if (destination == CATALOG_NONE)
        observe_producer(producer, tell(judge, number, CELL_TOLD_BROKER, &requests[1], weight),
                         &requests[1]);
    judge_add(judge, &requests[0]);
    judge_add(judge, &requests[1]);
    if (destination != CATALOG_NONE)
        send_to(judge, number, destination);
}

void judge_pair(struct judge *judge, uint32_t number, const struct judge_taking *taking,
                struct letter *out_answer)
{
    struct producer *producer = mail_producer(judge->mail, number);
    const struct site *consumer = kin_site_at(&judge->kin, taking->site);
    uint32_t at = judge_span_of(judge, producer);
    struct cell *cell;
    struct cell fresh = {.weight = 0};

    if (consumer->is_receive)
        expect_children(judge, number);
    cell = request_of(judge, number, consumer);
    if (cell == NULL) {
        judge->tally->counts.memory_failures++; /* A second span would be a second request. */
        cell = &fresh;
    }
    out_answer->weight = larger(producer->weight, taking->weight);
    out_answer->producer = service_of(judge, producer);
    out_answer->set = set_of(judge, producer);
    out_answer->destination = destination_of(judge, producer, consumer);
    out_answer->state = consumer->is_receive && (cell->process || cell->hopes != 0)
                            ? ANSWER_RECEIVED
                            : ANSWER_FOUND;
    if (out_answer->state == ANSWER_FOUND) {
        cell->process |= !consumer->is_receive;
        /* Cells do not move, and this one is its producer's as long as that is there. */
        count_pair(judge, number, taking, out_answer->weight, cell);
    }
    if (!producer->answered)
        judge_note_inside(judge, number);
    producer->answered = 1;
    if (at != 0)
        kin_span(&judge->kin, at)->answered = 1;
}

/* ------------------------------------------------------------------ the consumer's own */

static uint32_t far_end(const struct judge_pair *pair)
{
    return pair->destination != CATALOG_NONE ? pair->destination : pair->producer;
}

static int compare_ends(uint32_t one, uint32_t one_set, uint32_t two, uint32_t two_set)
{
    return one != two ? (one > two) - (one < two) : (one_set > two_set) - (one_set < two_set);
}

static int compare_direct(const void *a, const void *b)
{
    const struct judge_pair *one = a;
    const struct judge_pair *two = b;

    return compare_ends(one->producer, one->set, two->producer, two->set);
}

/* The values of the far end: those of a destination's producers do not matter. */
static uint32_t far_set(const struct judge_pair *pair)
{
    return pair->destination != CATALOG_NONE ? (uint32_t)DIMENSIONS_NONE : pair->set;
}

static int compare_broker(const void *a, const void *b)
{
    const struct judge_pair *one = a;
    const struct judge_pair *two = b;

    return compare_ends(far_end(one), far_set(one), far_end(two), far_set(two));
}

/* The consumer's duration, once an edge with the largest weight there. */
static void observe_consumer(struct judge *judge, const struct remembered *span, size_t count,
                             enum edge_view view)
{
    struct judge_pair *pairs = judge->pairs;
    int (*compare)(const void *, const void *) = view == VIEW_DIRECT ? compare_direct
                                                                     : compare_broker;

    if (count > 1)
        qsort(pairs, count, sizeof(*pairs), compare);
    for (size_t i = 0; i < count;) {
        struct tally_request request = {
            .client = view == VIEW_DIRECT ? pairs[i].producer : far_end(&pairs[i]),
            .server = kin_service(&judge->kin, span),
            .type = CONNECTION_MESSAGING,
            .view = view,
            .client_set = view == VIEW_DIRECT ? pairs[i].set : far_set(&pairs[i]),
            .server_set = kin_set(&judge->kin, span),
            .server_failed = span->status == SPAN_STATUS_ERROR,
            .trace = {span->trace[0], span->trace[1]},
            .server_span = span->id,
        };
        uint64_t weight = 0;
        size_t first = i;
        for (; i < count && compare(&pairs[first], &pairs[i]) == 0; i++)
            weight = larger(weight, pairs[i].weight);
        judge_observe(&request, SECONDS_SERVER, span, weight);
        judge_add(judge, &request);
    }
}

/* What the links led to; how many pairs that is. */
static size_t open_inbox(struct judge *judge, const struct remembered *span,
                         struct consumed *consumed)
{
    uint32_t number = mail_find_inbox(judge->mail, span->trace, span->id,
                                      kin_service(&judge->kin, span));
    struct inbox *inbox;
    size_t count = 0;

    if (number == 0)
        return 0;
    inbox = mail_inbox(judge->mail, number);
    consumed->has_producer = inbox->has_producer;
    consumed->is_late = inbox->is_late;
    for (uint32_t at = inbox->cells; at != 0 && count < LINKS_MAX;) {
        const struct cell *cell = mail_cell(judge->mail, at);
        judge->pairs[count++] = (struct judge_pair){.producer = cell->service,
                                                    .set = cell->set,
                                                    .destination = cell->destination,
                                                    .weight = cell->weight};
        at = cell->next;
    }
    mail_free_answers(judge->mail, inbox);
    return count;
}

/* Whether the consumer is a pair of that producer already, by a link. */
static bool is_linked(const struct judge *judge, const struct remembered *span,
                      const struct producer *producer)
{
    struct half like = {.target = {producer->trace[0], producer->trace[1]},
                        .target_id = producer->id,
                        .trace = {span->trace[0], span->trace[1]},
                        .id = span->id,
                        .site = span->site};
    uint32_t number = span->has_links ? mail_find_half(judge->mail, &like) : 0;

    for (; number != 0; number = mail_next_half(judge->mail, number)) {
        const struct half *half = mail_half(judge->mail, number);
        /* Of several producers of one id it found the lowest. */
        if (half->state == HALF_SETTLED && !half->refused && half->answer <= ANSWER_RECEIVED &&
            half->pair_service == service_of(judge, producer))
            return true;
    }
    return false;
}

/* Pairs a consumer with the producer that is its parent; adds to the pairs at hand. */
static void pair_with_parent(struct judge *judge, uint32_t at, uint32_t number, size_t *count,
                             struct consumed *consumed)
{
    const struct remembered *span = kin_span(&judge->kin, at);
    struct producer *producer = mail_producer(judge->mail, number);
    uint32_t side = judge_span_of(judge, producer);
    struct judge_taking taking = {
        .site = span->site,
        .weight = span->weight,
        .start_ns = aside_start(slab_aside(&judge->kin.store->slab, at)),
        .failed = span->status == SPAN_STATUS_ERROR,
        .trace = span->trace,
        .id = span->id,
    };
    struct letter answer;

    if (is_linked(judge, span, producer))
        return;
    if (!producer->answered && (side != 0 ? producer->drawn || judge_is_late(judge, side)
                                          : judge_left_is_late(judge, number))) {
        consumed->is_late = true;
        return;
    }
    consumed->has_producer = true;
    judge_pair(judge, number, &taking, &answer);
    if (answer.state == ANSWER_FOUND)
        judge->pairs[(*count)++] = (struct judge_pair){.producer = answer.producer,
                                                       .set = answer.set,
                                                       .destination = answer.destination,
                                                       .weight = answer.weight};
}

struct consumed judge_consumer(struct judge *judge, uint32_t at, uint32_t parent)
{
    const struct remembered *span = kin_span(&judge->kin, at);
    struct consumed consumed = {false, false, false};
    size_t count = span->has_links ? open_inbox(judge, span, &consumed) : 0;
    uint32_t producer = 0;
    bool is_call;
    struct call call;

    is_call = parent != 0 && judge_find_call(judge, at, parent, &call);
    if (is_call && kin_span(&judge->kin, call.side)->kind == SPAN_KIND_PRODUCER)
        producer = judge_producer_of(judge, call.side);
    else if (parent == 0 && span->parent_id != 0)
        producer = judge_find_producer(judge, span->trace, span->parent_id);
    if (producer != 0) {
        pair_with_parent(judge, at, producer, &count, &consumed);
    } else if (is_call && !consumed.has_producer && !span->is_receive) {
        if (judge_is_late(judge, call.side)) {
            consumed.is_late = true;
        } else {
            judge_count_call(judge, &call);
            consumed.is_paired = true;
        }
    }
    consumed.is_paired |= count != 0;
    consumed.is_late &= !consumed.has_producer && !consumed.is_paired;
    observe_consumer(judge, span, count, VIEW_DIRECT);
    observe_consumer(judge, span, count, VIEW_BROKER);
    return consumed;
}
