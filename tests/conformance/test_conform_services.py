"""C19: health and reflection, as standard tools ask for them."""

import payloads
import pytest
import rpc
import wire
from doors import probe
from http2 import DATA, END_STREAM, frame

CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
REFLECTION = {"v1": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
              "v1alpha": "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}


def call(server, path, body):
    with server.http2("grpc") as peer:
        answer = rpc.call(peer, rpc.prefixed(body), path, server.fields)
    if answer.code == rpc.UNIMPLEMENTED:
        pytest.skip(f"the server has no {path.split('/')[1]}")
    return answer


@probe("C19", "the server as a whole, and its trace service, are SERVING")
@pytest.mark.parametrize("service", ["", rpc.SERVICES["traces"]])
def test_check(server, service):
    answer = call(server, CHECK, wire.block(1, service.encode()) if service else b"")
    assert answer.code == rpc.OK, answer.message
    assert wire.values(answer.messages[0], 1) == [SERVING]


@probe("C19", "Check of an unknown service is NOT_FOUND")
def test_check_unknown(server):
    assert call(server, CHECK, wire.block(1, b"no.such.Service")).code == rpc.NOT_FOUND


@probe("C19", "Watch tells the status at once and stays; of an unknown service it says SERVICE_UNKNOWN")
@pytest.mark.parametrize(("service", "status"), [("", SERVING), ("no.such.Service", SERVICE_UNKNOWN)])
def test_watch(server, service, status):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, WATCH, server.fields)
        peer.data(stream, rpc.prefixed(wire.block(1, service.encode())))
        peer.wait(lambda: peer.stream(stream).over or len(peer.stream(stream).body) > 5, "a status")
        if peer.stream(stream).over and rpc.answer_of(peer.stream(stream)).code == rpc.UNIMPLEMENTED:
            pytest.skip("the server has no grpc.health.v1.Health")
        assert wire.values(rpc.messages_of(peer.stream(stream).body)[0], 1) == [status]
        peer.ping()
        assert not peer.stream(stream).over


def reflect(server, version, *requests):
    """The responses to requests on one stream."""
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, REFLECTION[version], server.fields)
        for body in requests:
            peer.send(frame(DATA, 0, stream, rpc.prefixed(body)))
        peer.send(frame(DATA, END_STREAM, stream))
        found = rpc.answer_of(peer.finish(stream))
    if found.code == rpc.UNIMPLEMENTED:
        pytest.skip(f"the server has no reflection {version}")
    assert found.code == rpc.OK, found.message
    assert len(found.messages) == len(requests)
    return found.messages


VERSIONS = pytest.mark.parametrize("version", list(REFLECTION))


@probe("C19", "reflection lists the trace service")
@VERSIONS
def test_list_services(server, version):
    answer, = reflect(server, version, wire.block(7, b"*"))
    listed, = wire.values(answer, 6)
    names = [wire.values(service, 1)[0].decode() for service in wire.values(listed, 1)]
    assert rpc.SERVICES["traces"] in names


@probe("C19", "reflection has the files of the trace service, whole with what they import")
@VERSIONS
def test_file_containing_symbol(server, version):
    from google.protobuf import descriptor_pb2
    answer, = reflect(server, version, wire.block(4, rpc.SERVICES["traces"].encode()))
    files = [descriptor_pb2.FileDescriptorProto.FromString(raw) for raw in wire.values(wire.values(answer, 4)[0], 1)]
    services = [f"{file.package}.{service.name}" for file in files for service in file.service]
    assert rpc.SERVICES["traces"] in services
    known = {file.name for file in files}
    for name in sorted({name for file in files for name in file.dependency} - known):
        more, = reflect(server, version, wire.block(3, name.encode()))
        assert wire.values(more, 4), f"{name} cannot be had"


@probe("C19", "what reflection does not know is an error_response of NOT_FOUND, and the stream goes on")
@VERSIONS
def test_unknown_symbol(server, version):
    answers = reflect(server, version, wire.block(4, b"no.such.Symbol"), wire.block(3, b"no/such.proto"), wire.block(7, b""))
    for answer in answers[:2]:
        assert wire.values(wire.values(answer, 7)[0], 1) == [rpc.NOT_FOUND]
    assert wire.values(answers[2], 6)


@probe("C19", "requests that are no protobuf fail the call, and no more")
@pytest.mark.parametrize("path", [CHECK, WATCH, *REFLECTION.values()])
def test_bad_request(server, path):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, path, server.fields)
        peer.data(stream, rpc.prefixed(b"\xff\xff"))
        answer = rpc.answer_of(peer.finish(stream))
        if answer.code == rpc.UNIMPLEMENTED:
            pytest.skip(f"the server has no {path.split('/')[1]}")
        assert answer.code in (rpc.INVALID_ARGUMENT, rpc.INTERNAL)
        assert rpc.call(peer, rpc.prefixed(payloads.body()), fields=server.fields).code == rpc.OK
