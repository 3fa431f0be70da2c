"""Charges a card through a partner, whom nobody instruments. Fails now and then."""

import random

import grpc
import requests

from . import rpc, telemetry, web
from .discovery import PARTNER

FAILURES = 0.12
partner = web.Peer(PARTNER)


def charge(message, context):
    if random.random() < FAILURES:
        context.abort(grpc.StatusCode.UNAVAILABLE, "the bank does not answer")
    try:
        return partner.post("/v1/charges", {"cents": message["cents"]})
    except requests.RequestException as error:
        context.abort(grpc.StatusCode.INTERNAL, f"the partner failed: {error}")


def main():
    with telemetry.service("payment"):
        rpc.serve("payment", "shop.Payment", {"Charge": charge})


if __name__ == "__main__":
    main()
