"""Ctrl-C and the signals of log-out and job schedulers, turned into a question that the loop asks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from temj.errors import Cancelled

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupts:
    """Whether the work should end: as the caller's ``cancelled`` says, else as the signals say.

    A caller that gives ``cancelled`` (a command line, ImageJ) has its own ways to hear of Ctrl-C, so no handler is
    touched. For a caller that gives None the first signal inside the block is only noted and a second one acts at
    once, as before. Handlers are set on entry, so after any Java machine of this process was started (it takes
    them over), and put back on exit. Outside the main thread there are no signals.
    """

    def __init__(self, cancelled: Callable[[], bool] | None = None):
        self._cancelled, self._before, self._signal = cancelled, {}, 0

    def __enter__(self) -> Interrupts:
        if self._cancelled is None and threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                # None: a handler that is not Python's; it could not be put back, so it stays.
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        self._put_back()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        self._put_back()

    def _put_back(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def stopped(self) -> bool:
        """Whether the work should end now."""
        return bool(self._signal) if self._cancelled is None else self._cancelled()

    def error(self, where: object, remedy: str) -> Cancelled:
        """What to raise when :meth:`stopped`: exit code 128 + the signal's number, 130 for ``cancelled``."""
        name = signal.Signals(self._signal).name.lower() if self._signal else "by-user"
        error = Cancelled(name, where=where, remedy=remedy)
        error.exit_code = 128 + (self._signal or int(signal.SIGINT))
        return error
