"""What the interop tests share: a spanmap of their own."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from lib.daemon import Daemon  # noqa: E402

# Longer than the senders' two exporters may be apart on a loaded machine.
OPTIONS = {"pairing.wait": "5s"}


@pytest.fixture
def daemon():
    with Daemon(OPTIONS) as running:
        yield running
