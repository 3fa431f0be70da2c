#!/usr/bin/env python3
"""decode_upb: what upb, the C core of Python's protobuf, needs to parse one request, as a reference.

Is:     nanoseconds a span of ExportTraceServiceRequest.FromString(), the median of some rounds: upb's
        parsing into its arena, and one Python object on top.

    decode_upb.py FILE
"""

import statistics
import sys
import time

import google.protobuf
from google.protobuf.internal import api_implementation
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROUNDS = 15
REPEATS = 20


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    request = ExportTraceServiceRequest.FromString(data)
    spans = sum(len(scope.spans) for block in request.resource_spans for scope in block.scope_spans)
    rounds = []
    for _ in range(ROUNDS):
        begun = time.thread_time_ns()
        for _ in range(REPEATS):
            ExportTraceServiceRequest.FromString(data)
        rounds.append((time.thread_time_ns() - begun) / REPEATS / spans)
    print(f"protobuf {google.protobuf.__version__} for Python ({api_implementation.Type()}): "
          f"{statistics.median(rounds):.0f} ns a span, {len(data) / spans:.0f} bytes a span")


if __name__ == "__main__":
    main()
