"""The trials of a search: what each tried, how far it came; the file that a search is resumed from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from temj import storage
from temj.data import Column, Table
from temj.errors import BadValue
from temj.training.search.objective import Objective
from temj.training.search.space import label

FORMAT = 1
SEARCH = "search.json"
State = Literal["running", "finished", "dropped", "failed"]


@dataclass(frozen=True)
class Trial:
    """One training with settings of its own.

    Attributes:
        number: from 1.
        settings: those that are searched: name → JSON value.
        state: ``dropped``: stopped early since it was bad; ``failed``: it ended with an error.
        value: of the objective; of a dropped trial the last one it reached, None where there is none.
        reached: tenth of the run (1..10) → value of the objective at the validation there.
        seconds: it took, over all sittings.
        reason: why it was dropped or failed.
        drawn: what the library that draws settings keeps of it (JSON values).
    """

    number: int
    settings: Mapping[str, Any]
    state: State = "running"
    value: float | None = None
    reached: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    drawn: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"reached": {str(tenth): value for tenth, value in self.reached.items()}}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Trial:
        """The inverse of :meth:`as_json`."""
        return cls(**{**values, "reached": {int(tenth): value for tenth, value in values["reached"].items()}})


def best_of(trials: Sequence[Trial], objective: Objective) -> Trial | None:
    """The finished trial with the best value, the first of equals; None where none has finished."""
    best = None
    for trial in trials:
        if trial.state == "finished" and objective.better(trial.value, best and best.value):
            best = trial
    return best


def save(folder: Path, identity: Mapping[str, Any], trials: Sequence[Trial], final: int | None) -> None:
    """Write ``search.json``: the trials so far; ``final`` is the one that was trained anew for the model."""
    storage.write_json(
        folder / SEARCH,
        {"format": FORMAT, "identity": identity, "final": final, "trials": [trial.as_json() for trial in trials]},
    )


def load(folder: Path) -> tuple[dict[str, Any], list[Trial], int | None]:
    """What :func:`save` wrote.

    Raises:
        BadValue: there is none, or it is no search of this TEMJ.
    """
    path = folder / SEARCH
    try:
        values = json.loads(path.read_bytes())
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']}")
        return values["identity"], [Trial.of_json(entry) for entry in values["trials"]], values["final"]
    except FileNotFoundError:
        raise BadValue(
            "nothing-to-resume", where=folder, expected=f"an unfinished search ({SEARCH})", found="none",
            remedy="Check the path, or start without --resume.",
        ) from None  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadValue(
            "search", where=path, expected=f"the trials of a search, format {FORMAT}", found=str(error)[:200],
            remedy="Search in another folder, or replace this one with --overwrite.",
        ) from None  # fmt: skip


def trials_table(trials: Sequence[Trial], names: Sequence[str], objective: Objective) -> Table:
    """A row a trial: Trial, State, value of the objective, Seconds, the searched settings by name, Reason.

    A setting is a column of numbers where all its values are numbers, else of text.
    """
    values = [math.nan if trial.value is None else trial.value for trial in trials]
    return Table((
        Column("Trial", np.array([trial.number for trial in trials], np.int64)),
        Column("State", np.array([trial.state for trial in trials], object)),
        Column(objective.title, np.array(values, float)),
        Column("Seconds", np.array([trial.seconds for trial in trials], float)),
        *(_setting(name, [trial.settings[name] for trial in trials]) for name in names),
        Column("Reason", np.array([trial.reason for trial in trials], object)),
    ))  # fmt: skip


def _setting(name: str, values: Sequence[Any]) -> Column:
    if values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return Column(name, np.array(values))
    return Column(name, np.array([label(value) for value in values], object))
