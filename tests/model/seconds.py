"""seconds: weighted durations and their exponential histogram (section 4), for the model."""

import math
from collections import Counter
from fractions import Fraction

ONE = 1 << 20  # the weight of one call


def bucket_of(ns):
    """The bucket at scale 5, (base^i, base^(i+1)] seconds with base 2^(1/32); exact."""
    index = math.ceil(math.log2(ns / 1e9) * 32) - 1
    second = 10 ** (9 * 32)
    while Fraction(ns**32, second) > Fraction(2) ** (index + 1):
        index += 1
    while Fraction(ns**32, second) <= Fraction(2) ** index:
        index -= 1
    return index


class Seconds:
    """Section 4: weighted durations, and what an exponential histogram says of them."""

    SCALE = 5
    BUCKETS_MAX = 160
    known_buckets = {}

    def __init__(self):
        self.observed = Counter()  # ns -> weight

    def observe(self, ns, weight):
        if ns is not None and weight > 0:
            self.observed[ns] += weight

    def merge(self, other):
        self.observed.update(other.observed)

    def buckets(self):
        """(scale, bucket -> weight); the bucket of zero is None."""
        first = Counter()
        for ns, weight in self.observed.items():
            if ns and ns not in self.known_buckets:
                self.known_buckets[ns] = bucket_of(ns)
            first[self.known_buckets[ns] if ns else None] += weight
        used = [index for index in first if index is not None]
        halvings = 0
        while used and (max(used) >> halvings) - (min(used) >> halvings) >= self.BUCKETS_MAX:
            halvings += 1
        out = Counter()
        for index, weight in first.items():
            out[None if index is None else index >> halvings] += weight
        return self.SCALE - halvings, out

    def quantile(self, percent):
        """The geometric middle of the bucket of rank ceil(q*n), cut to [min, max].

        Reading: with weights the rank is counted in units of 2^-20 too, else the last rank of
        1.33 calls would be the second one.
        """
        scale, buckets = self.buckets()
        rank = -(-percent * sum(buckets.values()) // 100)
        low, high = min(self.observed) / 1e9, max(self.observed) / 1e9
        seen = 0
        for index in sorted(buckets, key=lambda i: -math.inf if i is None else i):
            seen += buckets[index]
            if seen >= rank:
                middle = 0.0 if index is None else 2.0 ** ((index + 0.5) / 2.0**scale)
                return min(max(middle, low), high)
        raise AssertionError("no bucket has this rank")

    def to_json(self):
        if not self.observed:
            return None
        total = sum(ns * weight for ns, weight in self.observed.items())
        return {
            "count": number(sum(self.observed.values())),
            "sum": float(Fraction(total, ONE * 10**9)),
            "p50": self.quantile(50),
            "p95": self.quantile(95),
            "p99": self.quantile(99),
            "max": max(self.observed) / 1e9,
        }


def number(weight):
    """Integers unless sampling weights make them fractions."""
    return weight // ONE if weight % ONE == 0 else weight / ONE
