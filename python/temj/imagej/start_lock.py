"""One start of Java at a time on a machine.

jgo, which puts ImageJ's jars together, unlinks and links them anew at every start; a second process that starts
meanwhile would find some of them missing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

_SECONDS = 300
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the lock ``~/.jgo/temj.lock`` during the block; where it cannot be had, go on without it."""
    import filelock

    lock = filelock.FileLock(Path.home() / ".jgo" / "temj.lock", timeout=_SECONDS)
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, filelock.Timeout) as error:  # a home that cannot be written, or somebody who never ends
        _log.warning("Java is started without waiting for others that start: %s", error)
    try:
        yield
    finally:
        lock.release()
