"""One request, four ways in: gRPC, HTTP/1.1, HTTP/2 and JSON give the same answers and the same map.

Random requests, the seed printed: spans right and wrong, values of every kind, and bytes that are no
request at all.
"""

import math
import random
import sys
import time
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon  # noqa: E402
from lib.otlp_http import JSON, Http1, Http2, json_of  # noqa: E402
from lib.sender import Sender  # noqa: E402

Request = trace_service_pb2.ExportTraceServiceRequest
Response = trace_service_pb2.ExportTraceServiceResponse
START = 1_700_000_000_000_000_000
SOUND, BROKEN = 200, 120
OPTIONS = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}
SERVICES = ["shop", "stock", "cart", "Zahlung €", ""]


def value_of(chance, depth=0):
    """Any AnyValue, the empty one too."""
    value = common_pb2.AnyValue()
    kind = chance.randrange(8 if depth < 3 else 6)
    if kind == 0:
        value.string_value = chance.choice(["", "x", "ünï\0cödé", "a\"b\\c\n", "y" * 300])
    elif kind == 1:
        value.bool_value = chance.random() < 0.5
    elif kind == 2:
        value.int_value = chance.choice([0, -1, 2**63 - 1, -2**63, chance.randrange(1000)])
    elif kind == 3:
        value.double_value = chance.choice([0.0, -1.5, math.inf, -math.inf, math.nan, 1e300])
    elif kind == 4:
        value.bytes_value = chance.randbytes(chance.randrange(5))
    elif kind == 6:
        value.array_value.values.extend(value_of(chance, depth + 1)
                                        for _ in range(chance.randrange(3)))
    elif kind == 7:
        value.kvlist_value.values.extend(attributes_of(chance, depth + 1))
    return value


def attributes_of(chance, depth=0):
    keys = ["http.request.method", "db.system.name", "server.address", "peer.service", "x", "x", ""]
    return [common_pb2.KeyValue(key=chance.choice(keys), value=value_of(chance, depth))
            for _ in range(chance.randrange(4))]


def id_of(chance, size):
    """An id, seldom one that cannot be."""
    if chance.random() < 0.93:
        return chance.randbytes(size)
    return chance.choice([b"", b"\0" * size, chance.randbytes(size - 1), chance.randbytes(size + 1),
                          chance.randbytes(2 * size)])


def add_span(chance, scope, trace, parents):
    span = scope.spans.add(
        trace_id=trace if chance.random() < 0.95 else id_of(chance, 16), span_id=id_of(chance, 8),
        parent_span_id=chance.choice(parents), name=chance.choice(["", "call", "übergabe"]),
        kind=chance.choice([0, 1, 2, 2, 3, 3, 4, 5, 9]), flags=chance.choice([0, 1, 0x300, 0xFFFFFFFF]),
        start_time_unix_nano=START, attributes=attributes_of(chance),
        end_time_unix_nano=START + chance.choice([-5, 0, 1_000_000, 2**40]),
        trace_state=chance.choice(["", "ot=th:8", "no tracestate"]))
    span.status.code = chance.choice([0, 1, 2, 7])
    for _ in range(chance.choice([0, 0, 1, 2])):
        span.links.add(trace_id=id_of(chance, 16), span_id=id_of(chance, 8),
                       attributes=attributes_of(chance))
    for _ in range(chance.choice([0, 0, 1])):
        span.events.add(name="e", time_unix_nano=1, attributes=attributes_of(chance))
    parents.append(span.span_id)


def request_of(chance):
    request = Request()
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        block = request.resource_spans.add(schema_url="s")
        block.resource.attributes.add(key="service.name").value.string_value = chance.choice(SERVICES)
        block.resource.attributes.extend(attributes_of(chance))
        for _ in range(chance.choice([0, 1, 2])):
            scope = block.scope_spans.add()
            scope.scope.name = "scope"
            trace, parents = chance.randbytes(16), [b"", chance.randbytes(8)]
            for _ in range(chance.randrange(5)):
                add_span(chance, scope, trace, parents)
    return request


def broken_of(chance):
    """Bytes of a request, hurt in one or two places."""
    data = bytearray(request_of(chance).SerializeToString() or b"\x0a\x02\x12\x00")
    for _ in range(chance.choice([1, 2])):
        at = chance.randrange(len(data))
        how = chance.randrange(3)
        if how == 0:
            del data[at:]
        elif how == 1:
            data[at] = chance.randrange(256)
        else:
            data[at:at] = chance.randbytes(2)
        if not data:
            break
    return bytes(data)


# --- Four ways in; each answers (taken or not, rejected, text) ------------------------------------


def by_grpc(sender, data, _message):
    try:
        answer = Response.FromString(sender.raw(data))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        return (False, 0, error.details())
    return (True, answer.partial_success.rejected_spans, answer.partial_success.error_message)


def read_answer(answer):
    if answer.status == 400:
        status = answer.rpc_status()
        assert status.code == 3 and len(status.details) == 1
        return (False, 0, status.message)
    assert answer.status == 200, answer.body
    response = answer.message_of(Response)
    assert response.HasField("partial_success") == (response != Response())
    return (True, response.partial_success.rejected_spans, response.partial_success.error_message)


def by_http(client, data, _message):
    return read_answer(client.post("/v1/traces", data))


def by_json(client, _data, message):
    return read_answer(client.post("/v1/traces", json_of(message), JSON))


def settled_map(daemon):
    """The map once nothing waits any more."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        answer = daemon.map()
        if not answer["accounting"]["waiting"]:
            return {key: answer[key] for key in ("nodes", "edges", "accounting")}
        time.sleep(0.05)
    raise AssertionError("spans wait still")


@pytest.fixture(name="seed")
def fixture_seed():
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    return seed


def test_property_transports_agree_on_every_request(seed):
    chance = random.Random(seed)
    messages = [request_of(chance) for _ in range(SOUND)]
    ways = [(Sender, "grpc", by_grpc), (Http1, "http", by_http), (Http2, "http", by_http),
            (Http1, "http", by_json)]
    answers, maps = [], []
    for make, door, send in ways:
        with Daemon(OPTIONS) as daemon, make(getattr(daemon, door)) as client:
            answers.append([send(client, message.SerializeToString(), message)
                            for message in messages])
            maps.append(settled_map(daemon))
    assert len({len(each) for each in answers}) == 1
    for number, told in enumerate(zip(*answers)):
        assert len(set(told)) == 1, (number, told, messages[number])
    assert any(rejected for _, rejected, _ in answers[0])
    for other in maps[1:]:
        assert other == maps[0]
    assert maps[0]["edges"] and maps[0]["accounting"]["rejected"]


def test_property_transports_agree_on_what_is_no_request(seed):
    chance = random.Random(seed)
    with Daemon(OPTIONS) as daemon, Sender(daemon.grpc) as sender, Http1(daemon.http) as one, \
            Http2(daemon.http) as two:
        refused = 0
        for _ in range(BROKEN):
            data = broken_of(chance)
            told = [by_grpc(sender, data, None), by_http(one, data, None), by_http(two, data, None)]
            assert len(set(told)) == 1, (data, told)
            refused += not told[0][0]
        assert refused
