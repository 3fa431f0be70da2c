"""Counts what is in stock, slowly."""

import random
import time

from . import rpc, telemetry
from .database import make, open_database

SLOW_S = (0.08, 0.25)


def reserve(message, context):
    time.sleep(random.uniform(*SLOW_S))
    with open_database("stock") as cursor:
        cursor.execute("UPDATE stock SET reserved = reserved + ? WHERE product = ?",
                       (message["count"], message["product"]))
    return {"reserved": message["count"]}


def main():
    make("stock", ["CREATE TABLE stock (product INTEGER PRIMARY KEY, reserved INTEGER NOT NULL)"]
         + [f"INSERT INTO stock (product, reserved) VALUES ({product}, 0)" for product in range(1, 7)])
    with telemetry.service("inventory"):
        rpc.serve("inventory", "shop.Inventory", {"Reserve": reserve})


if __name__ == "__main__":
    main()
