"""The OpenTelemetry SDK, set up as its documentation shows. Where spans go, and how often,
is told by the environment: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_BSP_SCHEDULE_DELAY."""

import contextlib
import signal
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from . import discovery


@contextlib.contextmanager
def service(name):
    """Runs a service: its spans are sent until SIGTERM, and the last ones flushed then."""
    discovery.use_hosts()
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
    trace.set_tracer_provider(provider)
    for instrumentor in (RequestsInstrumentor, RedisInstrumentor, GrpcInstrumentorClient,
                         GrpcInstrumentorServer):
        instrumentor().instrument()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        yield trace.get_tracer("shop")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        provider.shutdown()
