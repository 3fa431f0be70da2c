"""Redis as a cache in front of something slower."""

import json

import redis

from . import discovery

LIFE_MS = 500


def connect():
    return redis.Redis(host="redis", port=discovery.port_of("redis"), decode_responses=True)


class Cache:
    def __init__(self):
        self.redis = connect()

    def get(self, key, make):
        found = self.redis.get(key)
        if found is not None:
            return json.loads(found)
        value = make()
        self.redis.set(key, json.dumps(value), px=LIFE_MS)
        return value
