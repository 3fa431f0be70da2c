"""sender: spans of the model over OTLP/gRPC, one request at a time.

Is:     one connection of its own; retries as the specification asks of an exporter.
Is not: a real SDK (tests/interop).
"""

import random
import time

import grpc
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
DEADLINE_S = 60


def _value(value):
    if isinstance(value, bool):
        return common_pb2.AnyValue(bool_value=value)
    if isinstance(value, int):
        return common_pb2.AnyValue(int_value=value)
    if isinstance(value, float):
        return common_pb2.AnyValue(double_value=value)
    if isinstance(value, bytes):
        return common_pb2.AnyValue(bytes_value=value)
    if isinstance(value, list):
        return common_pb2.AnyValue(array_value={"values": [_value(each) for each in value]})
    if isinstance(value, dict):
        return common_pb2.AnyValue(kvlist_value={"values": _attributes(value)})
    if value is None:
        return common_pb2.AnyValue()
    return common_pb2.AnyValue(string_value=value)


def _attributes(attributes):
    return [common_pb2.KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def request_of(spans):
    """An ExportTraceServiceRequest; neighbours of one resource share a block."""
    request = trace_service_pb2.ExportTraceServiceRequest()
    last = None
    for span in spans:
        if last is None or span.resource != last:
            last = span.resource
            block = request.resource_spans.add()
            block.resource.attributes.extend(_attributes(span.resource))
            scope = block.scope_spans.add()
        out = scope.spans.add(
            trace_id=bytes.fromhex(span.trace), span_id=bytes.fromhex(span.id),
            parent_span_id=bytes.fromhex(span.parent), name=span.name, kind=span.kind,
            start_time_unix_nano=span.start, end_time_unix_nano=span.end,
            trace_state=span.tracestate, attributes=_attributes(span.attributes))
        out.status.code = span.status
        for trace, span_id in span.links:
            out.links.add(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(span_id))
    return request


def retry_delay_s(error):
    """What a RetryInfo says; None: there is none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    return info.retry_delay.ToTimedelta().total_seconds()
    return None


class Sender:
    """One connection to HOST:PORT. `refused` counts the answers that said: try again."""

    def __init__(self, endpoint, compression=grpc.Compression.NoCompression, credentials=None):
        options = [("grpc.use_local_subchannel_pool", 1)]
        if credentials is None:
            self.channel = grpc.insecure_channel(endpoint, options=options, compression=compression)
        else:
            self.channel = grpc.secure_channel(endpoint, credentials, options=options,
                                               compression=compression)
        self.call = self.channel.unary_unary(EXPORT)
        self.refused = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.channel.close()

    def raw(self, message):
        """One try with these bytes; the response's bytes, or a grpc.RpcError."""
        return self.call(message, timeout=DEADLINE_S, wait_for_ready=True)

    def send(self, spans):
        """Sends until it is taken; the response."""
        return self.insist(request_of(spans).SerializeToString())

    def insist(self, message):
        """The same with a request's bytes."""
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                answer = self.raw(message)
                return trace_service_pb2.ExportTraceServiceResponse.FromString(answer)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                    raise
                self.refused += 1
                time.sleep(retry_delay_s(error) or random.uniform(0.05, 0.2))
