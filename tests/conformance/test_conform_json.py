"""A23 to A27: OTLP/JSON."""

import json

import payloads
import pytest
from doors import probe
from payloads import json_body, json_span, json_traces


def send(server, tree):
    body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return server.door("json").send(body)


def send_span(server, **fields):
    return send(server, json_traces(json_span(**fields)))


def replaced(old, new, **fields):
    """The text of a sound request in which one thing is written otherwise."""
    text = json_body(json_span(**fields)).decode()
    assert old in text, old
    return text.replace(old, new, 1).encode()


# --- A23 ------------------------------------------------------------------------------------------

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


@probe("A23", "ids are hex in either case")
@pytest.mark.parametrize("form", ["lower", "upper", "mixed"])
def test_hex_case(server, form):
    write = {"lower": str.lower, "upper": str.upper, "mixed": str.title}[form]
    outcome = send_span(server, traceId=write(TRACE), spanId=write(SPAN), parentSpanId=write(SPAN[::-1]),
                        links=[{"traceId": write(TRACE), "spanId": write(SPAN)}])
    assert outcome.kind == "ok", str(outcome)


@probe("A23", "a parent's id that is empty, null or absent is none")
@pytest.mark.parametrize("parent", ["", None, "0000000000000000"], ids=["empty", "null", "zeros"])
def test_no_parent(server, parent):
    tree = json_traces(json_span())
    tree["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["parentSpanId"] = parent
    outcome = send(server, tree)
    assert outcome.kind == "ok", str(outcome)


@probe("A23", "hex of a wrong length, zeros and no id make one invalid span")
@pytest.mark.parametrize("field", ["traceId", "spanId"])
@pytest.mark.parametrize("what", ["short", "long", "odd", "zeros", "empty", "null", "absent"])
def test_invalid_id(server, field, what):
    sound = {"traceId": TRACE, "spanId": SPAN}[field]
    bad = json_span()
    bad[field] = {"short": sound[:-2], "long": sound + "00", "odd": sound[:-1], "zeros": "0" * len(sound), "empty": "",
                  "null": None, "absent": None}[what]
    if what == "absent":
        del bad[field]
    outcome = send(server, json_traces(json_span(), bad))
    assert (outcome.kind, outcome.rejected) == ("partial", 1), str(outcome)


@probe("A23", "what is no hex is 400")
@pytest.mark.parametrize("field", ["traceId", "spanId", "parentSpanId"])
@pytest.mark.parametrize("what", ["base64", "letters", "prefix", "spaces", "number", "object", "unicode"])
def test_no_hex(server, field, what):
    length = 32 if field == "traceId" else 16
    value = {"base64": "W47/95gDgQPSabYzgT/GDA=="[:24 if length == 32 else 12], "letters": "g" * length,
             "prefix": "0x" + "1" * (length - 2), "spaces": " " * length, "number": 12345678, "object": {},
             "unicode": "é" * length}[what]
    outcome = send_span(server, **{field: value})
    assert outcome.code == 400, str(outcome)


# --- A24 ------------------------------------------------------------------------------------------


@probe("A24", "the name of an enum is 400, and the message names the field")
@pytest.mark.parametrize("what", ["kind", "code", "kind, unknown name", "kind, empty"])
def test_enum_name(server, what):
    fields = {"kind": {"kind": "SPAN_KIND_SERVER"}, "code": {"status": {"code": "STATUS_CODE_ERROR"}},
              "kind, unknown name": {"kind": "NO_SUCH"}, "kind, empty": {"kind": ""}}[what]
    outcome = send_span(server, **fields)
    assert outcome.code == 400, str(outcome)
    assert what.partition(",")[0] in outcome.message


@probe("A24", "enums are integers")
@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5])
def test_enum_number(server, kind):
    outcome = send_span(server, kind=kind, status={"code": kind % 3})
    assert outcome.kind == "ok", str(outcome)


# --- A25 ------------------------------------------------------------------------------------------

UNKNOWN = {"string": "x", "number": 12.5, "object": {"a": {"b": [1, {}]}}, "array": [[], {}, "x", None], "true": True, "null": None}


def deep_request():
    """A request with each part; (tree, {name: the object there})."""
    span = json_span(attributes=[payloads.attribute("key", "text")], events=[{"name": "event", "timeUnixNano": "1"}],
                     links=[{"traceId": TRACE, "spanId": SPAN}], status={"message": "fine"})
    tree = json_traces(span)
    resource_spans = tree["resourceSpans"][0]
    scope_spans = resource_spans["scopeSpans"][0]
    scope_spans["scope"] = {"name": "scope"}
    return tree, {"request": tree, "resourceSpans": resource_spans, "resource": resource_spans["resource"],
                  "scopeSpans": scope_spans, "scope": scope_spans["scope"], "span": span,
                  "attribute": span["attributes"][0], "value": span["attributes"][0]["value"],
                  "event": span["events"][0], "link": span["links"][0], "status": span["status"]}


@probe("A25", "unknown fields are ignored at every depth")
@pytest.mark.parametrize("depth", list(deep_request()[1]))
def test_unknown_field(server, depth):
    tree, places = deep_request()
    for kind, value in UNKNOWN.items():
        places[depth][f"unknown-{kind}"] = value
    outcome = send(server, tree)
    assert outcome.kind == "ok", str(outcome)


@probe("A25", "unknown fields of any kind are ignored, before and behind the known")
@pytest.mark.parametrize("kind", list(UNKNOWN))
def test_unknown_field_of_kind(server, kind):
    tree, places = deep_request()
    outcome = send(server, {"first": UNKNOWN[kind], **tree, "": UNKNOWN[kind], "last": UNKNOWN[kind]})
    assert outcome.kind == "ok", str(outcome)


@probe("A25", "snake_case is not known: nothing of it is read")
@pytest.mark.parametrize("where", ["resource_spans", "scope_spans", "trace_id", "start_time_unix_nano", "string_value",
                                   "dropped_attributes_count"])
def test_snake_case(server, where):
    tree, places = deep_request()
    place = {"resource_spans": "request", "scope_spans": "resourceSpans", "string_value": "value"}.get(where, "span")
    # Of a type that would be refused if the name were known.
    places[place][where] = {"no": "such type"} if where != "resource_spans" else "text"
    if where == "string_value":
        del places[place]["stringValue"]
    outcome = send(server, tree)
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A25", "names are matched in their case only")
@pytest.mark.parametrize("name", ["ResourceSpans", "RESOURCESPANS", "resourcespans"])
def test_other_case(server, name):
    outcome = send(server, {name: "text"})
    assert outcome.kind in ("ok", "warning"), str(outcome)


# --- A26 ------------------------------------------------------------------------------------------

VALUES = {
    "int string": {"intValue": "42"}, "int number": {"intValue": 42}, "int negative": {"intValue": "-42"},
    "int negative number": {"intValue": -42}, "int least": {"intValue": "-9223372036854775808"},
    "int greatest": {"intValue": "9223372036854775807"}, "int greatest number": {"intValue": 9223372036854775807},
    "int zero": {"intValue": 0}, "double": {"doubleValue": 1.5}, "double integer": {"doubleValue": 1},
    "double string": {"doubleValue": "1.5"}, "double NaN": {"doubleValue": "NaN"},
    "double Infinity": {"doubleValue": "Infinity"}, "double -Infinity": {"doubleValue": "-Infinity"},
    "double large": {"doubleValue": 1.7e308}, "double small": {"doubleValue": 5e-324},
    "bool": {"boolValue": True}, "false": {"boolValue": False}, "bytes": {"bytesValue": "aGVsbG8="},
    "bytes unpadded": {"bytesValue": "aGVsbG8"}, "bytes URL-safe": {"bytesValue": "-_-_"},
    "bytes of both alphabets' ends": {"bytesValue": "+/+/"}, "bytes empty": {"bytesValue": ""},
    "string empty": {"stringValue": ""}, "string NUL": {"stringValue": "a\0b"}, "string emoji": {"stringValue": "\U0001F600"},
    "array": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}, {}]}},
    "array empty": {"arrayValue": {}}, "array of none": {"arrayValue": {"values": []}},
    "map": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}, "map empty": {"kvlistValue": {}},
    "nothing": {}, "null": None,
}


@probe("A26", "values in each form that the JSON mapping allows")
@pytest.mark.parametrize("what", list(VALUES))
def test_value(server, what):
    outcome = send_span(server, attributes=[{"key": "key", "value": VALUES[what]}])
    assert outcome.kind == "ok", str(outcome)


@probe("A26", "64-bit times are strings or numbers")
@pytest.mark.parametrize("what", ["string", "number", "zero", "greatest", "greatest number"])
def test_time(server, what):
    time = {"string": "1700000000000000000", "number": 1700000000000000000, "zero": 0,
            "greatest": "18446744073709551615", "greatest number": 18446744073709551615}[what]
    outcome = send_span(server, startTimeUnixNano=time, endTimeUnixNano=time)
    assert outcome.kind == "ok", str(outcome)


@probe("A26", "32-bit numbers may be strings")
@pytest.mark.parametrize("value", [7, "7", 4294967295])
def test_uint32(server, value):
    outcome = send_span(server, droppedAttributesCount=value, flags=value)
    assert outcome.kind == "ok", str(outcome)


WRONG = {
    "int beyond": [{"intValue": "9223372036854775808"}], "int below": [{"intValue": "-9223372036854775809"}],
    "int number beyond": [{"intValue": 9223372036854775808}], "int text": [{"intValue": "abc"}],
    "int fraction": [{"intValue": 1.5}], "int empty": [{"intValue": ""}], "int bool": [{"intValue": True}],
    "int object": [{"intValue": {}}], "double text": [{"doubleValue": "abc"}], "double bool": [{"doubleValue": True}],
    "bool string": [{"boolValue": "true"}], "bool number": [{"boolValue": 1}], "string number": [{"stringValue": 1}],
    "string object": [{"stringValue": {}}], "string bool": [{"stringValue": True}], "bytes no base64": [{"bytesValue": "!!!!"}],
    "bytes number": [{"bytesValue": 1}], "array of values": [{"arrayValue": [{"intValue": 1}]}], "value text": ["text"],
}


@probe("A26", "a value of a wrong type or beyond its bounds is 400")
@pytest.mark.parametrize("what", list(WRONG))
def test_wrong_value(server, what):
    outcome = send_span(server, attributes=[{"key": "key", "value": WRONG[what][0]}])
    assert outcome.code == 400, str(outcome)


WRONG_FIELDS = {
    "time negative": {"startTimeUnixNano": "-1"}, "time beyond": {"startTimeUnixNano": "18446744073709551616"},
    "time text": {"startTimeUnixNano": "yesterday"}, "time bool": {"startTimeUnixNano": False},
    "name number": {"name": 7}, "name array": {"name": []}, "attributes object": {"attributes": {}},
    "attributes of text": {"attributes": ["x"]}, "events text": {"events": "x"}, "links object": {"links": {"a": 1}},
    "status text": {"status": "OK"}, "status array": {"status": []}, "uint32 beyond": {"droppedAttributesCount": 4294967296},
    "uint32 negative": {"droppedAttributesCount": -1}, "kind object": {"kind": {}},
}


@probe("A26", "a field of a wrong type or beyond its bounds is 400")
@pytest.mark.parametrize("what", list(WRONG_FIELDS))
def test_wrong_field(server, what):
    outcome = send_span(server, **WRONG_FIELDS[what])
    assert outcome.code == 400, str(outcome)


@probe("A26", "arrays and messages of the frame that are something else are 400")
@pytest.mark.parametrize("tree", [{"resourceSpans": {}}, {"resourceSpans": "x"}, {"resourceSpans": ["x"]},
                                  {"resourceSpans": [{"scopeSpans": {}}]}, {"resourceSpans": [{"resource": []}]},
                                  {"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]},
                                  {"resourceSpans": [{"scopeSpans": [{"spans": [7]}]}]}], ids=json.dumps)
def test_wrong_frame(server, tree):
    outcome = send(server, tree)
    assert outcome.code == 400, str(outcome)


@probe("A26", "null is as good as absent")
@pytest.mark.parametrize("field", ["name", "kind", "startTimeUnixNano", "attributes", "events", "links", "status",
                                   "traceState", "droppedLinksCount", "flags"])
def test_null(server, field):
    tree = json_traces(json_span())
    tree["resourceSpans"][0]["scopeSpans"][0]["spans"][0][field] = None
    outcome = send(server, tree)
    assert outcome.kind == "ok", str(outcome)


@probe("A26", "of a key that is there twice the last one counts")
@pytest.mark.parametrize("last", ["sound", "invalid"])
def test_duplicate_key(server, last):
    first, second = ("", TRACE) if last == "sound" else (TRACE, "")
    outcome = send(server, replaced(f'"traceId": "{TRACE}"', f'"traceId": "{first}", "traceId": "{second}"', traceId=TRACE))
    assert outcome.rejected == (0 if last == "sound" else 1), str(outcome)


@probe("A26", "missing arrays are empty ones")
@pytest.mark.parametrize("tree", [{}, {"resourceSpans": [{"resource": {}}]},
                                  {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "x"}}]}]}], ids=json.dumps)
def test_missing_arrays(server, tree):
    outcome = send(server, tree)
    assert outcome.kind == "ok", str(outcome)


# --- A27 ------------------------------------------------------------------------------------------

SOUND = json_body()
NO_JSON = {
    "no bytes": b"", "blanks": b"  \n", "array": b"[]", "number": b"1", "string": b'"x"', "true": b"true", "null": b"null",
    "cut": SOUND[:-1], "rubbish behind": SOUND + b"x", "another behind": SOUND + SOUND, "bracket behind": SOUND + b"}",
    "NUL behind": SOUND + b"\0", "BOM": b"\xef\xbb\xbf" + SOUND, "UTF-16": SOUND.decode().encode("utf-16"),
    "single quotes": SOUND.replace(b'"', b"'"), "trailing comma": b'{"a": 1,}', "comma only": b"{,}", "comment": b"{/* */}",
    "no quotes": b"{a: 1}", "NaN": b'{"a": NaN}', "Infinity": b'{"a": -Infinity}', "leading zero": b'{"a": 01}',
    "plus": b'{"a": +1}', "dot": b'{"a": 1.}', "hex": b'{"a": 0x1}', "bare tab": b'{"a": "\t"}', "bad escape": b'{"a": "\\x"}',
    "short escape": b'{"a": "\\u12"}', "unclosed": b'{"a": "', "colon missing": b'{"a" 1}', "true in capitals": b'{"a": TRUE}',
    "invalid UTF-8": b'{"a": "\xff"}', "overlong UTF-8": b'{"a": "\xc0\xaf"}', "surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "cut UTF-8": b'{"a": "\xe2\x82"}', "protobuf": payloads.body(),
}


@probe("A27", "what is no JSON object from the first to the last byte is 400")
@pytest.mark.parametrize("what", list(NO_JSON))
def test_no_json(server, what):
    outcome = send(server, NO_JSON[what])
    assert outcome.code == 400, str(outcome)


JSON_FORMS = {
    "blanks around": b" \r\n\t" + SOUND + b"\n\n", "escaped slash": b'{"a": "\\/"}', "surrogate pair": b'{"a": "\\ud83d\\ude00"}',
    "escaped NUL": b'{"a": "\\u0000"}', "escaped name": replaced("resourceSpans", "\\u0072esourceSpans"),
    "exponents": b'{"a": [1e5, 1E-5, -0, 1.5e+3]}', "large number": b'{"a": 123456789012345678901234567890}',
    "empty name": b'{"": 1}', "DEL": b'{"a": "\x7f"}', "noncharacter": '{"a": "\uffff"}'.encode(),
}


@probe("A27", "JSON in each form that the standard allows is taken")
@pytest.mark.parametrize("what", list(JSON_FORMS))
def test_json_forms(server, what):
    outcome = send(server, JSON_FORMS[what])
    assert outcome.kind in ("ok", "warning"), str(outcome)


@probe("A27", "a lone surrogate is 400, or taken with a character in its stead")
def test_lone_surrogate(server):
    outcome = send(server, replaced('"probe"', '"\\ud800"'))
    assert outcome.code in (200, 400), str(outcome)


@probe("C16", "nesting without bounds is refused, or skipped where it is not known")
@pytest.mark.parametrize("what", ["arrays", "objects", "unclosed", "values", "maps"])
@pytest.mark.parametrize("depth", [1000, 100_000])
def test_depth(server, what, depth):
    depth = min(depth, server.limit // 60)
    value = {"arrays": b"[" * depth + b"]" * depth, "objects": b'{"a":' * depth + b"1" + b"}" * depth, "unclosed": b"[" * depth,
             "values": b'{"arrayValue":{"values":[' * depth + b"{}" + b"]}}" * depth,
             "maps": b'{"kvlistValue":{"values":[{"key":"a","value":' * depth + b"{}" + b"}]}}" * depth}[what]
    field = b'"value"' if what in ("values", "maps") else b'"unknown"'
    outcome = send(server, replaced('"attributes": [', '"attributes": [{' + f"{field.decode()}: {value.decode()}" + "}, ",
                                    attributes=[]))
    assert outcome.code in (200, 400), str(outcome)
    server.assert_serves()


@probe("A27", "nesting as SDKs write it is taken")
def test_modest_depth(server):
    value = {"stringValue": "x"}
    for _ in range(12):
        value = {"arrayValue": {"values": [value]}}
    outcome = send_span(server, attributes=[{"key": "key", "value": value}])
    assert outcome.kind == "ok", str(outcome)


@probe("C16", "long names, numbers and many fields cost no more than their bytes")
@pytest.mark.parametrize("what", ["long name", "long string", "long number", "many fields", "many numbers", "same hash"])
def test_masses(server, what):
    size = min(server.limit - 1000, 4 << 20)
    body = {"long name": b'{"' + b"x" * size + b'": 1}', "long string": b'{"a": "' + b"\\u0041" * (size // 6) + b'"}',
            "long number": b'{"a": ' + b"1" * size + b"}",
            "many fields": b"{" + b",".join(b'"%x":1' % i for i in range(size // 12)) + b"}",
            "many numbers": b'{"a": [' + b"1," * (size // 2 - 10) + b"1]}",
            "same hash": b"{" + b",".join(b'"a":1' for _ in range(size // 6)) + b"}"}[what]
    outcome = send(server, body)
    assert outcome.code in (200, 400, 413), str(outcome)
    server.assert_serves()
