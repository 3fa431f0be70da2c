"""Takes an order: reserves, charges, stores it, and hands it on to the queue."""

import grpc
from flask import Flask, request

from . import rpc, telemetry, web
from .database import make, open_database
from .orders import Orders

app = Flask("checkout")


@app.post("/orders")
def order():
    wanted = request.get_json()
    peers = app.config["peers"]
    peers["inventory"].call("Reserve", product=wanted["product"], count=wanted["count"])
    peers["payment"].call("Charge", cents=1999 * wanted["count"])
    with open_database("orders") as cursor:
        cursor.execute("INSERT INTO orders (product, state) VALUES (?, 'paid')", (wanted["product"],))
        number = cursor.lastrowid
    app.config["orders"].send({"number": number, "product": wanted["product"]})
    return {"order": number}


@app.errorhandler(grpc.RpcError)
def unavailable(error):
    return {"error": error.details()}, 503


def main():
    make("orders", ["CREATE TABLE orders (id INTEGER PRIMARY KEY, product INTEGER NOT NULL, "
                    "state TEXT NOT NULL)"])
    with telemetry.service("checkout") as tracer:
        app.config["orders"] = Orders(tracer)
        app.config["peers"] = {"inventory": rpc.Peer("inventory", "shop.Inventory"),
                               "payment": rpc.Peer("payment", "shop.Payment")}
        web.serve(app, "checkout")


if __name__ == "__main__":
    main()
