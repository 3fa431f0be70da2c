"""backend: another OTLP/gRPC endpoint, for what spanmap sends on to.

Is:     a gRPC server that keeps each request's bytes and headers as they came, and answers as it is told.

    with Backend() as backend:
        backend.answers = [unavailable(), retry_after(0.2), rejected(3)]   # then: OK
        ... backend.endpoint, backend.bodies ...

An answer is bytes, or a function of (body, context) that returns bytes or aborts the call.
"""

import threading
from concurrent import futures

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from lib.daemon import wait_until

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


def refused(code, text="told to"):
    return lambda body, context: context.abort(code, text)


def unavailable():
    return refused(grpc.StatusCode.UNAVAILABLE)


def retry_after(seconds, code=grpc.StatusCode.RESOURCE_EXHAUSTED):
    """Refused with a RetryInfo."""
    def answer(_body, context):
        info = any_pb2.Any()
        delay = duration_pb2.Duration(seconds=int(seconds),
                                      nanos=int((seconds - int(seconds)) * 1_000_000_000))
        info.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        status = status_pb2.Status(code=code.value[0], message="later", details=[info])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, "later")
    return answer


def rejected(spans, text="not these"):
    return trace_service_pb2.ExportTraceServiceResponse(
        partial_success={"rejected_spans": spans, "error_message": text}).SerializeToString()


class Backend(grpc.GenericRpcHandler):
    """`port` 0 is any free one; after stop() start() listens at the same again."""

    def __init__(self, credentials=None, address="127.0.0.1:0", threads=8):
        super().__init__()
        self.credentials = credentials
        self.address = address
        self.threads = threads
        self.bodies = []       # in the order in which calls came, those that were refused, too
        self.taken = []        # those that were answered well
        self.metadata = []
        self.answers = []      # of the next calls, in turn
        self.otherwise = b""   # of all further ones
        self.lock = threading.Lock()
        self.server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stop()

    @property
    def endpoint(self):
        return self.address

    def start(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(self.threads), handlers=[self],
                                  options=[("grpc.so_reuseport", 0),
                                           ("grpc.max_receive_message_length", -1)])
        if self.credentials is None:
            port = self.server.add_insecure_port(self.address)
        else:
            port = self.server.add_secure_port(self.address, self.credentials)
        if not self.address.startswith("unix:"):
            self.address = f"{self.address.rpartition(':')[0]}:{port}"
        self.server.start()

    def stop(self):
        if self.server is not None:
            self.server.stop(None).wait()
        self.server = None

    def service(self, handler_call_details):
        if handler_call_details.method not in (TRACES, METRICS):
            return None
        return grpc.unary_unary_rpc_method_handler(self._export)

    def _export(self, body, context):
        with self.lock:
            self.bodies.append(body)
            self.metadata.append(dict(context.invocation_metadata()))
            answer = self.answers.pop(0) if self.answers else self.otherwise
        reply = answer(body, context) if callable(answer) else answer
        with self.lock:
            self.taken.append(body)
        return reply

    def wait_for(self, count):
        """The requests once so many were taken."""
        wait_until(lambda: len(self.taken) >= count, f"{count} requests are passed on")
        assert len(self.taken) == count
        return list(self.taken)
