"""sender.py HOST:PORT PREFIX CALLS batch|simple: plays the calls of ../calls.py by the Python SDK.

SENDER_PROTOCOL is grpc or http/protobuf.
"""

import os
import sys
import time

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

MS = 1_000_000
PROCESSORS = {"batch": lambda exporter: BatchSpanProcessor(exporter, max_queue_size=1 << 17),
              "simple": SimpleSpanProcessor}


def exporter_to(endpoint):
    # Certificates, where there are any, are the environment's, as are the headers.
    scheme = "https" if "OTEL_EXPORTER_OTLP_CERTIFICATE" in os.environ else "http"
    if os.environ.get("SENDER_PROTOCOL", "grpc") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        return OTLPSpanExporter(endpoint=f"{scheme}://{endpoint}", insecure=scheme == "http")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    return OTLPSpanExporter(endpoint=f"{scheme}://{endpoint}/v1/traces")


def provider_of(endpoint, service, processor):
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(PROCESSORS[processor](exporter_to(endpoint)))
    return provider


def start(provider, name, kind, at, parent=None):
    context = trace.set_span_in_context(parent) if parent else None
    return provider.get_tracer("sender").start_span(name, context, kind, start_time=at)


def call(number, front, back):
    now = time.time_ns()
    root = start(front, "GET /", trace.SpanKind.SERVER, now)
    client = start(front, "GET", trace.SpanKind.CLIENT, now + 5 * MS, root)
    server = start(back, "GET /work", trace.SpanKind.SERVER, now + 10 * MS, client)
    if number % 5 == 0:
        server.set_status(trace.StatusCode.ERROR)
    server.end(now + 20 * MS)
    client.end(now + 25 * MS)
    root.end(now + 30 * MS)


def main():
    endpoint, prefix, calls, processor = sys.argv[1:]
    front = provider_of(endpoint, f"{prefix}-front", processor)
    back = provider_of(endpoint, f"{prefix}-back", processor)
    for number in range(int(calls)):
        call(number, front, back)
    # No flush: that is what the shutdown owes.
    front.shutdown()
    back.shutdown()


main()
