"""HTTP between the services: Flask to serve, requests to call."""

import logging

import requests
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from werkzeug.serving import make_server

from . import discovery

TIMEOUT_S = 10


def serve(app, name):
    """Serves until SystemExit. HTTP/1.1 keeps the callers' connections."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    FlaskInstrumentor().instrument_app(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.RequestHandlerClass.protocol_version = "HTTP/1.1"
    server.daemon_threads = True
    discovery.announce(name, server.port)
    server.serve_forever()


class Peer:
    """Another service. An answer of 500 or more, or none, raises requests.RequestException."""

    def __init__(self, name):
        self.name = name
        self.session = requests.Session()
        # A proxy of the user's is not for calls between these.
        self.session.trust_env = False

    def get(self, path):
        return self._call("GET", path)

    def post(self, path, body):
        return self._call("POST", path, json=body)

    def _call(self, method, path, **arguments):
        answer = self.session.request(method, discovery.url_of(self.name) + path,
                                      timeout=TIMEOUT_S, **arguments)
        answer.raise_for_status()
        return answer.json()
