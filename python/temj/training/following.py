"""One trainer in each of several processes, moved by the word of the first.

The leader's trainer, :class:`LeadingTrainer`, says every command before it obeys it itself; the others obey in
:func:`follow`. So a session drives several processes as it drives one, and whatever it decides (length, end, stop), and
whenever, all do the same.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from temj.errors import BadDataset
from temj.training.distributed import END, World
from temj.training.trainer import Trainer

_BEGIN, _PLAN, _ADVANCE, _REMEMBER, _FORGET, _RESTORE = range(END + 1, END + 7)


class LeadingTrainer(Trainer):
    """A trainer whose steps are done by all processes together; alone, it is a :class:`Trainer`."""

    def plan(self, steps: int) -> None:
        """As :meth:`Trainer.plan`, in all processes; all have the leader's weights then."""
        self._world.say(_PLAN, steps)
        super().plan(steps)

    def advance(self) -> float | None:
        """As :meth:`Trainer.advance`, each process with its share of the crops."""
        self._world.say(_ADVANCE)
        return super().advance()

    @contextlib.contextmanager
    def forgotten(self) -> Iterator[None]:
        """As :meth:`Trainer.forgotten`, in all processes."""
        self._world.say(_REMEMBER)
        with super().forgotten():
            yield
        self._world.say(_FORGET)

    def restore(self, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """As :meth:`Trainer.restore`, in all processes; only the leader reads the checkpoint."""
        self._world.say(_RESTORE)
        if self._world.size > 1:
            self._world.hand_out(tensors, state)
        super().restore(tensors, state)


def begin(world: World, data: str, batch: int) -> None:
    """The leader's word that its job is sound and the others may make theirs, of the same ``data`` (a sha256).

    Raises:
        BadValue: a batch cannot be shared out.
    """
    world.require(batch)
    world.say(_BEGIN, _number(data))


def follow(world: World, make: Callable[[], tuple[Trainer, str]]) -> None:
    """Do what the leader says until it says that all is done. Signals are left to the leader.

    Args:
        world: of this process.
        make: makes the trainer, and tells the sha256 of its data; called when the leader has found its own job sound.

    Raises:
        SystemExit: the leader ended otherwise, with its exit code.
        BadDataset: the data here are not the leader's.
    """
    with _deaf(), contextlib.ExitStack() as remembered:
        trainer: Trainer | None = None
        while True:
            command, number = world.hear()
            if command == END:
                break
            if command == _BEGIN:
                trainer = _made(make, number, world)
            elif command == _PLAN:
                trainer.plan(number)
            elif command == _ADVANCE:
                trainer.advance()
            elif command == _REMEMBER:
                remembered.enter_context(trainer.forgotten())
            elif command == _FORGET:
                remembered.close()
            elif command == _RESTORE:
                trainer.restore(*world.hand_out())
    if number:
        raise SystemExit(number)


def _made(make: Callable[[], tuple[Trainer, str]], wanted: int, world: World) -> Trainer:
    trainer, data = make()
    if _number(data) != wanted:
        raise BadDataset(
            "differs",
            where=f"process {world.rank} of {world.size}",
            expected="the same images and annotations as the first process reads",
            found="other ones",
            remedy="Give all computers the same copy of the dataset.",
        )
    return trainer


def _number(sha256: str) -> int:
    """As much of a hash as a command can carry."""
    return int(sha256[:15], 16)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Inside, Ctrl-C and the signals of schedulers, which reach every process, do nothing here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
