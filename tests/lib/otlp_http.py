"""otlp_http: OTLP/HTTP clients for the tests, and requests in OTLP/JSON.

Is:     http.client for HTTP/1.1, httpx for HTTP/2 with prior knowledge; each keeps one connection.
        A reader of google.rpc.Status in either format.
"""

import base64
import http.client
import json

import httpx
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2  # noqa: F401 (details name them)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
PATIENCE_S = 60
IDS = {"traceId", "spanId", "parentSpanId"}


class Answer:
    """What came back, of whatever client. Fields are in lower case."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def type(self):
        return self.headers.get("content-type")

    def rpc_status(self):
        """The google.rpc.Status that the body holds."""
        if self.type == JSON:
            return json_format.Parse(self.body, status_pb2.Status())
        assert self.type == PROTOBUF, self.headers
        return status_pb2.Status.FromString(self.body)

    def message_of(self, kind):
        """The body as a message of that class."""
        if self.type == JSON:
            return json_format.Parse(self.body, kind())
        assert self.type == PROTOBUF, self.headers
        return kind.FromString(self.body)


class Http1:
    """HTTP/1.1, kept alive."""

    def __init__(self, endpoint):
        self.connection = http.client.HTTPConnection(endpoint, timeout=PATIENCE_S)

    def send(self, method, path, body=b"", headers=None):
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())

    def post(self, path, body, content_type=PROTOBUF, **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, body, {"Content-Type": content_type, **fields})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.connection.close()


class Http2(Http1):
    """HTTP/2 by prior knowledge."""

    def __init__(self, endpoint):
        self.client = httpx.Client(http1=False, http2=True, base_url=f"http://{endpoint}",
                                   timeout=PATIENCE_S, trust_env=False)

    def send(self, method, path, body=b"", headers=None):
        answer = self.client.request(method, path, content=body, headers=headers)
        assert answer.http_version == "HTTP/2"
        return Answer(answer.status_code, answer.headers.multi_items(), answer.content)

    def __exit__(self, *error):
        self.client.close()


def zstd_of(data):
    """A frame of zstd that holds the bytes as they are, in one block (RFC 8878, 3.1.1)."""
    block = len(data) << 3 | 1  # The last block, raw.
    return (b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little") +
            block.to_bytes(3, "little") + data)


def _with_hex_ids(value):
    """protobuf's JSON has base64 where OTLP has hexadecimal digits."""
    if isinstance(value, list):
        return [_with_hex_ids(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64decode(inner).hex() if key in IDS else _with_hex_ids(inner)
            for key, inner in value.items()}


def json_of(message):
    """A request in OTLP/JSON."""
    plain = json_format.MessageToDict(message, use_integers_for_enums=True)
    return json.dumps(_with_hex_ids(plain)).encode()
