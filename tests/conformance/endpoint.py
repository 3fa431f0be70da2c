"""endpoint: a socket to the server under test, plain or TLS, and how long a probe waits for it."""

import socket
import ssl

DEFAULT_PATIENCE_S = 10
_patience = [DEFAULT_PATIENCE_S]


def patience_s():
    """What ends a probe that hangs; it judges nothing by itself."""
    return _patience[0]


def set_patience(seconds):
    _patience[0] = seconds


class Closed(Exception):
    """The server ended the connection."""


def connect(address, tls=None, alpn=()):
    """A connected socket to HOST:PORT."""
    host, _, port = address.rpartition(":")
    plain = socket.create_connection((host.strip("[]"), int(port)), timeout=patience_s())
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls is None:
        return plain
    context = tls.context(alpn)
    return context.wrap_socket(plain, server_hostname=host.strip("[]"))


class Tls:
    """What the command line says about TLS."""

    def __init__(self, ca, certificate=None, key=None):
        self.ca, self.certificate, self.key = ca, certificate, key

    def context(self, alpn=()):
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context


def send(connection, data):
    """All of it, or Closed."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError) as error:
        raise Closed from error


def receive(connection, size=65536):
    """Some bytes; none once the server has ended the connection. TimeoutError where it says nothing."""
    try:
        return connection.recv(size)
    except (ConnectionResetError, ssl.SSLEOFError):
        return b""
