"""messages: which consumers took which producers' messages (E8), as requests."""

from collections import defaultdict
from dataclasses import dataclass

from .attributes import group_of, operation_of
from .otlp_json import CONSUMER, PRODUCER


@dataclass(eq=False)
class Message:
    """One request: a producer, the consumer spans that it is counted for, and the destination."""

    producer: object
    consumers: list
    destination: object  # a name, or None


def is_receive(span):
    """A `receive` span, whether it came as CLIENT or as CONSUMER."""
    return operation_of(span) == "receive"


class Messages:
    """E8 on the spans of a whole run."""

    def __init__(self, model):
        self.model = model
        self.links = {"paired": 0, "missing": 0, "over": 0}
        # consumer -> its producers: each once, by parent and by link
        self.producers = {}
        for span in model.known:
            if model.kind[span] == CONSUMER:
                found = dict.fromkeys(self.producers_of(span))
                if found:
                    self.producers[span] = list(found)
        self.requests = self.find_requests()
        self.counted = {span for message in self.requests
                        for span in [message.producer] + message.consumers}

    # --- Producers of a consumer ---

    def producers_of(self, span):
        """By parent (Reading: by its client side, E3) and by any of the links, in any trace."""
        parent = self.model.parent.get(span)
        side = self.model.client_side(parent) if parent else None
        if side is not None and self.model.kind[side] == PRODUCER:
            yield side
        valid = [link for link in span.links if is_link(link)]
        most = self.model.options.links_max
        self.links["over"] += len(valid[most:])
        for link in dict.fromkeys(valid[:most]):  # Reading: a half is a linked span, told once.
            producer = self.linked(link)
            self.links["missing" if producer is None else "paired"] += 1
            if producer is not None:
                yield producer

    def linked(self, link):
        """The producer that a link names. Reading: of several spans of that id those that are no
        producers do not count; of several producers it is the lowest, as for a parent (E7)."""
        producers = [span for span in self.model.by_id.get(link, ())
                     if self.model.kind[span] == PRODUCER]
        return self.model.lowest(producers) if producers else None

    # --- Requests ---

    def destination(self, producer, consumer):
        """E9: the producer's, else the consumer's."""
        naming = self.model.naming
        return naming.destination(producer) or naming.destination(consumer)

    def find_requests(self):
        """One per distinct (producer, consumer service, group, destination)."""
        by_key = defaultdict(list)
        for consumer, producers in self.producers.items():
            for producer in producers:
                destination = self.destination(producer, consumer)
                key = (producer, self.model.service[consumer], group_of(consumer), destination)
                by_key[key].append(consumer)
        out = []
        for (producer, _, _, destination), consumers in by_key.items():
            # A request that a `process` span took is not the `receive` span's as well. Reading:
            # whatever is no `receive` counts as `process`; several `receive` spans are one request
            # as several `process` spans are.
            processing = [span for span in consumers if not is_receive(span)]
            out.append(Message(producer, processing or consumers, destination))
        return out

    def of_producer(self):
        """producer -> its requests."""
        out = defaultdict(list)
        for message in self.requests:
            out[message.producer].append(message)
        return out


def is_link(link):
    """A29: links with ids that cannot be are left out."""
    trace, span_id = link
    return (len(trace) == 32 and len(span_id) == 16
            and trace.strip("0") != "" and span_id.strip("0") != "")
