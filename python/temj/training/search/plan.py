"""What a search is asked to do, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from temj.datasets import Dataset
from temj.models import Model
from temj.training.files import file_hashes
from temj.training.search.objective import Objective
from temj.training.search.space import Space, options_of
from temj.training.search.study import Drop, Method, combinations
from temj.training.search.trials import Trial


@dataclass(frozen=True)
class Plan:
    """What is searched and how.

    Attributes:
        space: the settings.
        number: of trials; a grid ends when all combinations have been tried.
        method: random or grid.
        objective: what is made as good as it can be on the validation images.
        drop: which trials end early (:class:`temj.training.search.study.Study`).
        seed: of the settings; the trainings have the seed of ``base``.
        base: options of every training (fields of :class:`temj.training.TrainingOptions`).
        final: options in which the last training differs, such as ``{"epochs": 200}``: the best settings are trained
            anew with them. Empty: the model of the best trial is the result.
    """

    space: Space
    number: int = 20
    method: Method = "random"
    objective: Objective = field(default_factory=Objective)
    drop: Drop = "median"
    seed: int = 0
    base: Mapping[str, Any] = field(default_factory=dict)
    final: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trials(self) -> int:
        """How many there will be."""
        return min(self.number, combinations(self.space, self.method) or self.number)

    def identity(self, core: str, dataset: Dataset) -> dict[str, Any]:
        """What a search must have in common with the one it resumes: all but the number of trials and the end."""
        options = options_of(self.base, {}, core, dataset.classes)
        return {
            "core": core, "classes": list(dataset.classes), "space": self.space.as_json(), "method": self.method,
            "objective": self.objective.name, "drop": self.drop, "seed": self.seed, "parameters": options.recipe(),
            "data": file_hashes(dataset), "split": dataset.split.model_dump(include={"train", "validation"}),
        }  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What came out.

    Attributes:
        trials: all of them.
        best: the best one.
        model: in ``<output>/model``.
    """

    trials: tuple[Trial, ...]
    best: Trial
    model: Model
