"""payloads: sound telemetry, and where to put what is not."""

import base64
import itertools
import json

import wire
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

START = 1_700_000_000_000_000_000
SERVICE = "conformance"
REQUESTS = {"traces": trace_service_pb2.ExportTraceServiceRequest,
            "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
            "logs": logs_service_pb2.ExportLogsServiceRequest}
RESPONSES = {"traces": trace_service_pb2.ExportTraceServiceResponse,
             "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
             "logs": logs_service_pb2.ExportLogsServiceResponse}
REJECTED = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}
ID_FIELDS = {"traceId", "spanId", "parentSpanId"}
_ids = itertools.count(1)


def span(**fields):
    """A sound span of its own trace; a field of `fields` stands in for ours."""
    number = next(_ids)
    out = trace_pb2.Span(trace_id=b"conformance" + number.to_bytes(5, "big"), span_id=b"s" + number.to_bytes(7, "big"),
                         name="probe", kind=trace_pb2.Span.SPAN_KIND_SERVER, start_time_unix_nano=START,
                         end_time_unix_nano=START + 1_000_000)
    for name, value in fields.items():
        if isinstance(value, (list, tuple)):
            getattr(out, name).extend(value)
        else:
            setattr(out, name, value)
    return out


def bad_span(**fields):
    """A span that must be rejected alone."""
    return span(trace_id=b"", **fields)


def traces(*spans):
    request = REQUESTS["traces"]()
    block = request.resource_spans.add()
    attribute = block.resource.attributes.add(key="service.name")
    attribute.value.string_value = SERVICE
    block.scope_spans.add().spans.extend(spans)
    return request


def body(*spans):
    return traces(*(spans or [span()])).SerializeToString()


# Where a message of the request sits: the numbers of the fields that lead to it.
DEPTHS = {"request": (), "resource_spans": (1,), "resource": (1, 1), "scope_spans": (1, 2), "scope": (1, 2, 1),
          "span": (1, 2, 2), "attribute": (1, 2, 2, 9), "value": (1, 2, 2, 9, 2), "event": (1, 2, 2, 11),
          "link": (1, 2, 2, 13), "status": (1, 2, 2, 15)}


def full_span():
    """One with each part that a span may have."""
    out = span()
    out.attributes.add(key="key").value.string_value = "value"
    out.events.add(name="event", time_unix_nano=START)
    out.links.add(trace_id=b"t" * 16, span_id=b"l" * 8)
    out.status.message = "fine"
    return out


def with_bytes(depth, more, before=b""):
    """A sound request with these bytes at the end (or the beginning) of the message at that depth."""
    def grow(message, numbers):
        if not numbers:
            return before + message + more
        out, rest = b"", message
        while rest:
            field, kind, head, value, rest = wire.split(rest)
            if field == numbers[0] and kind == wire.BYTES:
                out += wire.block(field, grow(value, numbers[1:]))
            else:
                out += head + value
        return out
    request = traces(full_span())
    request.resource_spans[0].scope_spans[0].scope.name = "scope"
    return grow(request.SerializeToString(), DEPTHS[depth])


def span_bytes(inner):
    """A request whose one span is these bytes."""
    return wire.block(1, wire.block(2, wire.block(2, inner)))


# --- JSON ------------------------------------------------------------------------------------------


def tree(message):
    """OTLP/JSON of a message as a tree: ids in hex, enums as numbers."""
    def mend(value):
        if isinstance(value, dict):
            return {key: base64.b64decode(item).hex() if key in ID_FIELDS else mend(item)
                    for key, item in value.items()}
        return [mend(item) for item in value] if isinstance(value, list) else value
    return mend(json_format.MessageToDict(message, use_integers_for_enums=True))


def json_of(message):
    return json.dumps(tree(message)).encode()


def json_span(**fields):
    """The tree of a sound span; a field that is None stays out."""
    out = {**tree(span()), **fields}
    return {key: value for key, value in out.items() if value is not None}


def json_traces(*spans):
    """The tree of a request around trees of spans."""
    return {"resourceSpans": [{"resource": {"attributes": [attribute("service.name", SERVICE)]},
                               "scopeSpans": [{"spans": list(spans)}]}]}


def attribute(key, text):
    return {"key": key, "value": {"stringValue": text}}


def json_body(*spans):
    return json.dumps(json_traces(*(spans or [json_span()]))).encode()
