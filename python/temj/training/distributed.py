"""Several processes, started by ``torchrun``, that train one network on shares of every batch.

The first process leads: it alone decides, validates, writes and speaks. The others follow its commands
(:mod:`temj.training.following`). What a batch's crops have in common is exchanged while a step is computed: the sums of
a loss, the statistics of batch norms (:mod:`temj.training.synced`) and the gradients (:meth:`World.average`); see
:mod:`temj.training.exchange`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from temj.errors import BadValue, ResourceError, TemjError
from temj.models.device import choose_device
from temj.training.exchange import Lost, exchange, sum_in_place

_EXCHANGE = timedelta(minutes=5)
"""Longer than the slowest process needs for its share of a batch after the fastest one."""
_COMMAND = timedelta(days=30)
"""Followers wait for the next command while the leader validates. A leader that dies is noticed at once."""
_ERROR = "error"
_joined = 0


@dataclass(eq=False)
class World:
    """This process and its companions.

    Attributes:
        rank: its number; 0 leads.
        size: how many there are.
        local: its number among those of this computer.
        busy: whether it is within a step, where its companions wait for exchanges and for no command.
    """

    rank: int = 0
    size: int = 1
    local: int = 0
    busy: bool = False
    _commands: Any = field(default=None, repr=False)
    _store: Any = field(default=None, repr=False)

    @property
    def leads(self) -> bool:
        """Whether this process decides, writes and speaks."""
        return self.rank == 0

    def device(self, asked: str) -> torch.device:
        """The device of this process: a GPU of its own, or the CPU.

        Raises:
            BadValue: more processes than GPUs, or a device that cannot exchange.
        """
        kind = choose_device(asked)
        kind = "cpu" if (asked, kind) == ("auto", "mps") else kind
        if kind == "cpu":
            return torch.device("cpu")
        if kind != "cuda" or self.local >= torch.cuda.device_count():
            there = f"{torch.cuda.device_count()} GPUs" if kind == "cuda" else f"device={kind}"
            raise BadValue(
                "processes",
                where=f"process {self.rank} of {self.size}",
                expected="a CUDA GPU for each process of this computer, or the CPU for all",
                found=there,
                remedy="Start as many processes as there are GPUs (torchrun --nproc-per-node), or use device=cpu.",
            )
        torch.cuda.set_device(self.local)
        return torch.device("cuda", self.local)

    def share(self, batch: int) -> slice:
        """This process's crops of a batch."""
        each = batch // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def require(self, batch: int) -> None:
        """Prove that a batch can be shared out.

        Raises:
            BadValue: it cannot.
        """
        if batch % self.size:
            raise BadValue(
                "batch",
                where="batch",
                expected=f"a multiple of {self.size}, the number of processes",
                found=batch,
                remedy="Choose another batch, which is that of all processes together.",
            )

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace float tensors (same shapes everywhere) by their means over all processes, in one exchange."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        sum_in_place(flat)
        parts = (flat / self.size).split([tensor.numel() for tensor in tensors])
        torch._foreach_copy_(list(tensors), [p.view_as(t) for p, t in zip(parts, tensors, strict=True)])

    def level(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors by those of the leader."""
        for tensor in tensors if self.size > 1 else ():
            exchange(lambda tensor=tensor: dist.broadcast(tensor, 0))

    def say(self, command: int, number: int = 0) -> None:
        """A command of the leader to all followers."""
        if self.size > 1:
            self._commanded(torch.tensor([command, number]))

    def hear(self) -> tuple[int, int]:
        """The next command, for a follower."""
        command, number = self._commanded(torch.zeros(2, dtype=torch.int64)).tolist()
        return command, number

    def _commanded(self, tensor: torch.Tensor) -> torch.Tensor:
        exchange(lambda: dist.broadcast(tensor, 0, group=self._commands))
        return tensor

    def hand_out(
        self, tensors: Mapping[str, torch.Tensor] | None = None, state: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Tensors (any device) and JSON values of the leader, for all; followers give nothing."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in (tensors or {}).items()}
        described = {name: [list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in tensors.items()}
        text = json.dumps([described, state]).encode()
        length = self._commanded(torch.tensor([len(text)]))
        raw = bytearray(text) if self.leads else bytearray(int(length))
        described, state = json.loads(bytes(self._commanded(torch.frombuffer(raw, dtype=torch.uint8)).numpy()))
        for name, (shape, dtype) in described.items():
            tensor = tensors.setdefault(name, torch.empty(shape, dtype=getattr(torch, dtype)))
            self._commanded(tensor.view(-1) if tensor.ndim else tensor)
        return tensors, state

    def tell_error(self, error: BaseException) -> None:
        """Leave word of the first error for the others."""
        found = error.message if isinstance(error, TemjError) else f"{type(error).__name__}: {error}"
        code = getattr(error, "exit_code", 1)
        with contextlib.suppress(RuntimeError):
            self._store.compare_set(_ERROR, "", json.dumps([self.rank, found, code]))

    def first_error(self) -> tuple[int, str, int]:
        """(rank, message, exit code) of the process that ended first; rank -1 where it left no word."""
        with contextlib.suppress(RuntimeError):
            if self._store.check([_ERROR]):
                rank, message, code = json.loads(self._store.get(_ERROR))
                return rank, message, code
        return -1, "no word of it: it was killed, or the connection broke", ResourceError.exit_code


ALONE = World()


def started() -> bool:
    """Whether ``torchrun``, or a launcher that sets the same variables, started this process as one of several."""
    return _number("WORLD_SIZE") > 1 and {"RANK", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


def follows() -> bool:
    """Whether this process is one of several and not the one that writes and speaks."""
    return started() and _number("RANK") > 0


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdigit() else 0


END = 0
"""The command after which a follower ends; its number is the exit code."""


@contextlib.contextmanager
def joined(asked: str) -> Iterator[World]:
    """This process among those that ``torchrun`` started; :data:`ALONE` where it did not.

    Whoever ends first ends all: the leader by its word or by being gone, a
    follower by being gone. A process that only hears of an error ends with the exit code of that error; the leader
    names it.

    Args:
        asked: the device asked for.

    Raises:
        ResourceError: another process failed or vanished, or the processes did not find each other.
        SystemExit: in a follower, when another process failed and said why itself.
    """
    if not started():
        yield ALONE
        return
    world, cuda, logger = _join(asked), choose_device(asked) == "cuda", logging.getLogger("temj")
    level = logger.level
    logger.setLevel(level if world.leads else logging.ERROR)  # the leader says the same
    try:
        yield world
        _dismiss(world, 0)
    except BaseException as error:
        ending = _ending(world, error)
        if not cuda:  # on GPUs this waits for exchanges that never come; the process ends anyway
            dist.destroy_process_group()
        if ending is error:
            raise
        raise ending from error
    else:
        dist.destroy_process_group()
    finally:
        logger.setLevel(level)


@functools.cache
def _launcher_store() -> Any:
    """The table of keys and values that the launcher keeps for all processes."""
    store, _, _ = next(dist.rendezvous("env://", timeout=_EXCHANGE))
    return store


def _join(asked: str) -> World:
    global _joined  # one prefix a training: what the one before left in the store must not be read
    _joined += 1
    rank, size = _number("RANK"), _number("WORLD_SIZE")
    backend = "cpu:gloo,cuda:nccl" if choose_device(asked) == "cuda" else "gloo"
    try:
        store = dist.PrefixStore(f"temj/{_joined}", _launcher_store())
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_EXCHANGE)
        commands = dist.new_group(backend="gloo", timeout=_COMMAND)
    except (RuntimeError, ValueError) as error:
        raise ResourceError(
            "processes",
            where=f"process {rank} of {size}",
            expected=f"all {size} processes within {_EXCHANGE.seconds // 60} minutes",
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            remedy="Start the same command on all computers, and see that they reach each other.",
        ) from error
    return World(rank, size, _number("LOCAL_RANK"), _commands=commands, _store=store)


def _dismiss(world: World, code: int) -> None:
    """The leader's last word; within a step nobody listens, and its end is noticed by itself."""
    if world.leads and not world.busy:
        with contextlib.suppress(Lost):
            world.say(END, code)


def _ending(world: World, error: BaseException) -> BaseException:
    """Tell the others of an error, and give what this process ends with."""
    if isinstance(error, SystemExit):  # the leader's word
        return error
    if not isinstance(error, Lost):
        world.tell_error(error)
        _dismiss(world, getattr(error, "exit_code", 1))
        return error
    rank, message, code = world.first_error()
    if not world.leads and rank >= 0:
        return SystemExit(code)
    ended = ResourceError(
        "process",
        where=f"process {rank} of {world.size}" if rank >= 0 else "another process",
        found=message,
        remedy="All processes have ended. The last checkpoint is intact; --resume goes on from it.",
    )
    ended.exit_code = code
    return ended
