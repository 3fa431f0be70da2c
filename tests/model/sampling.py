"""sampling: how many spans a span stands for (E16)."""

import math
import re
from fractions import Fraction

from .seconds import ONE

THRESHOLD = re.compile(r"[0-9a-f]{1,14}\Z")
EXPONENT = re.compile(r"[0-9]{1,2}\Z")
POWER_OF_ZERO = 63


def fields_of(tracestate):
    """The fields of the first member `ot`."""
    for member in tracestate.split(","):
        key, _, value = member.strip(" \t").partition("=")
        if key == "ot":
            return [part.partition(":")[::2] for part in value.split(";")]
    return []


def by_threshold(fields):
    for key, value in fields:
        if key == "th" and THRESHOLD.match(value):
            threshold = int(value.ljust(14, "0"), 16)
            return Fraction(1 << 56, (1 << 56) - threshold)
    return None


def by_exponent(fields):
    for key, value in fields:
        if key == "p" and EXPONENT.match(value) and int(value) <= POWER_OF_ZERO:
            return Fraction(0) if int(value) == POWER_OF_ZERO else Fraction(1 << int(value))
    return None


def number_of(value):
    """A number, or the text of one; None: it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return Fraction(value) if math.isfinite(value) else None
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return Fraction(value)
    return None


def by_ratio(attributes):
    """`sampling.ratio` is the share that was kept: a span stands for 1/ratio."""
    ratio = number_of(attributes.get("sampling.ratio"))
    return 1 / ratio if ratio is not None and 0 < ratio <= 1 else None


def by_rate(attributes):
    """`SampleRate` is what Honeycomb's senders write: one of so many was kept."""
    rate = number_of(attributes.get("SampleRate"))
    return rate if rate is not None and rate >= 1 else None


def adjusted_count(span):
    """E16: the count, or None if the span says nothing of it.

    Reading: the sources are asked in this order and never multiplied with each other, since they
    tell of one and the same sampling: th, p, sampling.ratio, SampleRate. What is not well-formed
    (a ratio outside (0, 1], a rate below 1) is as absent.
    """
    fields = fields_of(span.tracestate)
    for count in (by_threshold(fields), by_exponent(fields),
                  by_ratio(span.attributes), by_rate(span.attributes)):
        if count is not None:
            return count
    return None


def weight_of(span, count_max):
    """The same in units of 2^-20; unknown counts 1; above the maximum it is cut."""
    count = adjusted_count(span)
    return round(min(Fraction(1) if count is None else count, count_max) * ONE)
