"""The calls that each SDK's sender plays, and what spanmap owes for them.

Call number i is three spans in two services, PREFIX-front and PREFIX-back, with given times:

    front  SERVER  GET /      |------------------------------|  30 ms, the root
    front  CLIENT  GET             |--------------------|       20 ms
    back   SERVER  GET /work            |----------|            10 ms, ERROR if i is a multiple of 5
"""

import pytest

SPANS = 3


def failures(calls):
    return (calls + 4) // 5


def edges_of(answer):
    return {(edge["client"], edge["server"]): edge for edge in answer["edges"]}


def assert_seconds(found, calls, seconds):
    assert found["count"] == calls
    assert found["sum"] == pytest.approx(calls * seconds, rel=1e-9)
    assert found["max"] == pytest.approx(seconds, rel=1e-9)
    # Quantiles are read from buckets.
    assert found["p50"] == pytest.approx(seconds, rel=0.05)


def assert_calls(answer, prefix, calls):
    """The two edges of that prefix, to the last call."""
    front, back = f"service//{prefix}-front", f"service//{prefix}-back"
    edges = edges_of(answer)
    entry, call = edges["user//user", front], edges[front, back]
    assert (entry["requests"], entry["failed"]) == (calls, 0)
    assert entry["client_seconds"] is None
    assert_seconds(entry["server_seconds"], calls, 0.030)
    assert (call["requests"], call["failed"]) == (calls, failures(calls))
    assert_seconds(call["client_seconds"], calls, 0.020)
    assert_seconds(call["server_seconds"], calls, 0.010)
    assert_seconds(call["network_seconds"], calls, 0.010)


def assert_nothing_lost(answer, spans):
    """Each span once: none lost, none twice, none unpaired."""
    accounting = answer["accounting"]
    assert accounting["received"] == accounting["paired"] == spans, accounting
    assert accounting["duplicate"] == accounting["internal"] == 0, accounting
    for kind in ("unpaired", "dropped", "rejected"):
        assert not any(accounting[kind].values()), accounting
