"""The partner's server: on another address, and without any instrumentation."""

import json
import random
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import discovery

ANSWER_S = (0.02, 0.06)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave as one: in two, the second waits for the caller's delayed ack.
    wbufsize = -1

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(random.uniform(*ANSWER_S))
        body = json.dumps({"charged": True}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    server = ThreadingHTTPServer((discovery.HOSTS[discovery.PARTNER], 0), Handler)
    server.daemon_threads = True
    discovery.announce(discovery.PARTNER, server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
