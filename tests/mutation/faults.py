"""Deliberate faults: each makes the code break one rule, and some test has to notice.

`text` stands exactly once in `file`; the runner puts `instead` in its place. A fault whose text is no
longer found fails the check of the list: find its new place, or another fault against the same rule.
A new rule of the topology brings a fault here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    rule: str
    file: str
    text: str
    instead: str
    why: str

    def __str__(self):
        return f"{self.rule}: {self.why}"


ATTRIBUTES = "topology/attributes.c"
CROWD = "topology/crowd.c"
HISTOGRAM = "topology/histogram.c"
JUDGE = "topology/judge.c"
CALL = "topology/judge_call.c"
CLIENT = "topology/judge_client.c"
GROUP = "topology/judge_group.c"
KIN = "topology/kin.c"
DOWN = "topology/kin_down.c"
SIBLINGS = "topology/kin_siblings.c"
NAMING = "topology/naming.c"
RULES = "topology/naming_rules.c"
STATUS = "topology/naming_status.c"
TEMPLATE = "topology/naming_template.c"
TEXT = "topology/naming_text.c"
PUBLISHER = "topology/publisher.c"
SNAPSHOT = "topology/publisher_snapshot.c"
SAMPLING = "topology/sampling.c"
SHARD = "topology/shard.c"
ADMIT = "topology/shard_admit.c"
STORE = "topology/store.c"
TALLY = "topology/tally.c"
MESSAGE = "topology/judge_message.c"
MAIL = "topology/shard_mail.c"
QUEUE = "topology/tally_queue.c"
SPAN = "receiver/otlp_span.c"
TRACE = "receiver/otlp_trace.c"
ATTRIBUTE = "receiver/otlp_attribute.c"

FAULTS = [
    # --- Nodes and names ----------------------------------------------------------------------
    Fault("N1", NAMING, 'naming_clean(name, scratch) : VIEW("unknown_service")',
          'naming_clean(name, scratch) : VIEW("unknown")',
          "a resource without a name is unknown_service"),
    Fault("N1", NAMING, "result.service.namespace = namespace.size != 0 ? naming_clean(namespace, scratch) : nothing;",
          "result.service.namespace = nothing;", "services of one name in two namespaces are two nodes"),
    Fault("N2", NAMING, "        return CALL_DATABASE;\n    if (input->kind",
          "        return CALL_OTHER;\n    if (input->kind", "a call with db.system is a database's"),
    Fault("N2", ATTRIBUTES, "        attributes->has_messaging = true;", "        ;",
          "any messaging.* attribute makes a CLIENT's call messaging"),
    Fault("N3", NAMING, "return name.size != 0 ? name : attribute_text(span, ATTRIBUTE_DESTINATION_NAME);",
          "name = attribute_text(span, ATTRIBUTE_DESTINATION_NAME);\n    return name;",
          "a destination's template goes before its name"),
    Fault("N3", NAMING, "return naming_parse_ip(address.host, &ip) ? nothing : address.host;",
          "(void)ip;\n    return address.host;", "an IP address is no name"),
    Fault("N3", NAMING, "port->rank == rank", "rank < 99", "a port belongs to the address of its age"),
    Fault("N3", NAMING, "use_peer_name(on, ATTRIBUTE_PEER_NAME) || use_peer_name(on, ATTRIBUTE_PEER_SERVICE)",
          "use_peer_name(on, ATTRIBUTE_PEER_SERVICE) || use_peer_name(on, ATTRIBUTE_PEER_NAME)",
          "service.peer.name goes before peer.service"),
    Fault("N3", JUDGE, "    return found != site->service ? found : CATALOG_NONE;",
          "    return found;", "a peer name that is the caller itself is not used"),
    Fault("N3", JUDGE, "    return peer != CATALOG_NONE ? peer : catalog_unknown(judge->catalog);",
          "    return peer != CATALOG_NONE ? peer : catalog_user(judge->catalog);",
          "a callee without any name is `unknown`"),
    Fault("N3", TEXT, "    slash = method.size != 0 ? memrchr(method.data, '/', method.size) : NULL;",
          "    slash = method.size != 0 ? memchr(method.data, '.', method.size) : NULL;",
          "an RPC's callee is the service part of its method"),
    Fault("N4", RULES, "prefix->bits > best->bits", "prefix->bits < best->bits",
          "of several prefixes the longest fits best"),
    Fault("N6", JUDGE, "        return catalog_user(judge->catalog);",
          "        return catalog_unknown(judge->catalog);", "a root SERVER is called by the user"),
    Fault("N6", JUDGE, "        return site->destination;", "        return CATALOG_NONE;",
          "a root CONSUMER is called by its destination"),
    Fault("N6", JUDGE, "!judged->is_root && !(judged->is_orphan && judge->orphan_servers_as_user)",
          "!judged->is_root && !judged->is_orphan", "an orphan SERVER has no client, unless asked for"),
    Fault("N6", JUDGE, ".is_orphan = parent == 0 && !kin_is_root(span),", ".is_orphan = false,",
          "a span whose named parent never came is parent_missing"),
    Fault("N7", SNAPSHOT, "        if (!node->listed) {", "        if (false) {",
          "a service that reported is a node even without an edge"),
    Fault("templates", TEMPLATE, "    if (digits == 0)\n", "    if (digits == 99)\n",
          "a word of a path is not an id"),

    # --- Calls -----------------------------------------------------------------------------------
    Fault("E2", CALL, "    if (!is_own && !kind_serves(span->kind)) {", "    if (false) {",
          "INTERNAL and CLIENT children in one service are one call together"),
    Fault("E2", CALL, "call.siblings.is_cut || call.siblings.has_server ||", "call.siblings.is_cut ||",
          "beside a SERVER child the others are internal"),
    Fault("E2", CALL, "(call.siblings.has_kindless && !is_kindless))", "false)",
          "beside a child without a kind the others are internal"),
    Fault("E2", GROUP, "    if (siblings->leader == 0)", "    if (true)",
          "a group is counted once, by its first member"),
    Fault("E2", GROUP, "    note->failed |= group->failed;", "    ;",
          "a later member's failure is added once, not with each member"),
    Fault("E2", CROWD, "    sum->kindless += span->kind == SPAN_KIND_UNSPECIFIED;", "    ;",
          "the sums of a large family know its kind-less children"),
    Fault("E3", CALL, "    call.side = kin_client_side(kin, parent);", "    call.side = parent;",
          "a call's client side is the CLIENT around its INTERNAL parent"),
    Fault("E3", KIN, "        if (!kind_is_quiet(span->kind))\n            return 0;\n        at = kin_parent",
          "        at = kin_parent", "the walk to the client side ends at a SERVER"),
    Fault("E3", KIN, "i <= WALK_STEPS", "i <= 4", "the walk has 64 steps"),
    Fault("E4", JUDGE, "    if (kin_inside(&judge->kin, at).answered)", "    if (false)",
          "an unanswered span around an answered one is internal"),
    Fault("E4", JUDGE, "    while ((outer = kin_around_next(&judge->kin, &around)) != 0)",
          "    while (at == 0 && (outer = kin_around_next(&judge->kin, &around)) != 0)",
          "of nested unanswered CLIENTs the outermost alone is the call"),
    Fault("E4", DOWN, "walk->inside.answered |= child->answered || child->expected;",
          "walk->inside.answered |= child->expected;",
          "what was answered inside stays known once it was judged"),
    Fault("E5", CALL, "    if (is_own && !(side_kind == SPAN_KIND_CLIENT",
          "    if (false && !(side_kind == SPAN_KIND_CLIENT",
          "SERVER below SERVER in one service is no call to itself"),
    Fault("E6", CLIENT, "    if (note == NULL || weight <= note->weight)", "    if (note == NULL)",
          "a client's duration is observed once an edge"),
    Fault("E6", CLIENT, "note->service == request->server && note->message == message",
          "note->message == message",
          "each of a client's edges observes its duration"),
    Fault("E7", KIN, "        return ranks[0] < ranks[1];", "        return ranks[0] > ranks[1];",
          "of several candidates the lowest kind is the parent"),
    Fault("E7", KIN, "                        catalog_node_at(kin->catalog, kin_service(kin, two))) < 0;",
          "                        catalog_node_at(kin->catalog, kin_service(kin, two))) > 0;",
          "of candidates of one kind the lowest name is the parent"),
    Fault("E7", KIN, "kind_serves(kind) ? span->kind == SPAN_KIND_CLIENT",
          "kind == SPAN_KIND_SERVER ? span->kind == SPAN_KIND_CLIENT",
          "a CONSUMER child of a shared id belongs to the CLIENT half"),
    Fault("E7", ADMIT, "            span->moved = 1;", "            ;",
          "a SERVER that comes after the CLIENT of its id pairs with it"),
    Fault("E7", ADMIT, "            kin_move(kin, own->at[i]);", "            (void)0;",
          "a SERVER that came before the CLIENT of its id pairs with it"),
    Fault("E7", KIN, "            if (around->walked != around->span)\n", "            if (true)\n",
          "a span is not around itself"),
    Fault("E10", JUDGE, "[CALL_DATABASE] = CONNECTION_DATABASE,", "[CALL_DATABASE] = CONNECTION_VIRTUAL,",
          "an unanswered database call has the type `database`"),
    Fault("E10", CALL, "    if (span->drawn)\n        return true;", "    ;",
          "a server side that comes after the call was drawn is late"),
    Fault("E10", SHARD, "    return (int32_t)(shard->now_ticks - since) >= 0;",
          "    return (int32_t)(shard->now_ticks - since) >= -1000000;",
          "no span is judged before its wait is over"),
    Fault("E10", SHARD, "    if (span->kind == SPAN_KIND_PRODUCER)\n        return true;", "    ;",
          "a PRODUCER waits messaging.wait"),
    Fault("E10", SHARD, "    other->kin_waits = 1;\n    return true;", "    return false;",
          "a span that waited for its parent is judged with it"),
    Fault("E11", CALL, "    if (side->kind == SPAN_KIND_PRODUCER || callee_kind == SPAN_KIND_CONSUMER)",
          "    if (side->kind == SPAN_KIND_PRODUCER && callee_kind == SPAN_KIND_CONSUMER)",
          "either a PRODUCER or a CONSUMER makes a pair messaging"),
    Fault("E11", CALL, "        return CONNECTION_DATABASE;", "        return CONNECTION_DIRECT;",
          "a pair whose client has database attributes has the type `database`"),
    Fault("E12", JUDGE, "    judge_observe(judge, &request, SECONDS_CLIENT, span, span->weight);",
          "    judge_observe(judge, &request, SECONDS_CLIENT, span, span->weight);\n"
          "    tally_observe(judge->tally, &request.seconds[SECONDS_SERVER], 0, span->weight);",
          "a side that was never seen is not observed as 0 s"),
    Fault("E13", CALL, "(kind_calls(side->kind) && side->status == SPAN_STATUS_ERROR))",
          "(side->status == SPAN_STATUS_ERROR))", "a SERVER parent's status is not the call's"),
    Fault("E13", CALL, "    if (span->status == SPAN_STATUS_ERROR ||", "    if (",
          "a callee with status ERROR fails the call"),
    Fault("E13", SIBLINGS, "    siblings->failed |= span->status == SPAN_STATUS_ERROR;",
          "    siblings->failed = span->status == SPAN_STATUS_ERROR;", "any member of a group fails it"),
    Fault("E13", STATUS, "is_caller && value->number >= 400", "value->number >= 400",
          "4xx is the client's error only"),
    Fault("E13", STATUS, "    if (status != SPAN_STATUS_UNSET ||", "    if (",
          "a status that is set is not derived anew"),
    Fault("E14", SPAN, "(fields->end_ns < fields->start_ns || duration_ns > DURATION_NS_MAX);",
          "duration_ns > DURATION_NS_MAX;", "an end before the start is counted as skew"),
    Fault("E14", SPAN, "fields->start_ns == 0 || fields->end_ns == 0;", "fields->start_ns == 0;",
          "a span without an end has no duration"),
    Fault("E14", CALL, "    if (client->duration_ns < server->duration_ns) {", "    if (false) {",
          "a negative network time is not observed"),
    Fault("E14", CALL, "kin_answers_roughly(&judge->kin, call->side).servers == 1)", "true)",
          "of several SERVERs none tells the network's time"),
    Fault("E14", CALL, "client->skewed ||\n        server->skewed)", "false)",
          "a cut duration tells nothing of the network"),
    Fault("E15", ADMIT, "other->kind == span->kind && kin_service(kin, other) == service",
          "kin_service(kin, other) == service", "the halves of a shared id are no duplicates"),
    Fault("E15", ADMIT, "            return true;\n    }\n    return false;", "            return false;\n    }\n    return false;",
          "the same span again is a duplicate"),
    Fault("E16", CALL, ".weight = side->weight > span->weight ? side->weight : span->weight,",
          ".weight = span->weight,", "of a pair the larger weight counts"),
    Fault("E16", CLIENT, "SECONDS_CLIENT, span, weight - note->weight);",
          "SECONDS_CLIENT, span, weight);", "a larger weight adds the difference only"),
    Fault("E16", SAMPLING, "threshold_end - threshold;", "threshold + 1;",
          "a threshold is the share that was rejected"),
    Fault("E16", SAMPLING, "    if (exponent == EXPONENT_ZERO)\n", "    if (exponent == 99)\n",
          "p:63 is no request at all"),
    Fault("E16", SAMPLING, "weight > weight_max ?", "false ?", "a weight is cut at sampling.max_count"),
    Fault("E17", ADMIT, "    if (own.count == IDS_MAX) {", "    if (own.count == IDS_MAX - 1) {",
          "eight spans of one id are taken"),
    Fault("E17", SPAN, "                         record->parent == record->id;", "                         false;",
          "a span that is its own parent has a missing parent"),
    Fault("E17", SPAN, "(fields->parent.size != 0 && fields->parent.size != SPAN_ID_SIZE) ||", "",
          "a parent id of a wrong length is a missing parent"),
    Fault("E17", TRACE, "        stage->rejected[REJECTED_INVALID_ID]++;", "        ;",
          "a span with an invalid id is counted as rejected"),

    # --- Accounting ------------------------------------------------------------------------------
    Fault("classes", JUDGE, "        accounting->paired++;", "        accounting->internal++;",
          "a side of a counted call is paired"),
    Fault("classes", JUDGE, "    return judged->is_root && !is_message ? unpaired(UNPAIRED_NO_PRODUCER) : class_internal;",
          "    return class_internal;", "a root CONSUMER without a destination has no producer"),
    Fault("classes", JUDGE, "    return unpaired(span->kind == SPAN_KIND_CLIENT ? UNPAIRED_NO_SERVER : UNPAIRED_NO_CONSUMER);",
          "    return unpaired(UNPAIRED_NO_SERVER);", "a PRODUCER without an answer lacks a consumer"),
    Fault("classes", DOWN, "found != PLAIN_NONE && kin_client_side(kin, at) == 0 ?", "found != PLAIN_NONE ?",
          "an INTERNAL span below a CLIENT is no side of the call"),
    Fault("E8", MESSAGE, "        .group = consumer->group,", "        .group = CATALOG_NONE,",
          "each consumer group is a request of its own"),
    Fault("E8", MESSAGE, "consumer->is_receive && cell->process ? ANSWER_RECEIVED", "false ? ANSWER_RECEIVED",
          "of a receive and a process span the request is the process span's"),
    Fault("E8", MESSAGE, "    if (taking->start_ns < producer->end_ns) {", "    if (false) {",
          "a message that took less than no time is not observed"),
    Fault("E8", MESSAGE, "    if (is_linked(judge, span, producer))", "    if (false)",
          "a producer by parent and by link is one pair"),
    Fault("E8", MAIL, "            producer->came_late |= half->answer == ANSWER_MISSING;", "            ;",
          "a producer that comes after its consumer's wait is late"),
    Fault("E9", MESSAGE, "destination != CATALOG_NONE ? taking->failed : has_failed", "has_failed",
          "from a destination on the consumer's status alone counts"),
    Fault("E10", SHARD, "            send_early(shard, at);", "            ;",
          "a producer is on its way at the end of pairing.wait"),
    Fault("links", MAIL, "    return taken == 0 && sent == shard->mail.halves.head;", "    return true;",
          "shards settle until nothing is on its way"),
    Fault("eviction", SHARD, "    bool is_early = !is_over(shard, at, WAIT_PAIRING);",
          "    bool is_early = false;", "one that is evicted before its wait ended is dropped"),
    Fault("eviction", JUDGE, "    judge->tally->accounting.dropped[DROPPED_EVICTED]++;", "    ;",
          "what is evicted is counted"),
    Fault("eviction", CALL, "    kin_span(kin, call.side)->bereft = 1;", "    ;",
          "a caller whose callee was dropped is not drawn as calling something unknown"),
    Fault("eviction", CALL, "        kin_span(kin, outer)->bereft |= kin_span(kin, outer)->kind == SPAN_KIND_CLIENT;", "        ;",
          "nor is one around that caller"),
    Fault("eviction", STORE, "            notes_free(&store->notes, block->aside[i].edge);", "            ;",
          "the notes of a span that leaves are given back"),
    Fault("accounting", SHARD, "    full->accounting.waiting = slab_of(shard)->pending + shard->mail.left_waiting;", "    ;",
          "spans that wait are counted as waiting"),
    Fault("accounting", ADMIT, "        accounting(shard)->duplicate++;", "        ;",
          "a duplicate is counted"),
    Fault("accounting", PUBLISHER, "    difference.waiting = 0;", "    ;",
          "waiting is a state and does not add up"),
    Fault("accounting", SNAPSHOT, "        now.received += spans;", "        ;",
          "spans that the receiver rejected were received"),

    # --- Counting --------------------------------------------------------------------------------
    Fault("merge", PUBLISHER, "    series->failed += edge->failed;", "    series->failed = edge->failed;",
          "failures of all shards add up"),
    Fault("merge", PUBLISHER, "    into->walks_cut += from->walks_cut;", "    ;", "walks that were cut are shown"),
    Fault("merge", PUBLISHER, "    uint64_t all = edge->requests | edge->failed | edge->is_counted;",
          "    uint64_t all = edge->requests | edge->is_counted;", "a failure that comes alone is published"),
    Fault("merge", PUBLISHER, "tally->span_last_ns > publisher->span_last.ns",
          "tally->span_last_ns < publisher->span_last.ns", "the last span's end is the latest"),
    Fault("merge", PUBLISHER, "    if (number == KEY_NONE && is_full(table))\n        number = overflow;",
          "", "past the bound the overflow series takes the counts"),
    Fault("tally", TALLY, "        tally->edges[i].requests = tally->edges[i].failed = 0;", "        ;",
          "the overflow's counts are not counted twice"),
    Fault("tally", TALLY, "(uint64_t)edge->view << 8 |\n                            (uint64_t)edge->type}",
          "(uint64_t)edge->view << 8}",
          "edges are told apart by their connection_type"),
    Fault("tally", TALLY, "(uint64_t)operation->kind << 8 |\n                            operation->status}",
          "(uint64_t)operation->kind << 8}",
          "operations are told apart by their status"),
    Fault("tally", QUEUE, "    edge->failed += request->failed;", "    edge->failed += request->failed != 0;",
          "failures are weighted as requests are"),
    Fault("bounds", HISTOGRAM, "duration_ns > bounds->upper_ns[i]", "duration_ns >= bounds->upper_ns[i]",
          "a duration on a bound is in the bucket below it"),
    Fault("bounds", HISTOGRAM, "bounds < 32 && mantissa > mantissas[bounds]", "bounds < 32 && mantissa >= mantissas[bounds]",
          "an exponential bucket's upper bound belongs to it, to the last bit"),
    Fault("scale", HISTOGRAM, "high - low >= HISTOGRAM_BUCKETS_MAX", "high - low > HISTOGRAM_BUCKETS_MAX",
          "there are at most 160 buckets"),
    Fault("merge", HISTOGRAM, "    into->zero_count += from->zero_count;", "    ;", "durations of 0 are merged"),
    Fault("merge", HISTOGRAM, "    if (into->count == 0 || from->min_ns < into->min_ns)",
          "    if (from->min_ns < into->min_ns)", "an empty histogram has no minimum"),
    Fault("quantile", HISTOGRAM, "* share + parts - 1) / parts", "* share) / parts",
          "the rank is rounded up"),
    Fault("quantile", HISTOGRAM, "(histogram->offset + (int32_t)i) + 0.5)", "(histogram->offset + (int32_t)i) + 1.0)",
          "a quantile is the middle of its bucket"),
    Fault("quantile", HISTOGRAM, "    return middle < min ? min : middle > max ? max : middle;",
          "    return middle < min ? min : middle;", "no quantile is above the maximum"),

    # --- The receiver ----------------------------------------------------------------------------
    Fault("decode", SPAN, "        fields->start_ns = field->number;", "        fields->end_ns = field->number;",
          "an unusual start is a start"),
    Fault("decode", TRACE, "    attributes_reset(&decoder->resource);", "    ;",
          "a resource does not inherit the one before it"),
    Fault("decode", TRACE, "    record->trace_hash = span_trace_hash(record->trace, decoder->options.hash_seed);",
          "    record->trace_hash = span_trace_hash(record->trace, record->id);",
          "all spans of a trace go to one shard"),
    Fault("decode", ATTRIBUTE, "        attributes_offer_boolean(attributes, key, value->number != 0);\n        break;",
          "        break;", "a boolean in an unusual form is read"),
    Fault("decode", ATTRIBUTES, "into->rank < name->rank)", "into->rank > name->rank)",
          "a new name of an attribute goes before its old one"),
]
