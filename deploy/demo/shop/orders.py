"""The queue of orders, a list in Redis. Its commands are not traced: what is told instead
is the message, from its PRODUCER span to the CONSUMER span that is its child and links to it.
"""

import json

from opentelemetry import propagate, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

from . import cache

QUEUE = "orders.placed"
POLL_S = 1


def attributes(kind, name):
    return {"messaging.system": "redis", "messaging.destination.name": QUEUE,
            "messaging.operation.type": kind, "messaging.operation.name": name}


class Orders:
    def __init__(self, tracer):
        self.tracer = tracer
        self.redis = cache.connect()

    def send(self, order):
        with self.tracer.start_as_current_span(f"send {QUEUE}", kind=trace.SpanKind.PRODUCER,
                                               attributes=attributes("send", "lpush")):
            headers = {}
            propagate.inject(headers)
            with suppress_instrumentation():
                self.redis.lpush(QUEUE, json.dumps({"headers": headers, "order": order}))

    def each(self, process):
        """Processes orders until SystemExit."""
        while True:
            with suppress_instrumentation():
                found = self.redis.brpop([QUEUE], timeout=POLL_S)
            if found is None:
                continue
            message = json.loads(found[1])
            sender = propagate.extract(message["headers"])
            link = trace.Link(trace.get_current_span(sender).get_span_context())
            with self.tracer.start_as_current_span(
                    f"process {QUEUE}", context=sender, kind=trace.SpanKind.CONSUMER, links=[link],
                    attributes=attributes("process", "brpop")):
                process(message["order"])
