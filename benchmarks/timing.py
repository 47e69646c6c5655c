"""How the benchmarks take time: the ways to do something take turns, so that neighbours disturb all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def turns(
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    clock: Callable[[], float] = time.thread_time,
    made: bool = False,
    settle: Callable[[], object] | None = None,
) -> dict[str, list[float]]:
    """Seconds of each call in each round; one more round, the first, is dropped.

    Args:
        calls: by name.
        rounds: how many count.
        clock: gives seconds; that of this thread's CPU time where none is given.
        made: whether what is named makes the call, which is not counted.
        settle: called behind each call, and counted: waits for what a device still does.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, given in calls.items():
            call = given() if made else given
            start = clock()
            call()
            if settle is not None:
                settle()
            seconds[name].append(clock() - start)
    return {name: values[1:] for name, values in seconds.items()}


def medians(calls: Mapping[str, Callable[[], object]], rounds: int, *, made: bool = False) -> dict[str, float]:
    """The median of each; see :func:`turns`."""
    return {name: statistics.median(values) for name, values in turns(calls, rounds, made=made).items()}
