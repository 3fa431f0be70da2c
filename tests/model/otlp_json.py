"""otlp_json: spans out of OTLP/JSON lines and into them.

Is:     the smallest reader and writer of trace requests that the tests need.
Is not: a validator; what a receiver must refuse is tested elsewhere.

A file holds one ExportTraceServiceRequest a line, as the Collector's file exporter writes it, or
one request alone.
"""

import base64
import gzip
import json
import math
from dataclasses import dataclass, field, replace

NONE, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(6)
KIND_NAMES = ["NONE", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
UNSET, OK, ERROR = range(3)
STATUS_NAMES = ["UNSET", "OK", "ERROR"]


@dataclass(eq=False)
class Span:
    """One span as it was sent. Two spans are the same only if they are one object."""

    trace: str = ""
    id: str = ""
    parent: str = ""
    kind: int = NONE
    name: str = "op"
    start: int = 0
    end: int = 0
    status: int = UNSET
    tracestate: str = ""
    attributes: dict = field(default_factory=dict)
    resource: dict = field(default_factory=dict)
    links: list = field(default_factory=list)  # (trace id, span id)

    def copy(self, **changes):
        """A span of its own with the same content, but for the changes."""
        return replace(self, **changes)


def _value_in(value):
    if "stringValue" in value:
        return value["stringValue"]
    if "boolValue" in value:
        return bool(value["boolValue"])
    if "intValue" in value:
        return int(value["intValue"])
    if "doubleValue" in value:
        return float(value["doubleValue"])
    if "bytesValue" in value:
        return base64.b64decode(value["bytesValue"])
    if "arrayValue" in value:
        return [_value_in(each) for each in value["arrayValue"].get("values") or []]
    if "kvlistValue" in value:
        return _attributes_in(value["kvlistValue"].get("values"))
    return None


def _value_out(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        special = math.isnan(value) or math.isinf(value)
        return {"doubleValue": str(value).replace("inf", "Infinity").replace("nan", "NaN")
                if special else value}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value_out(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _attributes_out(value)}}
    return {} if value is None else {"stringValue": value}


def _attributes_in(pairs):
    out = {}
    for pair in pairs or []:
        out.setdefault(pair.get("key", ""), _value_in(pair.get("value") or {}))
    return out


def _attributes_out(attributes):
    return [{"key": key, "value": _value_out(value)} for key, value in attributes.items()]


def _span_in(span, resource):
    kind = int(span.get("kind") or 0)
    status = int((span.get("status") or {}).get("code") or 0)
    return Span(
        trace=(span.get("traceId") or "").lower(),
        id=(span.get("spanId") or "").lower(),
        parent=(span.get("parentSpanId") or "").lower(),
        kind=kind if 0 <= kind <= 5 else NONE,
        name=span.get("name") or "",
        start=int(span.get("startTimeUnixNano") or 0),
        end=int(span.get("endTimeUnixNano") or 0),
        status=status if 0 <= status <= 2 else UNSET,
        tracestate=span.get("traceState") or "",
        attributes=_attributes_in(span.get("attributes")),
        resource=resource,
        links=[((link.get("traceId") or "").lower(), (link.get("spanId") or "").lower())
               for link in span.get("links") or []],
    )


def _span_out(span):
    out = {"traceId": span.trace, "spanId": span.id, "name": span.name}
    if span.parent:
        out["parentSpanId"] = span.parent
    if span.kind:
        out["kind"] = span.kind
    if span.start:
        out["startTimeUnixNano"] = str(span.start)
    if span.end:
        out["endTimeUnixNano"] = str(span.end)
    if span.status:
        out["status"] = {"code": span.status}
    if span.tracestate:
        out["traceState"] = span.tracestate
    if span.attributes:
        out["attributes"] = _attributes_out(span.attributes)
    if span.links:
        out["links"] = [{"traceId": trace, "spanId": span_id} for trace, span_id in span.links]
    return out


def spans_of(request):
    """All spans of one request, in their order."""
    out = []
    for resource_spans in request.get("resourceSpans") or []:
        resource = _attributes_in((resource_spans.get("resource") or {}).get("attributes"))
        for scope_spans in resource_spans.get("scopeSpans") or []:
            for span in scope_spans.get("spans") or []:
                out.append(_span_in(span, resource))
    return out


def request_of(spans):
    """One request. Neighbours of one resource share a block, so that the order stays as it is."""
    blocks = []
    last = None
    for span in spans:
        if not blocks or span.resource != last:
            last = span.resource
            blocks.append({
                "resource": {"attributes": _attributes_out(span.resource)},
                "scopeSpans": [{"scope": {"name": "generated"}, "spans": []}],
            })
        blocks[-1]["scopeSpans"][0]["spans"].append(_span_out(span))
    return {"resourceSpans": blocks}


def read(path):
    """All spans of a file, plain or gzip, in their order."""
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [span for line in lines if line.strip() for span in spans_of(json.loads(line))]


def write(path, requests):
    """Writes lists of spans, one request a line."""
    with open(path, "w", encoding="utf-8") as out:
        for spans in requests:
            json.dump(request_of(spans), out, separators=(",", ":"))
            out.write("\n")
