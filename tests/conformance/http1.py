"""http1: an HTTP/1.1 client that sends just what it is told to."""

from dataclasses import dataclass, field

import endpoint


@dataclass
class Response:
    status: int
    fields: list = field(default_factory=list)  # (lower-case name, value)
    body: bytes = b""
    version: str = "HTTP/1.1"

    def get(self, name, default=""):
        """Its last value."""
        return dict(self.fields).get(name.lower(), default)

    def all(self, name):
        return [value for key, value in self.fields if key == name.lower()]


class Http1:
    """One connection."""

    def __init__(self, address, tls=None):
        self.socket = endpoint.connect(address, tls, ("http/1.1",) if tls else ())
        self.host = address
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        endpoint.send(self.socket, data)

    def head(self, method, path, fields, version="HTTP/1.1"):
        lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in fields)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def request(self, method="POST", path="/v1/traces", body=b"", fields=(), content_type="application/x-protobuf",
                length=True):
        """Sends a request; the response."""
        all_fields = [("Host", self.host)]
        if content_type is not None:
            all_fields.append(("Content-Type", content_type))
        if length:
            all_fields.append(("Content-Length", len(body)))
        try:
            self.send(self.head(method, path, [*all_fields, *fields]) + body)
        except endpoint.Closed:
            pass  # It may answer, and close, before it has all.
        return self.response(head=method == "HEAD")

    # --- Reading --------------------------------------------------------------------------------

    def _more(self):
        data = endpoint.receive(self.socket)
        if not data:
            raise endpoint.Closed
        self.unread += data

    def _until(self, mark):
        while mark not in self.unread:
            self._more()
        out, _, self.unread = self.unread.partition(mark)
        return out

    def _exactly(self, size):
        while len(self.unread) < size:
            self._more()
        out, self.unread = self.unread[:size], self.unread[size:]
        return out

    def response(self, head=False, interim=False):
        """The next final response (`interim`: also one of 1xx). Closed where there is none."""
        while True:
            lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            version, status = lines[0].split(" ")[:2]
            fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
            out = Response(int(status), fields, version=version)
            if not 100 <= out.status < 200:
                break
            if interim:
                return out
        if head or out.status in (204, 304):
            return out
        if "chunked" in out.get("transfer-encoding"):
            while True:
                size = int(self._until(b"\r\n").partition(b";")[0], 16)
                if size == 0:
                    break
                out.body += self._exactly(size)
                assert self._exactly(2) == b"\r\n", "a chunk ends without CRLF"
            while self._until(b"\r\n"):
                pass
        elif out.get("content-length"):
            out.body = self._exactly(int(out.get("content-length")))
        else:
            out.body, self.unread = self.unread + self.rest(), b""
        return out

    def rest(self):
        """All until the server ends the connection."""
        out = b""
        while data := endpoint.receive(self.socket):
            out += data
        return out

    def is_closed(self):
        """Waits until the server has closed; whatever it says before is dropped."""
        try:
            self.rest()
        except TimeoutError:
            return False
        return True


def chunked(body, size):
    """The body in chunks of that size."""
    out = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + size]), body[at:at + size])
                   for at in range(0, len(body), size))
    return out + b"0\r\n\r\n"
