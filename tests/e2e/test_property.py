"""Random call graphs: spanmap against the model, and against itself with the same spans.

SPANMAP_SEEDS  how many seeds each test tries (default 6)
SPANMAP_SEED   the first of them (default 1)

A failure prints its seed and the path of a small input that still fails.
"""

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import chaos, compare, generate, model, otlp_json, shapes  # noqa: E402
from model.generate import CLIENT, CONSUMER, INTERNAL, NONE, PRODUCER, SERVER  # noqa: E402

FIRST = int(os.environ.get("SPANMAP_SEED") or 1)
SEEDS = range(FIRST, FIRST + int(os.environ.get("SPANMAP_SEEDS") or 6))

def families(seed):
    """Traces in which most spans have one of a few parents: sums of families are kept then."""
    rng = random.Random(seed)
    spans = chaos.chaos_spans(seed, chaos.Chaos(
        traces=4, spans_max=400, shared_ids=rng.choice((0, 0.1, 0.3)), reused=False))
    parents = {}
    for span in spans:
        few = parents.setdefault(span.trace, [])
        if len(few) < rng.choice((1, 2, 4)):
            few.append(span.id)
        elif rng.random() < 0.8:
            span.parent = rng.choice(few)
    return spans


def scripted(**mix):
    return lambda seed: generate.scripted(seed, generate.Mix(**mix)).spans


def chaotic(**wildness):
    return lambda seed: chaos.chaos_spans(seed, chaos.Chaos(**wildness))


GRAPHS = {
    "scripted": scripted(),
    "scripted_one_trace": scripted(traces=1, depth=8, calls_max=4),
    "scripted_calls": scripted(without=generate.MESSAGES + generate.PEERS),
    "scripted_peers": scripted(without=generate.MESSAGES),
    "scripted_messages": scripted(without=generate.PEERS, many_links=True),
    "lossy": lambda seed: chaos.lossy(seed, scripted()(seed)),
    "lossy_messages": lambda seed: chaos.lossy(seed, scripted(shapes=generate.MESSAGES)(seed)),
    "chaos": chaotic(),
    "shared_ids": chaotic(shared_ids=1.0, kinds=(SERVER, CLIENT, INTERNAL, NONE)),
    "calls_only": chaotic(kinds=(SERVER, CLIENT, INTERNAL), shared_ids=0.1, sampled=0,
                          attributes=chaos.call_attributes, operations=0, links=0),
    "messages_only": chaotic(kinds=(PRODUCER, CONSUMER, CLIENT, INTERNAL), services=2,
                             attributes=chaos.message_attributes, operations=0.5, links=0.8),
    "many_links": chaotic(traces=20, kinds=(PRODUCER, CONSUMER, CONSUMER), links=1, links_most=200,
                          attributes=chaos.message_attributes, reused=False),
    "large_traces": chaotic(traces=6, spans_max=250, shared_ids=0.1, reused=False),
    "families": families,
}


def well_behaved(spans):
    """Without ids reused beyond E17, which may show the order."""
    known = model.Model(spans)
    return [span for span in spans if known.class_of[span] != "rejected.id_reused"]


def metamorphic_graphs(seed):
    yield generate.scripted(seed, generate.Mix(many_links=True)).spans
    yield well_behaved(chaos.chaos_spans(seed, chaos.Chaos(reused=False)))


def same(seed, what, one, two):
    """Two runs on the same spans agree to the last digit."""
    if one != two:
        found = compare.differences(one, two) or ["the same within rounding, but not equal"]
        pytest.fail(f"seed {seed}: {what} shows:\n" + "\n".join(found[:20]))


# --- The model against what the generator knows -------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_model_finds_the_generators_truth(seed):
    graph = generate.scripted(seed, generate.Mix(many_links=True))
    found = model.Model(graph.spans)
    for view, truth in graph.edges.items():
        edges = {("/".join(client), "/".join(server), kind): (edge.requests, edge.failed)
                 for (client, server, kind), edge in found.views[view].items()}
        assert set(edges) == set(truth), f"seed {seed}"
        for key, counts in truth.items():
            for expected, actual in zip(counts, edges[key]):
                assert abs(actual / model.ONE - expected) < 1e-4, f"seed {seed}: {view} {key}"
    wrong = [span for span in graph.spans if found.class_of[span] != graph.classes[span]]
    assert not wrong, f"seed {seed}:\n" + compare.describe(wrong)


# --- Spanmap against the model --------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_spanmap_agrees_with_the_model(graph, seed):
    spans = GRAPHS[graph](seed)
    requests = generate.split(random.Random(seed), spans)
    found = compare.differences(model.judge(spans), compare.map_of(requests))
    if found:
        pytest.fail("\n".join(found[:20]) + "\n" + compare.explain(seed, spans))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("view", ("direct", "both"))
@pytest.mark.parametrize("graph", ("scripted_messages", "messages_only", "chaos"))
def test_spanmap_agrees_in_each_view(graph, view, seed):
    spans = GRAPHS[graph](seed)
    options = {"map.messaging": view}
    found = compare.differences_on(spans, options)
    if found:
        pytest.fail("\n".join(found[:20]) + "\n" + compare.explain(seed, spans, options))


OPTIONS = {
    "statuses_and_orphans": {"topology.derive_errors": "true", "topology.orphan_servers": "user"},
    "names": {"names.cidr": {"10.0.0.0/8": "ten", "10.1.0.0/16": "lab", "fe80::/10": "six"},
              "names.rewrite": {"^h\\d+\\.example$": "hosts", "^pkg\\.": "", "^q$": "queue",
                                "^elsewhere$": "c"}},
    "order": {"names.peer_order": ["destination", "address_port", "peer", "db_system"]},
    "lessons": {"names.peer_order": ["destination", "peer", "lesson", "url_host"]},
    "peers_first": {"names.peer_order": ["peer", "db_system", "destination", "lesson"],
                    "map.messaging": "both"},
    "peers_first_direct": {"names.peer_order": ["peer", "db_system", "destination", "lesson"],
                           "map.messaging": "direct"},
    "bounds": {"sampling.max_count": "3", "links.max": "2"},
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("which", OPTIONS)
def test_spanmap_agrees_with_options(which, seed):
    spans = GRAPHS["chaos"](seed)
    found = compare.differences_on(spans, OPTIONS[which])
    if found:
        pytest.fail("\n".join(found[:20]) + "\n" + compare.explain(seed, spans, OPTIONS[which]))


@pytest.mark.parametrize("form", shapes.FORMS)
def test_spanmap_agrees_on_every_small_trace(form):
    for spans in shapes.runs(form):
        found = compare.differences(model.judge(spans), compare.map_of([spans]))
        if found:
            pytest.fail("\n".join(found[:20]) + "\n" + compare.explain(form, spans))


@pytest.mark.parametrize("seed", SEEDS)
def test_self_edges_are_left_out_unless_asked_for(seed):
    spans = generate.scripted(seed).spans
    answer = compare.map_of([spans], self_edges=False)
    found = compare.differences(model.judge(spans, self_edges=False), answer)
    assert not found, f"seed {seed}\n" + "\n".join(found[:20])


# --- Spanmap against itself -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_order_does_not_show(seed):
    rng = random.Random(seed)
    for spans in metamorphic_graphs(seed):
        first = compare.bare(compare.map_of([spans]))
        shuffled = rng.sample(spans, len(spans))
        same(seed, "shuffling", first, compare.bare(compare.map_of([shuffled])))
        same(seed, "reversal", first, compare.bare(compare.map_of([spans[::-1]])))


@pytest.mark.parametrize("seed", SEEDS)
def test_splitting_does_not_show(seed, tmp_path):
    rng = random.Random(seed)
    for spans in metamorphic_graphs(seed):
        first = compare.bare(compare.map_of([spans]))
        one_each = [[span] for span in spans]
        same(seed, "one span a request", first, compare.bare(compare.map_of(one_each)))
        requests = generate.split(rng, spans)
        paths = [tmp_path / f"{number}.jsonl" for number in range(3)]
        for number, path in enumerate(paths):
            otlp_json.write(path, requests[number::3])
        same(seed, "several files", first, compare.bare(compare.run_map(paths)))


@pytest.mark.parametrize("seed", SEEDS)
def test_shards_do_not_show(seed):
    for spans in metamorphic_graphs(seed):
        first = compare.bare(compare.map_of([spans]))
        for shards in (1, 2, 5):
            other = compare.map_of([spans], {"topology.shards": shards})
            same(seed, f"topology.shards={shards}", first, compare.bare(other))


@pytest.mark.parametrize("seed", SEEDS)
def test_duplicates_only_raise_duplicate_and_received(seed):
    rng = random.Random(seed)
    for spans in metamorphic_graphs(seed):
        first = compare.bare(compare.map_of([spans]))
        known = model.Model(spans)
        valid = [span for span in spans if not known.class_of[span].startswith("rejected")]
        copies = [span.copy() for span in rng.choices(valid, k=len(valid) // 2)]
        more = rng.sample(spans + copies, len(spans) + len(copies))
        second = compare.bare(compare.map_of([more]))
        for key in ("received", "duplicate"):
            first["accounting"][key] += len(copies)
        same(seed, "duplication", first, second)


def rename(value, names):
    return "a-" + value if value in names else value


def renamed_span(span, names):
    """All services and peers renamed such that their order stays as it is."""
    peers = ("service.peer.name", "peer.service")
    attributes = {key: rename(value, names) if key in peers else value
                  for key, value in span.attributes.items()}
    resource = {key: rename(value, names) if key == "service.name" else value
                for key, value in span.resource.items()}
    return span.copy(attributes=attributes, resource=resource)


def renamed_answer(answer, names):
    """The answer as it must be after the renaming. A peer that is no service is renamed too."""
    def of(node_id):
        kind, namespace, name = node_id.split("/", 2)
        return f"{kind}/{namespace}/{rename(name, names)}"

    edges = [dict(edge, client=of(edge["client"]), server=of(edge["server"]))
             for edge in answer["edges"]]
    nodes = [dict(node, id=of(node["id"])) for node in answer["nodes"]]
    return dict(answer, edges=edges, nodes=nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_names_of_services_do_not_matter(seed):
    for spans in metamorphic_graphs(seed):
        names = {span.resource.get("service.name") for span in spans} - {None}
        second = compare.map_of([[renamed_span(span, names) for span in spans]])
        first = renamed_answer(compare.map_of([spans]), names)
        found = compare.differences(first, second)
        assert not found, f"seed {seed}: renaming shows:\n" + "\n".join(found[:20])


def of_other_ids(rng, spans):
    """The same spans with other trace and span ids, which go to other shards."""
    traces, ids = {}, {}

    def trace_of(trace):
        return traces.setdefault(trace, "%032x" % rng.getrandbits(128)) if len(trace) == 32 and \
            trace.strip("0") else trace

    def id_of(trace, span_id):
        if len(span_id) != 16 or not span_id.strip("0"):
            return span_id
        return ids.setdefault((trace, span_id), "%016x" % rng.getrandbits(64))

    return [span.copy(
        trace=trace_of(span.trace), id=id_of(span.trace, span.id),
        parent=id_of(span.trace, span.parent),
        links=[(trace_of(trace), id_of(trace, span_id)) for trace, span_id in span.links])
        for span in spans]


@pytest.mark.parametrize("seed", SEEDS)
def test_ids_do_not_matter(seed):
    rng = random.Random(seed)
    for spans in metamorphic_graphs(seed):
        first = compare.bare(compare.map_of([spans]))
        other = of_other_ids(rng, spans)
        same(seed, "other ids", first, compare.bare(compare.map_of([other])))


@pytest.mark.parametrize("seed", SEEDS)
def test_links_told_twice_do_not_matter(seed):
    for spans in metamorphic_graphs(seed):
        first = compare.bare(compare.map_of([spans]))
        twice = [span.copy(links=span.links * 2 if len(span.links) < 500 else span.links)
                 for span in spans]
        same(seed, "links told twice", first, compare.bare(compare.map_of([twice])))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_time_of_day_does_not_matter(seed):
    day_ns = 86400 * 10**9
    spans = generate.scripted(seed).spans
    later = [span.copy(start=span.start + day_ns if span.start else 0,
                       end=span.end + day_ns if span.end else 0) for span in spans]
    found = compare.differences(compare.map_of([spans]), compare.map_of([later]))
    assert not found, f"seed {seed}: a day shows:\n" + "\n".join(found[:20])
