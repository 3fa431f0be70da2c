"""The users: a few at once, each asking for one thing after another."""

import http.client
import random
import signal
import sys
import threading
import time

from . import discovery

USERS = 3
PAUSE_S = 0.25
ASKED = (("GET", "/", 3), ("GET", "/product/{}", 4), ("POST", "/buy/{}", 3))


def user(port):
    while True:
        method, path, _ = random.choices(ASKED, [share for _, _, share in ASKED])[0]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path.format(random.randint(1, 6)))
            connection.getresponse().read()
        except OSError:
            # The front end is going down, and so will this process.
            pass
        finally:
            connection.close()
        time.sleep(random.expovariate(1 / PAUSE_S))


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    port = discovery.port_of("frontend")
    discovery.announce("traffic", 0)
    for _ in range(USERS - 1):
        threading.Thread(target=user, args=(port,), daemon=True).start()
    user(port)


if __name__ == "__main__":
    main()
