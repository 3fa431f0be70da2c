"""Where the parts of the shop are: each writes its port to a file of its name.

Names are resolved here, as a hosts file would do it, so that spans carry names as they do
between real machines.
"""

import os
import socket
import time
from pathlib import Path

DIRECTORY = Path(os.environ["SHOP_DIR"])
PARTNER = "api.partner.example"
HOSTS = {
    PARTNER: "127.0.0.2",
    "catalog": "127.0.0.1",
    "checkout": "127.0.0.1",
    "frontend": "127.0.0.1",
    "recommendations": "127.0.0.1",
    "redis": "127.0.0.1",
}
WAIT_S = 60


def announce(name, port):
    unfinished = DIRECTORY / f"{name}.unfinished"
    unfinished.write_text(str(port))
    unfinished.rename(DIRECTORY / f"{name}.port")


def port_of(name):
    """Waits until that part has announced itself: all are started at once."""
    path = DIRECTORY / f"{name}.port"
    end = time.monotonic() + WAIT_S
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{name} did not come up within {WAIT_S} s")
        time.sleep(0.02)
    return int(path.read_text())


def url_of(name):
    return f"http://{name}:{port_of(name)}"


def use_hosts():
    """Lets this process resolve the names of HOSTS."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        return resolve(HOSTS.get(host, host), *args, **kwargs)

    socket.getaddrinfo = getaddrinfo
