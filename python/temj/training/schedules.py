"""How the learning rate goes from the first step to the last, by name.

``name`` or ``name:number``, such as ``cosine:0.1`` or ``step:20000``; what the number means is said in
:data:`SCHEDULES`. One more is one function and one line of that table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from temj import registry
from temj.errors import BadValue

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True)
class Kind:
    """A form of schedule.

    Attributes:
        make: (optimiser, steps, number) → schedule; ``step()`` is called once after each step.
        number: what the number behind the name means.
        least, most: its limits.
        default: where none is given; None where it follows from the length of the run.
    """

    make: Callable[[Optimizer, int, float | None], LRScheduler]
    number: str
    least: float
    most: float
    default: float | None


def _one_cycle(optimizer: Optimizer, steps: int, rise: float | None) -> LRScheduler:
    """Smith & Topin 2019, with cosines: up from 1/25 of the rate, then down to nearly nothing."""
    from torch.optim.lr_scheduler import OneCycleLR

    rates = [group["lr"] for group in optimizer.param_groups]
    momentum = "betas" in optimizer.defaults or bool(optimizer.defaults.get("momentum"))
    return OneCycleLR(optimizer, rates, total_steps=steps + 1, pct_start=rise, cycle_momentum=momentum)


def _cosine(optimizer: Optimizer, steps: int, rise: float | None) -> LRScheduler:
    """A straight rise from nothing, then half a cosine down to nothing (Loshchilov & Hutter 2017)."""
    warm = round(rise * steps)

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))

    return _times(optimizer, factor)


def _poly(optimizer: Optimizer, steps: int, power: float | None) -> LRScheduler:
    """(1 - step / steps) to a power, as DeepLab's (Chen et al. 2018)."""
    return _times(optimizer, lambda step: max(0.0, 1 - step / steps) ** power)


def _step(optimizer: Optimizer, steps: int, every: float | None) -> LRScheduler:
    """A tenth of the rate after every so many steps (Shen et al. 2021: 20,000 of 90,000, which is the default)."""
    length = round(every) if every else max(1, math.ceil(steps * 2 / 9))
    return _times(optimizer, lambda step: 0.1 ** (step // length))


def _constant(optimizer: Optimizer, _steps: int, _number: float | None) -> LRScheduler:
    """The same rate throughout."""
    return _times(optimizer, lambda _step: 1.0)


def _times(optimizer: Optimizer, factor: Callable[[int], float]) -> LRScheduler:
    from torch.optim.lr_scheduler import LambdaLR

    return LambdaLR(optimizer, factor)


SCHEDULES: dict[str, Kind] = {
    "one-cycle": Kind(_one_cycle, "the share of the run in which the rate rises", 0.01, 0.99, 0.3),
    "cosine": Kind(_cosine, "the share of the run in which the rate rises", 0.0, 0.99, 0.05),
    "step": Kind(_step, "the number of steps after which the rate falls to a tenth", 1, math.inf, None),
    "poly": Kind(_poly, "the power", 0.1, 10, 0.9),
    "constant": Kind(_constant, "nothing", math.inf, -math.inf, None),
}
"""Name → form."""


def parsed(text: str) -> tuple[str, float | None]:
    """Name and number of a schedule.

    Raises:
        BadValue: unknown (it names the nearest one), or a number out of its range.
    """
    name, colon, number = text.partition(":")
    if name not in SCHEDULES:
        raise registry.unknown("schedule", name, SCHEDULES)
    kind = SCHEDULES[name]
    if not colon:
        return name, kind.default
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not kind.least <= value <= kind.most:
        raise _bad_number(text, name, kind)
    return name, value


def _bad_number(text: str, name: str, kind: Kind) -> BadValue:
    if kind.least > kind.most:
        expected = f"'{name}' alone"
    else:
        limits = f"from {kind.least:g} to {kind.most:g}" if math.isfinite(kind.most) else f"of at least {kind.least:g}"
        expected = f"behind '{name}:' {kind.number}, a number {limits}"
    return BadValue("schedule", where="schedule", expected=expected, found=f"'{text}'", remedy="Correct the schedule.")


def make_schedule(text: str, optimizer: Optimizer, steps: int) -> LRScheduler:
    """The schedule of a run of ``steps`` steps, from the learning rates that the optimiser has now.

    Raises:
        BadValue: as :func:`parsed` says.
    """
    name, number = parsed(text)
    return SCHEDULES[name].make(optimizer, steps, number)
