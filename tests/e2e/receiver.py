"""receiver: an OTLP/gRPC trace receiver by gRPC's own library, which answers as it is told."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

Request = trace_service_pb2.ExportTraceServiceRequest
Response = trace_service_pb2.ExportTraceServiceResponse


def partial(rejected, message=""):
    response = Response()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return response


def refuse(code, message="", retry_s=None):
    """A refusal, with a RetryInfo where retry_s is given."""
    status = status_pb2.Status(code=code.value[0], message=message)
    if retry_s is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(retry_s * 1e9))
        info = any_pb2.Any()
        info.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        status.details.append(info)

    def answer(context):
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, message)

    return answer


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Answers the n-th request as the n-th of `answers` says, all others with success."""

    def __init__(self, answers=(), address="127.0.0.1:0"):
        self.answers = list(answers)
        self.requests = []
        self.metadata = []
        self.came = threading.Semaphore(0)
        self.pool = ThreadPoolExecutor(2)
        self.server = grpc.server(self.pool, options=[("grpc.max_receive_message_length", -1)])
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port(address)

    def Export(self, request, context):  # noqa: N802 (the name is gRPC's)
        index = len(self.requests)
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.came.release()
        answer = self.answers[index] if index < len(self.answers) else None
        if answer is None:
            return Response()
        return answer(context) if callable(answer) else answer

    def spans(self):
        return [span for request in self.requests for resource in request.resource_spans
                for scope in resource.scope_spans for span in scope.spans]

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(0).wait()
        self.pool.shutdown()
