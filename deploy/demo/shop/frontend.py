"""The front end: what a user's browser asks."""

import requests
from flask import Flask

from . import telemetry, web

app = Flask("frontend")
catalog = web.Peer("catalog")
recommendations = web.Peer("recommendations")
checkout = web.Peer("checkout")


@app.get("/")
def home():
    return {"products": catalog.get("/products")}


@app.get("/product/<int:product>")
def show(product):
    return {"product": catalog.get(f"/products/{product}"),
            "others": recommendations.get(f"/like/{product}")}


@app.post("/buy/<int:product>")
def buy(product):
    return checkout.post("/orders", {"product": product, "count": 1})


@app.errorhandler(requests.RequestException)
def unavailable(error):
    return {"error": str(error)}, 502


def main():
    with telemetry.service("frontend"):
        web.serve(app, "frontend")


if __name__ == "__main__":
    main()
