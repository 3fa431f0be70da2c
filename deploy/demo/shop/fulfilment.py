"""The worker behind the queue: packs what was paid for."""

import random
import time

from . import discovery, telemetry
from .database import open_database
from .orders import Orders

PACKING_S = (0.01, 0.06)


def pack(order):
    time.sleep(random.uniform(*PACKING_S))
    with open_database("orders") as cursor:
        cursor.execute("UPDATE orders SET state = 'packed' WHERE id = ?", (order["number"],))


def main():
    with telemetry.service("fulfilment") as tracer:
        orders = Orders(tracer)
        discovery.announce("fulfilment", 0)
        orders.each(pack)


if __name__ == "__main__":
    main()
