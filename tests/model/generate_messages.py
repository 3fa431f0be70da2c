"""generate_messages: messages in all their forms, with the truth about them (E8, E9).

Is:     the shapes of `Scripted` that send and take messages. Producers put messages into boxes while
        their traces grow; when all traces are there, consumers empty the boxes in traces of their
        own, by links. Within one trace messages are also taken by parents.

Truth:  sent() and delivered() write down the edges of both views and the classes of the spans.
"""

from collections import defaultdict

from .otlp_json import CLIENT, CONSUMER, ERROR, INTERNAL, NONE, PRODUCER, SERVER

HOUR_NS = 3600 * 10**9
NOBODY = ("ab" * 16, "ab" * 8)
NOT_LINKS = (("0" * 32, "ab" * 8), ("ab" * 16, "0" * 16), ("ab" * 16, "abcd"), ("", ""))
LINKS_MAX = 1024

# What producers say of their destination: its name and the attributes.
BOXES = (
    ("jobs", {"messaging.destination.name": "jobs", "messaging.system": "kafka"}),
    ("jobs/{}", {"messaging.destination.template": "jobs/{}",
                 "messaging.destination.name": "jobs/7"}),
    ("(temporary)", {"messaging.destination.name": "amq.gen-2",
                     "messaging.destination.temporary": True}),
    ("old", {"messaging.destination": "old", "peer.service": "bus"}),
    (None, {"messaging.system": "kafka"}),
    (None, {"messaging.system": "kafka", "messaging.message.id": "1"}),
)
SENDERS = (
    (PRODUCER, {}), (PRODUCER, {"messaging.operation.type": "send"}),
    (PRODUCER, {"messaging.operation": "publish"}), (CLIENT, {"messaging.operation": "publish"}),
    (CLIENT, {"messaging.operation.type": "send", "messaging.operation.name": "put"}),
    (CLIENT, {"messaging.operation.type": "create"}),
)
PROCESSORS = (
    {}, {"messaging.operation.type": "process"}, {"messaging.operation": "process"},
    {"messaging.operation": "deliver"},
)
RECEIVERS = (
    (CLIENT, {"messaging.operation.type": "receive"}), (CLIENT, {"messaging.operation": "receive"}),
    (CONSUMER, {"messaging.operation.type": "receive"}),
)
GROUPS = (
    (None, {}), ("g", {"messaging.consumer.group.name": "g"}),
    ("h", {"messaging.kafka.consumer.group": "h"}), ("i", {"messaging.kafka.consumer_group": "i"}),
)


def link_to(span):
    return (span.trace, span.id)


class Subscription:
    """Consumers of one service and group, which say one destination."""

    def __init__(self, service, attributes, destination):
        self.service = service
        self.attributes = attributes
        self.destination = destination  # what the consumers say, or None


class MessageShapes:
    """To be mixed into Scripted."""

    def start_messages(self):
        self.boxes = [[] for _ in BOXES]
        self.taken = defaultdict(set)  # producer -> destinations that its consumers named

    # --- Truth ---

    def sent(self, producer, destination):
        """In the broker view a producer's message goes to the destination whoever takes it."""
        producer.destination = destination
        if destination:
            self.count(("broker",), producer.service, "messaging//" + destination, producer.count,
                       producer.status == ERROR, "messaging_system")

    def not_taken(self, producer, name_if_none):
        """Nobody took it: in the direct view too it goes to its destination."""
        self.mark(producer, "unpaired.no_consumer")
        views = ("direct",) if producer.destination else ("direct", "broker")
        node = "messaging//" + producer.destination if producer.destination else name_if_none
        self.count(views, producer.service, node, producer.count, producer.status == ERROR,
                   "messaging_system")

    def delivered(self, producer, takers, said=None):
        """One request: `takers` are the spans that it counts for, `said` is the destination that
        they name."""
        destination = producer.destination or said
        count = max(span.count for span in [producer] + list(takers))
        failed = any(span.status == ERROR for span in takers)
        for span in [producer] + list(takers):
            self.mark(span, "paired")
        self.count(("direct",) if destination else ("direct", "broker"), producer.service,
                   takers[0].service, count, failed or producer.status == ERROR,
                   "messaging_system")
        if not destination:
            return
        node = "messaging//" + destination
        self.count(("broker",), node, takers[0].service, count, failed, "messaging_system")
        if not producer.destination and destination not in self.taken[producer]:
            self.taken[producer].add(destination)
            self.count(("broker",), producer.service, node, producer.count,
                       producer.status == ERROR, "messaging_system")

    # --- Senders ---

    def sender(self, at, box=None, parent=None):
        """A span that sends to a box (or to a random one); nobody takes it yet."""
        kind, attributes = self.rng.choice(SENDERS)
        destination, named = BOXES[self.rng.randrange(len(BOXES)) if box is None else box]
        span = self.span(at.service, kind, parent or at, {**named, **attributes})
        self.sent(span, destination)
        return span

    def shape_post(self, at):
        """Into a box, for a consumer in another trace."""
        box = self.rng.randrange(len(BOXES))
        for _ in range(self.rng.choice((1, 1, 1, 4))):
            self.boxes[box].append(self.sender(at, box))

    def shape_post_within_a_send(self, at):
        """E4: the create span is answered, so the send around it is internal, or the reverse."""
        box = self.rng.randrange(4)
        outer = self.span(at.service, CLIENT, at, {"messaging.operation.type": "send",
                                                   **BOXES[box][1]})
        between = self.inner(outer) if self.rng.random() < 0.3 else outer
        inner = self.span(at.service, PRODUCER, between,
                          {"messaging.operation.type": "create", **BOXES[box][1]})
        producer = self.rng.choice((outer, inner))
        self.sent(producer, BOXES[box][0])
        taker = self.span(self.other(at.service), CONSUMER, producer)
        self.delivered(producer, [taker])
        return [taker]

    def shape_client_around_a_send(self, at):
        """E4 for a CLIENT that is no sender: internal, since one inside it is answered."""
        outer = self.span(at.service, CLIENT, at, {"server.address": "never.example"})
        producer = self.sender(at, parent=outer)
        taker = self.span(self.any_service(), CONSUMER, producer)
        self.delivered(producer, [taker])
        return [taker]

    # --- Takers in the same trace ---

    def any_service(self):
        return self.rng.choice(self.services)

    def shape_messages(self, at):
        """By parent, by link too, several times and in several groups."""
        producer = self.sender(at)
        parent = self.inner(producer) if self.rng.random() < 0.2 else producer
        requests = defaultdict(list)
        for _ in range(self.rng.randint(1, 4)):
            service = self.any_service()
            group, attributes = self.rng.choice(GROUPS)
            said = self.rng.choice((None, "inbox"))
            named = {"messaging.destination.name": said} if said else {}
            taker = self.span(service, CONSUMER, parent,
                              {**attributes, **named, **self.rng.choice(PROCESSORS)})
            if self.rng.random() < 0.3:
                taker.links = [link_to(producer)] * self.rng.randint(1, 2)
            requests[service, group, producer.destination or said].append(taker)
        for (_, _, said), takers in requests.items():
            self.delivered(producer, takers, said)
        return [takers[0] for takers in requests.values()]

    def shape_receive_below_its_producer(self, at):
        """Of a receive and a process span for one message it is the process span's."""
        producer = self.sender(at)
        service = self.any_service()
        kind, attributes = self.rng.choice(RECEIVERS)
        receive = self.span(service, kind, producer, attributes)
        if self.rng.random() < 0.5:
            self.delivered(producer, [receive])
            return [receive]
        process = self.span(service, CONSUMER, self.rng.choice((receive, producer)))
        process.links = [link_to(producer)]
        self.delivered(producer, [process])
        return [process]

    def shape_request_reply(self, at):
        """A asks through a queue, B answers through a temporary one."""
        question = self.sender(at, 0)
        other = self.other(at.service)
        taker = self.span(other, CONSUMER, question)
        self.delivered(question, [taker])
        answer = self.sender(taker, 2)
        heard = self.span(at.service, CONSUMER, self.rng.choice((answer, question, at)))
        if heard.parent == question.id:  # by parent and by link: two producers
            self.delivered(question, [heard])
        if heard.parent != answer.id or self.rng.random() < 0.5:
            heard.links = [link_to(answer)]
        self.delivered(answer, [heard])
        return [taker]

    def shape_consumer_with_two_parents(self, at):
        """A CONSUMER with a producer is no call of another parent, but counts by its kind (E2)."""
        producer = self.sender(at)
        client = self.span(at.service, CLIENT, at, {"server.address": "unheard.example"})
        service = self.other(at.service)
        taker = self.span(service, CONSUMER, client)
        taker.links = [link_to(producer)]
        self.delivered(producer, [taker])
        for kind in self.rng.sample((NONE, INTERNAL, CLIENT), self.rng.randint(0, 2)):
            attributes = {"server.address": "beside.example"}
            beside = self.span(service, kind, client, attributes)
            if kind == CLIENT:
                self.unanswered(beside, "external//beside.example", "virtual_node", "no_server")
        self.unanswered(client, "external//unheard.example", "virtual_node", "no_server")
        return [taker]

    def shape_poll(self, at):
        """A receive span without messages is internal, also with a parent in another service."""
        kind, attributes = self.rng.choice(RECEIVERS)
        parent = self.span(at.service, CLIENT, at, {"server.address": "poll.example"})
        service = self.rng.choice((at.service, self.other(at.service)))
        receive = self.span(service, kind, parent,
                            {**attributes, "messaging.destination.name": "jobs"})
        receive.links = self.rng.choice(([], [NOBODY]))
        self.unanswered(parent, "external//poll.example", "virtual_node", "no_server")

    def shape_settle(self, at):
        """`settle` counts as INTERNAL: within a service nothing, between two a group."""
        attributes = {"messaging.operation.type": "settle", "messaging.destination.name": "jobs"}
        self.span(at.service, CLIENT, at, attributes)
        client = self.span(at.service, CLIENT, at)
        member = self.span(self.other(at.service), self.rng.choice((CLIENT, CONSUMER)), client,
                           attributes)
        self.call(at.service, member.service, [member], client)

    def shape_links_that_mean_nothing(self, at):
        """Links of other kinds, and links to spans that send nothing."""
        producer = self.sender(at)
        server = self.answer(at, self.span(at.service, CLIENT, at), self.other(at.service))
        server.links = [link_to(producer), link_to(at)]
        self.not_taken(producer, "messaging//kafka")
        taker = self.span(self.any_service(), CONSUMER, None, {"peer.service": "bus"})
        taker.links = [link_to(server), link_to(at), NOBODY, *NOT_LINKS]
        self.call("messaging//bus", taker.service, [taker], None, "messaging_system")
        return [server]

    # --- Takers in traces of their own ---

    def empty_boxes(self):
        """Until nothing is left: who takes a message may send another."""
        while any(self.boxes):
            for box, producers in enumerate(self.boxes):
                self.boxes[box] = []
                self.rng.shuffle(producers)
                self.empty_box(box, producers)

    def empty_box(self, box, producers):
        while producers:
            size = self.rng.choice((1, 1, 3, 8, 60))
            batch, producers = producers[:size], producers[size:]
            if self.rng.random() < 0.15:
                for producer in batch:
                    self.not_taken(producer, "messaging//kafka")
                continue
            for subscription in self.subscriptions(box):
                self.take(subscription, batch)

    def subscriptions(self, box):
        """Distinct ones: each is a request for each message."""
        seen = {}
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            service = self.any_service()
            group, attributes = self.rng.choice(GROUPS)
            said = self.rng.choice((None, BOXES[box][0], "inbox"))
            if said == "(temporary)" or "/" in (said or ""):
                said = None
            named = {"messaging.destination.name": said} if said else {}
            key = (service, group, None if BOXES[box][0] else said)
            seen[key] = Subscription(service, {**attributes, **named}, said)
        return seen.values()

    def take(self, subscription, batch):
        late_ns = self.rng.choice((0, 0, 0, HOUR_NS * 2, HOUR_NS * 100))
        form = self.rng.choice((self.take_at_once, self.take_each, self.take_by_receive,
                                self.take_by_receive_and_process))
        with self.other_trace():
            form(subscription, batch, late_ns)

    def taker(self, subscription, kind, parent, attributes, producers, late_ns):
        """A consumer span, with links to nowhere among those to the producers."""
        rng = self.rng
        span = self.span(subscription.service, kind, parent,
                         {**subscription.attributes, **attributes}, late_ns=late_ns)
        links = [link_to(producer) for producer in producers]
        links += rng.choice(([], [], [NOBODY], links[:1], list(NOT_LINKS)))
        rng.shuffle(links)
        span.links = links
        return span

    def parent_of_taker(self, subscription):
        """A root, something of its own service, a parent that never came, or a foreign call."""
        which = self.rng.choice(("", "", INTERNAL, "feedfeedfeedfeed", SERVER))
        if which == INTERNAL:
            return self.span(subscription.service, INTERNAL, None)
        if which == SERVER:
            root = self.span(self.other(subscription.service), SERVER, None)
            self.call("user//user", root.service, [root], None, "virtual_node")
            return root
        return which

    def take_at_once(self, subscription, batch, late_ns):
        span = self.taker(subscription, CONSUMER, self.parent_of_taker(subscription),
                          self.rng.choice(PROCESSORS), batch, late_ns)
        for producer in batch:
            self.delivered(producer, [span], subscription.destination)
        self.grow(span, 1)

    def take_each(self, subscription, batch, late_ns):
        """One span each, some messages more than once, and not only in one trace."""
        for producer in batch:
            spans = []
            for _ in range(self.rng.choice((1, 1, 1, 3))):
                if self.rng.random() < 0.5:
                    self.next_trace()
                spans.append(self.taker(
                    subscription, CONSUMER, self.parent_of_taker(subscription),
                    self.rng.choice(PROCESSORS), [producer] * self.rng.randint(1, 2), late_ns))
            self.delivered(producer, spans, subscription.destination)

    def take_by_receive(self, subscription, batch, late_ns):
        kind, attributes = self.rng.choice(RECEIVERS)
        span = self.taker(subscription, kind, self.parent_of_taker(subscription), attributes, batch,
                          late_ns)
        for producer in batch:
            self.delivered(producer, [span], subscription.destination)
        self.grow(span, 1)

    def take_by_receive_and_process(self, subscription, batch, late_ns):
        """Some of what was received is processed too, some of that twice."""
        kind, attributes = self.rng.choice(RECEIVERS)
        receive = self.taker(subscription, kind, None, attributes, batch, late_ns)
        for producer in batch:
            spans = [self.taker(subscription, CONSUMER, receive, self.rng.choice(PROCESSORS),
                                [producer], late_ns)
                     for _ in range(self.rng.choice((0, 1, 1, 2)))]
            self.delivered(producer, spans or [receive], subscription.destination)
        self.span(subscription.service, CLIENT, receive, {"messaging.operation.type": "settle"})

    def take_past_the_most(self):
        """Past links.max nothing is looked at. Reading: links that cannot be do not count there."""
        over = self.rng.randint(0, 1)
        with self.other_trace():
            producer = self.sender(self.span(self.any_service(), INTERNAL, None), 0)
            taker = self.span(self.any_service(), CONSUMER, None, {"messaging.destination": "jobs"})
            taker.links = [*NOT_LINKS, *[NOBODY] * (LINKS_MAX - 1 + over), link_to(producer)]
            if over:
                self.not_taken(producer, None)
                self.call("messaging//jobs", taker.service, [taker], None, "messaging_system")
            else:
                self.delivered(producer, [taker])
