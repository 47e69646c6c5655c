"""What all tests share."""

import os
import signal

import pytest

# A shell that starts the tests in the background makes them ignore Ctrl-C, and their children with them;
# the tests of Ctrl-C need it as a user has it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long runs of the fuzz tests, marked slow, are for TEMJ_SLOW=1."""
    if not os.environ.get("TEMJ_SLOW"):
        skipped = pytest.mark.skip(reason="a long run: set TEMJ_SLOW=1")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(skipped)
