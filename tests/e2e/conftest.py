"""One Chromium for all tests of the page: it takes long to start."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.browser import Browser  # noqa: E402


@pytest.fixture(scope="session")
def browser():
    with Browser() as one:
        yield one
