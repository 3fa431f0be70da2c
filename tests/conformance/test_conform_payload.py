"""A28 to A35: what is in a request."""

import math

import payloads
import pytest
import wire
from doors import probe
from payloads import DEPTHS, with_bytes


def sent(door, payload):
    return door.send(payload)


# --- A28 ------------------------------------------------------------------------------------------


@probe("A28", "unknown fields of every wire type are skipped at every depth")
@pytest.mark.parametrize("depth", list(DEPTHS))
def test_unknown_fields(binary_door, depth):
    for where in ("before", ""):
        more = b"".join(wire.each_kind(1234).values()) + b"".join(wire.each_kind((1 << 29) - 1).values())
        body = with_bytes(depth, b"", before=more) if where else with_bytes(depth, more)
        outcome = binary_door.send(body)
        assert outcome.kind in ("ok", "warning"), f"{where}: {outcome}"


@probe("A28", "an unknown field of each wire type is skipped")
@pytest.mark.parametrize("kind", list(wire.each_kind(1)))
def test_unknown_field_of_kind(binary_door, kind):
    outcome = binary_door.send(with_bytes("span", wire.each_kind(999)[kind]))
    assert outcome.kind in ("ok", "warning"), str(outcome)


WRONG_TYPES = {"name": ("span", wire.number(5, 7)), "kind": ("span", wire.block(6, b"x")), "start": ("span", wire.number(7, 7)),
               "attributes": ("span", wire.fixed64(9)), "status": ("span", wire.fixed32(15)), "flags": ("span", wire.block(16, b"")),
               "events": ("span", wire.group(11)), "scope": ("scope_spans", wire.number(1, 1)),
               "resource": ("resource_spans", wire.fixed32(1)), "value": ("attribute", wire.number(2, 1)),
               "string_value": ("value", wire.number(1, 1)), "resource_spans": ("request", wire.number(1, 1))}


@probe("A28", "a known field of a wrong wire type is skipped as if it were unknown")
@pytest.mark.parametrize("field", list(WRONG_TYPES))
def test_wrong_wire_type(binary_door, field):
    depth, more = WRONG_TYPES[field]
    outcome = binary_door.send(with_bytes(depth, more))
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A28", "nested groups are skipped")
@pytest.mark.parametrize("depth", [1, 10, 30])
def test_groups(binary_door, depth):
    body = wire.number(1, 1)
    for number in range(depth):
        body = wire.group(number + 1, body)
    outcome = binary_door.send(with_bytes("span", wire.group(99, body)))
    assert outcome.kind in ("ok", "warning"), str(outcome)


SOUND_FORMS = {
    "numbers written long": payloads.span_bytes(payloads.span(kind=0).SerializeToString() + wire.tag(6, 0) + b"\x82\x80\x80\x00"),
    "lengths written long": b"\x0a\x80\x80\x00",
    "tags written long": b"\x8a\x80\x00\x00",
    "a scalar twice": with_bytes("span", wire.block(5, b"last")),
    "a message twice": with_bytes("span", wire.block(15, wire.number(3, 2))),
    "a oneof twice": with_bytes("value", wire.number(2, 1)),
    "fields in another order": with_bytes("span", b"", before=wire.number(6, 3) + wire.fixed64(8, 1)),
    "a number of ten bytes": with_bytes("span", wire.number(6, -1)),
    "a flag of more than one bit": with_bytes("value", wire.number(2, 1 << 40)),
}


@probe("A28", "whatever a writer of protobuf may write is read")
@pytest.mark.parametrize("what", list(SOUND_FORMS))
def test_sound_forms(binary_door, what):
    outcome = binary_door.send(SOUND_FORMS[what])
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A28", "text that is no UTF-8 is bad data or taken, and never an error of the server")
def test_invalid_utf8(binary_door):
    outcome = binary_door.send(with_bytes("span", wire.block(5, b"\xff\xfe")))
    assert outcome.kind != "refused" or binary_door.is_bad_data(outcome), str(outcome)


# --- A29 ------------------------------------------------------------------------------------------

INVALID_IDS = {"trace_id": {0: b"", 1: b"x", 8: b"x" * 8, 15: b"x" * 15, 17: b"x" * 17, 32: b"x" * 32, "zeros": b"\0" * 16},
               "span_id": {0: b"", 1: b"x", 4: b"x" * 4, 7: b"x" * 7, 9: b"x" * 9, 16: b"x" * 16, "zeros": b"\0" * 8}}
BAD_IDS = [(field, size) for field, sizes in INVALID_IDS.items() for size in sizes]


@probe("A29", "a span whose id has a wrong length or is zero is rejected alone")
@pytest.mark.parametrize(("field", "size"), BAD_IDS)
def test_invalid_id(binary_door, field, size):
    bad = payloads.span(**{field: INVALID_IDS[field][size]})
    outcome = binary_door.send(payloads.body(payloads.span(), bad, payloads.span()))
    assert (outcome.kind, outcome.rejected) == ("partial", 1), str(outcome)


@probe("A29", "where every span is invalid the answer is still a partial success")
@pytest.mark.parametrize("count", [1, 100])
def test_all_invalid(door, count):
    request = payloads.traces(*(payloads.bad_span() for _ in range(count)))
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    assert (outcome.kind, outcome.rejected) == ("partial", count), str(outcome)


@probe("A29", "an id that is missing altogether, or of a wrong wire type, makes an invalid span")
@pytest.mark.parametrize("what", ["empty span", "wire type"])
def test_missing_id(binary_door, what):
    more = wire.block(2, b"") if what == "empty span" else \
        wire.block(2, payloads.span(trace_id=b"").SerializeToString() + wire.number(1, 7))
    outcome = binary_door.send(with_bytes("scope_spans", more))
    assert (outcome.kind, outcome.rejected) == ("partial", 1), str(outcome)


@probe("A29", "an invalid link does not cost its span")
@pytest.mark.parametrize("what", ["empty", "short", "zeros", "long"])
def test_invalid_link(binary_door, what):
    trace_id, span_id = {"empty": (b"", b""), "short": (b"x" * 8, b"y" * 4), "zeros": (b"\0" * 16, b"\0" * 8),
                         "long": (b"x" * 20, b"y" * 20)}[what]
    span = payloads.span()
    span.links.add(trace_id=trace_id, span_id=span_id)
    outcome = binary_door.send(payloads.body(span))
    assert outcome.rejected == 0, str(outcome)
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A29", "an invalid parent's id does not cost its span")
@pytest.mark.parametrize("parent", [b"x", b"x" * 7, b"x" * 16, b"\0" * 8], ids=["1", "7", "16", "zeros"])
def test_invalid_parent(binary_door, parent):
    outcome = binary_door.send(payloads.body(payloads.span(parent_span_id=parent)))
    assert outcome.rejected == 0, str(outcome)
    assert outcome.kind in ("ok", "warning"), str(outcome)


# --- A30 ------------------------------------------------------------------------------------------

ODD_SPANS = {
    "no kind": {"kind": 0}, "unknown kind": {"kind": 99}, "negative kind": {"kind": -1}, "no name": {"name": ""},
    "no times": {"start_time_unix_nano": 0, "end_time_unix_nano": 0},
    "end before start": {"start_time_unix_nano": payloads.START, "end_time_unix_nano": payloads.START - 1},
    "greatest times": {"start_time_unix_nano": (1 << 64) - 1, "end_time_unix_nano": (1 << 64) - 1},
    "end greatest": {"end_time_unix_nano": (1 << 64) - 1}, "flags all": {"flags": (1 << 32) - 1}, "flags remote": {"flags": 0x301},
    "flags high": {"flags": 0xFFFFFC00}, "tracestate odd": {"trace_state": "=,;=,\0\u20ac" * 10},
    "tracestate sampling": {"trace_state": "ot=th:8;rv:ffffffffffffff"}, "long name": {"name": "n" * 10_000},
    "name of controls": {"name": "a\0b\n\x1b"}, "dropped counts": {"dropped_attributes_count": (1 << 32) - 1,
                                                                  "dropped_events_count": 1, "dropped_links_count": 1},
}


@probe("A30", "odd kinds, times, flags and names are accepted")
@pytest.mark.parametrize("what", list(ODD_SPANS))
def test_odd_span(door, what):
    request = payloads.traces(payloads.span(**ODD_SPANS[what]))
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    assert outcome.kind in ("ok", "warning"), str(outcome)
    assert outcome.rejected == 0


@probe("A30", "statuses of every kind are accepted")
@pytest.mark.parametrize("code", [None, 0, 1, 2, 3, 99])
def test_status(door, code):
    span = payloads.span()
    if code is not None:
        span.status.code = code
        span.status.message = "why"
    request = payloads.traces(span)
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    assert outcome.kind in ("ok", "warning"), str(outcome)


# --- A31 ------------------------------------------------------------------------------------------


def filled(fill):
    """A span whose attributes were filled by `fill`."""
    span = payloads.span()
    fill(span)
    return span


def nested(span, levels, field):
    value = span.attributes.add(key="deep").value
    for _ in range(levels):
        value = value.array_value.values.add() if field == "array" else value.kvlist_value.values.add(key="k").value
    value.string_value = "bottom"


def mixed(span):
    values = span.attributes.add(key="mixed").value.array_value.values
    values.add(string_value="a")
    values.add(int_value=-1)
    values.add(double_value=math.nan)
    values.add(bool_value=True)
    values.add(bytes_value=b"\xff")
    values.add()
    values.add().array_value.values.add(int_value=1)
    values.add().kvlist_value.values.add(key="k").value.bool_value = False


def set_value(name, value):
    def fill(span):
        setattr(span.attributes.add(key="key").value, name, value)
    return fill


ATTRIBUTES = {
    "empty value": lambda span: span.attributes.add(key="key").value.SetInParent(), "no value": lambda span: span.attributes.add(key="key"),
    "bytes": set_value("bytes_value", b"\0\xff"), "empty bytes": set_value("bytes_value", b""),
    "empty string": set_value("string_value", ""), "NaN": set_value("double_value", math.nan),
    "infinity": set_value("double_value", math.inf), "least integer": set_value("int_value", -1 << 63), "mixed array": mixed,
    "empty array": lambda span: span.attributes.add(key="key").value.array_value.SetInParent(),
    "empty map": lambda span: span.attributes.add(key="key").value.kvlist_value.SetInParent(),
    "arrays in arrays": lambda span: nested(span, 10, "array"), "maps in maps": lambda span: nested(span, 8, "map"),
    "empty key": lambda span: setattr(span.attributes.add(key="").value, "string_value", "x"),
    "key twice": lambda span: [setattr(span.attributes.add(key="k").value, "int_value", i) for i in range(3)],
    "service.name of a number": lambda span: setattr(span.attributes.add(key="service.name").value, "int_value", 3),
    "long value": set_value("string_value", "v" * 100_000), "many": lambda span: [span.attributes.add(key=f"k{i}") for i in range(2000)],
    "on events and links": lambda span: (mixed(span.events.add(name="e")), mixed(span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8))),
}


@probe("A31", "attributes of any value are accepted")
@pytest.mark.parametrize("what", list(ATTRIBUTES))
def test_attribute(door, what):
    request = payloads.traces(filled(ATTRIBUTES[what]))
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    assert outcome.kind in ("ok", "warning"), str(outcome)
    assert outcome.rejected == 0


@probe("A31", "resources and scopes too may have attributes of any value, or none")
@pytest.mark.parametrize("what", ["resource", "scope", "none", "service twice"])
def test_resource_attribute(door, what):
    request = payloads.traces(payloads.span())
    block = request.resource_spans[0]
    if what == "none":
        block.ClearField("resource")
    elif what == "service twice":
        block.resource.attributes.add(key="service.name").value.string_value = "another"
    else:
        mixed(block.resource if what == "resource" else block.scope_spans[0].scope)
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    assert outcome.kind in ("ok", "warning"), str(outcome)


# --- A32, A34 ---------------------------------------------------------------------------------------


@probe("A32", "references into a string table that is not there fail nothing")
@pytest.mark.parametrize("what", ["string_value_strindex", "key_strindex", "both", "negative"])
def test_string_index(binary_door, what):
    value = wire.block(2, wire.number(8, 3))
    attribute = {"string_value_strindex": wire.block(1, b"key") + value, "key_strindex": wire.number(3, 5) + wire.block(2, b""),
                 "both": wire.number(3, 5) + value, "negative": wire.number(3, -5) + wire.block(2, wire.number(8, -1))}[what]
    outcome = binary_door.send(with_bytes("span", wire.block(9, attribute)))
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A34", "the reserved field 1000 is ignored")
@pytest.mark.parametrize("depth", ["resource_spans", "scope_spans", "request"])
@pytest.mark.parametrize("kind", list(wire.each_kind(1)))
def test_field_1000(binary_door, depth, kind):
    outcome = binary_door.send(with_bytes(depth, wire.each_kind(1000)[kind]))
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A34", "old instrumentation libraries are ignored in JSON")
@pytest.mark.parametrize("value", [[], [{"spans": [{"traceId": "bad"}]}], "text"], ids=["empty", "spans", "text"])
def test_instrumentation_library_json(server, value):
    import json
    tree = payloads.json_traces(payloads.json_span())
    tree["resourceSpans"][0]["instrumentationLibrarySpans"] = value
    outcome = server.door("json").send(json.dumps(tree).encode())
    assert outcome.kind in ("ok", "warning"), str(outcome)


# --- A35 ------------------------------------------------------------------------------------------


def rich_request():
    request = payloads.traces(payloads.full_span(), filled(mixed), payloads.bad_span(), payloads.span(kind=3))
    request.resource_spans[0].schema_url = "https://example.org/schema"
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"x" * 16, span_id=b"y" * 8)
    return request


SAME = {
    "nothing": lambda: payloads.REQUESTS["traces"](), "one span": lambda: payloads.traces(payloads.span()),
    "one hundred": lambda: payloads.traces(*(payloads.span() for _ in range(100))),
    "no spans": lambda: payloads.traces(), "rich": rich_request,
    "one invalid": lambda: payloads.traces(payloads.span(), payloads.bad_span()),
    "all invalid": lambda: payloads.traces(*(payloads.bad_span() for _ in range(9))),
    **{f"{field} of {size} bytes": lambda field=field, size=size: payloads.traces(
        payloads.span(), payloads.span(**{field: INVALID_IDS[field][size]})) for field, size in BAD_IDS},
    **{f"span: {what}": lambda fields=fields: payloads.traces(payloads.span(**fields)) for what, fields in ODD_SPANS.items()},
    **{f"attribute: {what}": lambda fill=fill: payloads.traces(filled(fill)) for what, fill in ATTRIBUTES.items()},
}


@probe("A35", "one payload has one outcome, whichever way it comes")
@pytest.mark.parametrize("what", list(SAME))
def test_same_outcome(server, what):
    request = SAME[what]()
    found = {}
    for name in ("grpc", "http", "json", "h2"):
        if name == "h2" and not server.speaks_http2():
            continue
        door = server.door(name)
        outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
        kind = "ok" if outcome.kind in ("ok", "warning") else outcome.kind
        found[name] = kind, outcome.rejected
    assert len(set(found.values())) == 1, str(found)


# --- A33 ------------------------------------------------------------------------------------------


def metrics(fill):
    request = payloads.REQUESTS["metrics"]()
    block = request.resource_metrics.add()
    block.resource.attributes.add(key="service.name").value.string_value = payloads.SERVICE
    scope = block.scope_metrics.add()
    good = scope.metrics.add(name="good").gauge.data_points.add(time_unix_nano=payloads.START)
    good.as_int = 1
    fill(scope.metrics.add(name="probe"))
    return request


def point(metric, kind="gauge", **fields):
    return getattr(metric, kind).data_points.add(**{"time_unix_nano": payloads.START, **fields})


def histogram(metric, counts=(1, 2, 3), bounds=(1, 2), **fields):
    metric.histogram.aggregation_temporality = 2
    return point(metric, "histogram", count=sum(counts), bucket_counts=counts, explicit_bounds=bounds, **fields)


BAD_POINTS = {
    "no time": lambda m: point(m, time_unix_nano=0, as_int=1), "no value": lambda m: point(m),
    "sum without time": lambda m: point(m, "sum", time_unix_nano=0, as_double=1.5),
    "too few counts": lambda m: histogram(m, counts=(1, 2)), "too many counts": lambda m: histogram(m, counts=(1, 2, 3, 4)),
    "counts without bounds": lambda m: histogram(m, counts=(1, 2), bounds=()),
    "bounds that fall": lambda m: histogram(m, bounds=(2, 1)), "bounds that are equal": lambda m: histogram(m, bounds=(1, 1)),
    "histogram without time": lambda m: histogram(m, time_unix_nano=0),
    "summary without time": lambda m: point(m, "summary", time_unix_nano=0, count=1),
    "exponential without time": lambda m: point(m, "exponential_histogram", time_unix_nano=0, count=1),
}
GOOD_POINTS = {
    "int": lambda m: point(m, as_int=-5), "double": lambda m: point(m, as_double=math.nan), "zero": lambda m: point(m, as_int=0),
    "no recorded value": lambda m: point(m, flags=1), "sum": lambda m: point(m, "sum", as_int=5), "histogram": histogram,
    "histogram with sum": lambda m: histogram(m, sum=12.5, min=1, max=3),
    "histogram without buckets": lambda m: histogram(m, counts=(), bounds=()),
    "exponential": lambda m: point(m, "exponential_histogram", count=3, scale=-4, zero_count=3),
    "exponential of a low offset": lambda m: setattr(point(m, "exponential_histogram", count=0).positive, "offset", -1 << 31),
    "summary": lambda m: point(m, "summary", count=1, sum=2.0), "no data": lambda m: None,
}


@probe("A33", "a point that cannot be right is rejected alone")
@pytest.mark.parametrize("what", list(BAD_POINTS))
def test_bad_point(door, server, what):
    server.require("metrics", door)
    request = metrics(BAD_POINTS[what])
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString(), "metrics")
    assert (outcome.kind, outcome.rejected) == ("partial", 1), str(outcome)


@probe("A33", "points of each kind are accepted")
@pytest.mark.parametrize("what", list(GOOD_POINTS))
def test_good_point(door, server, what):
    server.require("metrics", door)
    request = metrics(GOOD_POINTS[what])
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString(), "metrics")
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A33", "64-bit counts may be strings in JSON's arrays")
def test_bucket_counts_as_strings(server):
    server.require("metrics", server.door("json"))
    body = payloads.json_of(metrics(histogram))
    assert b'"bucketCounts": ["1", "2", "3"]' in body
    for text in (body, body.replace(b'["1", "2", "3"]', b"[1, 2, 3]")):
        outcome = server.door("json").send(text, "metrics")
        assert outcome.kind == "ok", str(outcome)


@probe("A3", "log records are taken, where the signal is")
@pytest.mark.parametrize("what", ["plain", "ids", "odd"])
def test_logs(door, server, what):
    server.require("logs", door)
    request = payloads.REQUESTS["logs"]()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=payloads.START)
    record.body.string_value = "text"
    if what == "ids":
        record.trace_id, record.span_id = b"t" * 16, b"s" * 8
    elif what == "odd":
        record.severity_number = 99
        record.body.kvlist_value.values.add(key="a")
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString(), "logs")
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A18", "bad data of the other signals is bad data, where they are taken")
@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_bad_data_of_signal(door, server, signal):
    server.require(signal, door)
    outcome = door.send(b"{" if door.json else b"\x0a\x7f", signal)
    assert door.is_bad_data(outcome), str(outcome)


# --- C14 ------------------------------------------------------------------------------------------


def deep_value(levels, kind="array"):
    """An AnyValue so deep, in bytes."""
    heads, size = [], 3  # From the inside out, so that nothing is copied twice.
    for _ in range(levels):
        for field, before in ((1, b""), (5, b"")) if kind == "array" else ((2, wire.block(1, b"k")), (1, b""), (6, b"")):
            heads.append(before + wire.tag(field, wire.BYTES) + wire.varint(size))
            size += len(heads[-1])
    return b"".join(reversed(heads)) + wire.block(1, b"x")


@probe("C14", "values nested without bounds are refused, and harm nobody")
@pytest.mark.parametrize("kind", ["array", "map"])
@pytest.mark.parametrize("levels", [200, 5000, 100_000])
def test_deep_value(binary_door, server, kind, levels):
    while len(deep := deep_value(levels, kind)) > server.limit - 1000:
        levels //= 2
    body = with_bytes("span", wire.block(9, wire.block(1, b"deep") + wire.block(2, deep)))
    outcome = binary_door.send(body)
    assert outcome.kind in ("ok", "warning") or binary_door.is_bad_data(outcome), str(outcome)
    server.assert_serves()


@probe("C14", "groups nested without bounds are refused, and harm nobody")
@pytest.mark.parametrize("what", ["closed", "open"])
def test_deep_groups(binary_door, server, what):
    count = min(200_000, server.limit // 2 - 1000)
    group = wire.tag(15, wire.GROUP) * count + (wire.tag(15, wire.END_GROUP) * count if what == "closed" else b"")
    outcome = binary_door.send(with_bytes("span", group))
    assert outcome.kind in ("ok", "warning") or binary_door.is_bad_data(outcome), str(outcome)
    server.assert_serves()


@probe("C14", "masses of empty messages are taken or refused, and harm nobody")
@pytest.mark.parametrize("what", ["spans", "attributes", "events", "links", "resource_spans", "scope_spans", "values"])
def test_empty_messages(binary_door, server, what):
    count = min(server.limit - 1000, 8 << 20) // 2
    depth, field = {"spans": ("scope_spans", 2), "attributes": ("span", 9), "events": ("span", 11), "links": ("span", 13),
                    "resource_spans": ("request", 1), "scope_spans": ("resource_spans", 2), "values": ("value", 5)}[what]
    more = wire.block(field, b"") * count if what != "values" else wire.block(5, wire.block(1, b"") * count)
    outcome = binary_door.send(with_bytes(depth, more))
    if what == "spans" and outcome.kind != "refused":
        assert (outcome.kind, outcome.rejected) == ("partial", count), str(outcome)
    else:
        assert outcome.kind != "refused" or not outcome.code == 500, str(outcome)
    server.assert_serves()
