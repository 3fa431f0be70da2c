"""`spanmap replay` against gRPC's own server, and against what is no such server."""

import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import pytest
from receiver import Receiver, Request, partial, refuse

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon  # noqa: E402
from model import compare  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SPANMAP = os.environ.get("SPANMAP") or str(ROOT / "build" / "spanmap")
RECORDING = ROOT / "tests" / "data" / "onlineboutique" / "onlineboutique.otlp.jsonl.gz"
RECORDED_REQUESTS, RECORDED_SPANS = 116, 23019
SECOND = 10**9
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


def command(receiver, *arguments):
    to = receiver if isinstance(receiver, str) else f"127.0.0.1:{receiver.port}"
    return [SPANMAP, "replay", "--to", to, *map(str, arguments)]


def replay(receiver, *arguments, stdin=None):
    return subprocess.run(command(receiver, *arguments), input=stdin, capture_output=True,
                          check=False, timeout=60)


def start(receiver, *arguments):
    return subprocess.Popen(command(receiver, *arguments), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def request(*spans):
    """Spans are (start, end) or (start, end, event time)."""
    message = Request()
    scope = message.resource_spans.add().scope_spans.add()
    for number, (begin, end, *events) in enumerate(spans, 1):
        span = scope.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), name="op",
                               start_time_unix_nano=begin, end_time_unix_nano=end)
        span.attributes.add(key="k").value.string_value = "v"
        for at in events:
            span.events.add(time_unix_nano=at, name="event")
    return message


def write(path, message):
    path.write_bytes(message.SerializeToString())
    return path


def told(done):
    """Requests, spans and rejected spans of the closing line."""
    found = re.fullmatch(r"(?:Stopped\. )?Sent (\d+) requests with (\d+) spans to \S+ in "
                         r"\d+\.\d{3} s; (\d+) spans were rejected\.\n",
                         done.stdout if isinstance(done.stdout, str) else done.stdout.decode())
    assert found, (done.stdout, done.stderr)
    return tuple(int(number) for number in found.groups())


def test_a_recording_arrives_whole():
    with Receiver() as receiver:
        done = replay(receiver, RECORDING)
        assert (done.returncode, done.stderr) == (0, b"")
        assert told(done) == (RECORDED_REQUESTS, RECORDED_SPANS, 0)
        assert len(receiver.requests) == RECORDED_REQUESTS
        assert len(receiver.spans()) == RECORDED_SPANS


def test_spanmap_draws_what_is_replayed_to_it():
    # Longer than the replay takes, so that every half finds its other one.
    waits = {"pairing.wait": "5s", "pairing.parent_wait": "5s", "messaging.wait": "5s"}
    with Daemon(waits) as daemon:
        done = replay(daemon.grpc, RECORDING)
        assert (done.returncode, done.stderr) == (0, b"")
        assert told(done) == (RECORDED_REQUESTS, RECORDED_SPANS, 0)
        shown = daemon.wait_for_counted(RECORDED_SPANS)
    drawn = compare.run_map([RECORDING], self_edges=False)
    for part in ("nodes", "edges", "accounting"):
        assert shown[part] == drawn[part]


def test_binary_requests_arrive_as_they_are(tmp_path):
    first, second = request((1, 2, 1), (0, 0)), request((3, 4))
    write(tmp_path / "one", first)
    (tmp_path / "two.gz").write_bytes(gzip.compress(second.SerializeToString()))
    with Receiver() as receiver:
        done = replay(receiver, tmp_path / "one", tmp_path / "two.gz")
        assert told(done) == (2, 3, 0)
        assert receiver.requests == [first, second]


def test_large_requests_pass_flow_control(tmp_path):
    message = request((1, 2))
    message.resource_spans[0].resource.attributes.add(key="k").value.string_value = "x" * (24 << 20)
    with Receiver() as receiver:
        done = replay(receiver, write(tmp_path / "large", message))
        assert (done.returncode, told(done)) == (0, (1, 1, 0))
        assert receiver.requests == [message]


def shifts(before, after):
    """By how much each time moved; times of 0 must not."""
    found = set()
    for old, new in zip(before, after, strict=True):
        times = [(old.start_time_unix_nano, new.start_time_unix_nano),
                 (old.end_time_unix_nano, new.end_time_unix_nano)]
        times += [(one.time_unix_nano, other.time_unix_nano)
                  for one, other in zip(old.events, new.events, strict=True)]
        assert all((one == 0) == (other == 0) for one, other in times)
        found |= {other - one for one, other in times if one != 0}
    return found


def spans_of(*messages):
    return [span for message in messages for span in message.resource_spans[0].scope_spans[0].spans]


def test_now_moves_all_inputs_by_one_amount(tmp_path):
    first = request((5 * SECOND, 7 * SECOND, 6 * SECOND), (0, 0, 0), (1, 0))
    second = request((9 * SECOND, 20 * SECOND))
    third = request((1 * SECOND, 3 * SECOND))
    paths = [write(tmp_path / str(n), one) for n, one in enumerate([first, second, third])]
    began = time.time_ns()
    with Receiver() as receiver:
        done = replay(receiver, "--now", *paths)
        ended = time.time_ns()
        assert told(done) == (3, 5, 0)
        moved = shifts(spans_of(first, second, third), receiver.spans())
    assert len(moved) == 1
    assert began <= 20 * SECOND + moved.pop() <= ended


def test_now_moves_back_what_lies_ahead(tmp_path):
    ahead = time.time_ns() + 10**15
    message = request((ahead - 5, ahead))
    with Receiver() as receiver:
        replay(receiver, "--now", write(tmp_path / "ahead", message))
        assert shifts(spans_of(message), receiver.spans()).pop() < 0


def test_now_takes_the_first_request_of_a_stream():
    line = (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%032x","spanId":"%016x",'
            b'"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}\n')
    text = line % (1, 1, 5 * SECOND, 8 * SECOND) + line % (1, 2, 9 * SECOND, 30 * SECOND)
    began = time.time_ns()
    with Receiver() as receiver:
        done = replay(receiver, "--now", "-", stdin=text)
        ended = time.time_ns()
        assert told(done) == (2, 2, 0)
        one, two = receiver.spans()
    assert began <= one.end_time_unix_nano <= ended
    assert one.end_time_unix_nano - one.start_time_unix_nano == 3 * SECOND
    assert two.end_time_unix_nano - one.end_time_unix_nano == 22 * SECOND


def test_what_may_be_tried_again_is(tmp_path):
    answers = [refuse(UNAVAILABLE, "busy", 0.01), refuse(EXHAUSTED, "full", 0.01),
               refuse(grpc.StatusCode.ABORTED), refuse(UNAVAILABLE, "no delay", 0)]
    message = request((1, 2))
    with Receiver(answers) as receiver:
        done = replay(receiver, write(tmp_path / "one", message))
        assert (done.returncode, done.stderr, told(done)) == (0, b"", (1, 1, 0))
        assert receiver.requests == [message] * 5


@pytest.mark.parametrize(("answer", "reason"), [
    (refuse(EXHAUSTED, "too large: 100 % \u00e9"), "RESOURCE_EXHAUSTED: too large: 100 % \u00e9"),
    (refuse(grpc.StatusCode.INVALID_ARGUMENT, "bad"), "INVALID_ARGUMENT: bad"),
    (refuse(grpc.StatusCode.INTERNAL), "INTERNAL"),
    (refuse(UNAVAILABLE, "later", 3600),
     "UNAVAILABLE: later; it asks for more --patience than is left"),
])
def test_a_refusal_ends_it_with_the_place(tmp_path, answer, reason):
    line = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}\n'
    path = tmp_path / "three.jsonl"
    path.write_bytes(line * 3)
    with Receiver([None, answer]) as receiver:
        done = replay(receiver, path)
        assert done.returncode == 1
        assert told(done) == (1, 1, 0)
        assert done.stderr.decode() == (f"spanmap: {path}: at byte {len(line)} (line 2): "
                                        f"127.0.0.1:{receiver.port} answers {reason}\n")
        assert len(receiver.requests) == 2


def test_patience_has_an_end(tmp_path):
    with Receiver([refuse(UNAVAILABLE, "busy")] * 100) as receiver:
        done = replay(receiver, "--patience", "10ms", write(tmp_path / "one", request((1, 2))))
        assert done.returncode == 1
        assert b"answers UNAVAILABLE: busy; --patience is used up\n" in done.stderr


def test_rejected_spans_are_told_and_counted(tmp_path):
    paths = [write(tmp_path / str(n), request((n + 1, n + 2))) for n in range(14)]
    answers = [partial(2, "bad ids"), partial(0, "a hint"), partial(1)] + [partial(1, "again")] * 11
    with Receiver(answers) as receiver:
        done = replay(receiver, *paths)
        assert (done.returncode, told(done)) == (0, (14, 14, 14))
        name = f"spanmap: 127.0.0.1:{receiver.port}"
    lines = done.stderr.decode().splitlines()
    assert lines[:4] == [f"{name} rejects 2 spans: bad ids", f"{name} warns: a hint",
                         f"{name} rejects 1 spans: it does not say why",
                         f"{name} rejects 1 spans: again"]
    assert len(lines) == 10 and lines[9].endswith("again (further ones are not shown)")


def test_damage_is_told_after_what_was_sent(tmp_path):
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(b'{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}\n{"resourceSpans":[}\n')
    with Receiver() as receiver:
        done = replay(receiver, path)
        assert done.returncode == 1
        assert told(done) == (1, 1, 0)
        assert f"{path}: at byte ".encode() in done.stderr and b"line 2" in done.stderr


def test_rate_is_kept(tmp_path):
    paths = [write(tmp_path / str(n), request((1, 2), (3, 4))) for n in range(4)]
    with Receiver() as receiver:
        done = replay(receiver, "--rate", 20, *paths)
    assert told(done) == (4, 8, 0)
    # The last of them may not leave before the six spans ahead of it have had their time.
    assert float(re.search(rb" in ([\d.]+) s;", done.stdout).group(1)) >= 6 / 20


def test_a_unix_socket_will_do(tmp_path):
    with Receiver(address=f"unix:{tmp_path}/s") as receiver:
        done = replay(f"unix:{tmp_path}/s", write(tmp_path / "one", request((1, 2))))
        assert (done.returncode, done.stderr, told(done)) == (0, b"", (1, 1, 0))
        assert len(receiver.requests) == 1


def listen():
    door = socket.create_server(("127.0.0.1", 0))
    return door, f"127.0.0.1:{door.getsockname()[1]}"


def test_nobody_there_is_one_line():
    door, address = listen()
    door.close()
    done = replay(address, RECORDING)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"spanmap: cannot reach {address}: Connection refused\n"


def test_an_unknown_host_is_one_line():
    done = replay("no-such-host.invalid:4317", RECORDING)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"spanmap: cannot reach no-such-host.invalid:4317: the host ")
    assert done.stderr.count(b"\n") == 1


def serve_once(door, answer):
    """Answers one connection with these bytes, after its first ones came, and ends it."""

    def serve():
        with door, door.accept()[0] as peer:
            peer.recv(65536)
            peer.sendall(answer)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_server_of_another_kind_is_told(tmp_path):
    door, address = listen()
    thread = serve_once(door, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    done = replay(address, write(tmp_path / "one", request((1, 2))))
    thread.join()
    assert done.returncode == 1
    assert b"answers INTERNAL: what listens there does not speak HTTP/2\n" in done.stderr
    assert told(done) == (0, 0, 0)


def test_a_lost_connection_is_opened_again(tmp_path):
    door, address = listen()
    thread = serve_once(door, b"")
    child = start(address, write(tmp_path / "one", request((1, 2))))
    thread.join()
    with Receiver(address=address) as receiver:
        child.wait(60)
        assert len(receiver.requests) == 1
    child.stdout, child.stderr = child.stdout.read(), child.stderr.read()
    assert (child.returncode, child.stderr, told(child)) == (0, "", (1, 1, 0))
    child.stdin.close()


def test_a_connection_that_stays_lost_is_told(tmp_path):
    door, address = listen()
    thread = serve_once(door, b"")
    done = replay(address, "--patience", "1ms", write(tmp_path / "one", request((1, 2))))
    thread.join()
    assert done.returncode == 1
    assert b"answers UNAVAILABLE: the connection was lost; --patience is used up\n" in done.stderr


def finish(child):
    out, err = child.communicate(timeout=60)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_slow_replay(tmp_path, which):
    paths = [write(tmp_path / str(n), request((1, 2))) for n in range(3)]
    with Receiver() as receiver:
        child = start(receiver, "--rate", 1, *paths)
        assert receiver.came.acquire(timeout=60)
        child.send_signal(which)
        done = finish(child)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Stopped. Sent ")
        assert told(done)[0] == len(receiver.requests) < 3


def catches(child, which):
    """Whether the child has a handler for this signal."""
    status = Path(f"/proc/{child.pid}/status").read_text()
    return bool(int(re.search(r"SigCgt:\s*(\w+)", status).group(1), 16) & 1 << (which - 1))


def test_a_signal_stops_waiting_for_input():
    with Receiver() as receiver:
        child = start(receiver, "-")
        while not catches(child, signal.SIGTERM):
            assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
        assert child.stdout.read().startswith("Stopped. Sent 0 requests")
        assert child.stderr.read() == ""
        child.stdin.close()


def test_a_request_under_way_is_finished(tmp_path):
    may_end = threading.Event()

    def slowly(_):
        may_end.wait(60)
        return partial(0)

    paths = [write(tmp_path / str(n), request((1, 2))) for n in range(2)]
    with Receiver([slowly]) as receiver:
        child = start(receiver, *paths)
        assert receiver.came.acquire(timeout=60)
        child.send_signal(signal.SIGINT)
        while catches(child, signal.SIGINT):  # Until the first has come: there is no second.
            pass
        may_end.set()
        done = finish(child)
        assert (done.returncode, done.stderr, told(done)) == (0, "", (1, 1, 0))
        assert done.stdout.startswith("Stopped. ")
        assert len(receiver.requests) == 1


def test_the_second_signal_ends_at_once(tmp_path):
    may_end = threading.Event()
    with Receiver([lambda _: may_end.wait(60) and partial(0)]) as receiver:
        child = start(receiver, write(tmp_path / "one", request((1, 2))))
        assert receiver.came.acquire(timeout=60)
        while child.poll() is None:
            child.send_signal(signal.SIGINT)
        may_end.set()
        assert finish(child).returncode == -signal.SIGINT


@pytest.mark.parametrize(("arguments", "says"), [
    ([], "no INPUT was given"),
    (["--rate", "0", "x"], "--rate 0 is no number from 1 to"),
    (["--rate", "1.5", "x"], "--rate 1.5 is no number"),
    (["--rate", "-1", "x"], "--rate -1 is no number"),
    (["--patience", "soon", "x"], "--patience soon is no duration"),
    (["--to", "off", "x"], "--to 'off' names no receiver"),
    (["--to", "localhost:0", "x"], "--to 'localhost:0' names no receiver"),
    (["--to", "localhost", "x"], "--to 'localhost' is not an address"),
    (["--too", "x"], "did you mean --to?"),
])
def test_a_wrong_call_is_told(arguments, says):
    done = subprocess.run([SPANMAP, "replay", *arguments], capture_output=True, text=True,
                          check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_a_missing_file_fails():
    with Receiver() as receiver:
        done = replay(receiver, "/nowhere/x")
        assert done.returncode == 1
        assert b"/nowhere/x" in done.stderr and b"No such file" in done.stderr
        assert told(done) == (0, 0, 0)
