"""sender.py HOST:PORT PREFIX CALLS batch|simple: plays the calls of ../calls.py by the Python SDK."""

import os
import sys
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

MS = 1_000_000
PROCESSORS = {"batch": lambda exporter: BatchSpanProcessor(exporter, max_queue_size=1 << 17),
              "simple": SimpleSpanProcessor}


def provider_of(endpoint, service, processor):
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    # Certificates, where there are any, are the environment's, as are the headers.
    is_plain = "OTEL_EXPORTER_OTLP_CERTIFICATE" not in os.environ
    exporter = OTLPSpanExporter(endpoint=f"http{'' if is_plain else 's'}://{endpoint}",
                                insecure=is_plain)
    provider.add_span_processor(PROCESSORS[processor](exporter))
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
