"""SDK -> Collector -> spanmap as deploy/collector/to-spanmap.yaml has it: what stands in its queue is not
lost, spanmap's refusals are kept to, and a full queue turns the SDK away."""

import re
import signal
import subprocess
import threading

import grpc
import toolchains
from calls import SPANS, assert_calls, assert_nothing_lost
from conftest import OPTIONS
from lib.daemon import Daemon, wait_until
from lib.sender import Sender, request_of
from model import generate
from test_sdks import Run, send

CONFIG = toolchains.ROOT / "deploy/collector/to-spanmap.yaml"
# The spans' memory leaves little for the rings: a request or two fill one.
SMALL_RINGS = {"memory.limit": "32MiB", "topology.memory_max": "18MiB", "receiver.threads": 1,
               "topology.shards": 1, "pairing.wait": "1s"}


class Hop:
    """The Collector of that configuration. Retries begin after a tenth of a second, so that tests are short."""

    def __init__(self, folder, spanmap, requests=1000):
        self.log_file = folder / "hop.log"
        self.env = {"OTLP_GRPC_ENDPOINT": "127.0.0.1:0", "SPANMAP_GRPC": spanmap, "RETRY_INTERVAL": "100ms",
                    "QUEUE_REQUESTS": str(requests)}

    def __enter__(self):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", toolchains.collector(), "--config", str(CONFIG),
                 *toolchains.SILENT],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=toolchains.environment(self.env))
        self.wait_for("Everything is ready")
        self.grpc = re.search('Starting GRPC server.*"endpoint": "([^"]+)"', self.log())[1]
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.log()[-4000:])
        self.process.send_signal(signal.SIGTERM if kind is None else signal.SIGKILL)
        assert self.process.wait(60) in (0, -signal.SIGKILL)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_for(self, words):
        def said():
            assert self.process.poll() is None, self.log()[-3000:]
            return words in self.log()
        wait_until(said, words)


def test_a_spanmap_that_is_stopped_for_a_while_misses_nothing(tmp_path):
    """A few tries' time here; the queue and an hour of retries make it the same for 30 s."""
    calls = 200
    socket = tmp_path / "spanmap.sock"  # A port may be another's by the time it is asked for again.
    options = {**OPTIONS, "listen.grpc": f"unix:{socket}"}
    with Daemon(options) as before, Hop(tmp_path, f"unix://{socket}") as hop:
        send(toolchains.python(), hop.grpc, [Run("before", calls)])
        before.wait_until_metric("spanmap_spans_received_total", calls * SPANS)
        assert before.stop() == 0
        send(toolchains.python(), hop.grpc, [Run("while_down", calls)])
        hop.wait_for("Will retry")
        with Daemon(options) as after:
            answer = after.wait_for_counted(calls * SPANS)
            assert_calls(answer, "while_down", calls)
            assert_nothing_lost(answer, calls * SPANS)


def roots(number, spans):
    """One request of many traces."""
    return [generate.Span(f"{number * spans + i + 1:032x}", "1" * 16, "", generate.SERVER, "GET /",
                          generate.START_NS, generate.START_NS + 1000,
                          resource={"service.name": "shop"}) for i in range(spans)]


class Flood(threading.Thread):
    """Keeps spanmap's ring full with one request, until it was turned away so often."""

    def __init__(self, endpoint, spans, refusals_max=10):
        super().__init__()
        self.endpoint = endpoint
        self.message = request_of(spans).SerializeToString()
        self.refusals_max = refusals_max
        self.taken = self.refused = 0

    def run(self):
        with Sender(self.endpoint) as sender:
            while self.refused < self.refusals_max:
                try:
                    sender.raw(self.message)
                    self.taken += 1
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.UNAVAILABLE
                    self.refused += 1


def test_a_spanmap_that_is_overloaded_is_asked_again(tmp_path):
    """Others fill its ring until it has turned the Collector away, too, which delivers all the same."""
    with Daemon(SMALL_RINGS) as daemon, Hop(tmp_path, daemon.grpc) as hop, Sender(hop.grpc) as sender:
        size = int(daemon.metrics()["spanmap_engine_ring_spans_max"])
        expected = sent = refused = 0
        while not refused:
            before = daemon.metrics()['spanmap_engine_requests_total{outcome="busy"}']
            floods = [Flood(daemon.grpc, roots(number, size)) for number in range(2)]
            for flood in floods:
                flood.start()
            while any(flood.is_alive() for flood in floods):
                sender.send(roots(1000 + sent, 200))
                sent += 1
                expected += 200
            for flood in floods:
                flood.join()
                expected += flood.taken * size
            daemon.wait_for_counted(expected)
            refused = (daemon.metrics()['spanmap_engine_requests_total{outcome="busy"}'] - before
                       - sum(flood.refused for flood in floods))
        hop.wait_for("Will retry")


def test_a_full_queue_turns_the_sender_away(tmp_path):
    """Nobody listens where the Collector sends to."""
    with Hop(tmp_path, "127.0.0.1:1", requests=2) as hop, Sender(hop.grpc) as sender:
        def is_refused():
            try:
                sender.raw(request_of(roots(0, 10)).SerializeToString())
            except grpc.RpcError as error:
                assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED), error
                return True
            return False

        wait_until(is_refused, "the Collector has no room any more")
        hop.process.kill()  # It would try for an hour.
