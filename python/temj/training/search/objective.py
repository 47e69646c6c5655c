"""What a search makes as good as it can, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from temj import registry
from temj.cores import DETECTORS
from temj.errors import BadValue
from temj.models import Card

OBJECTIVES = {
    "object_f1": "object F1",
    "iou": "IoU",
    "dice": "Dice",
    "pixel_precision": "pixel precision",
    "pixel_recall": "pixel recall",
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "ap50": "AP50",
    "ap50_95": "AP50:95",
    "area_error": "area error",
    "count_error": "count error",
    "diameter_error": "diameter error",
}
"""Name of an objective → the metric of a model's card: the mean over its classes; of errors the size counts."""


_OF_MAPS, _OF_DETECTIONS = ("pr_auc", "roc_auc"), ("ap50", "ap50_95")


@dataclass(frozen=True)
class Objective:
    """One of :data:`OBJECTIVES`."""

    name: str = "object_f1"

    def __post_init__(self) -> None:
        if self.name not in OBJECTIVES:
            raise registry.unknown("objective", self.name, OBJECTIVES)

    def require_of(self, core: str) -> None:
        """Prove that models of a core have this figure.

        Raises:
            BadValue: they have not; names those that they have.
        """
        strange = _OF_MAPS if core in DETECTORS else _OF_DETECTIONS
        if self.name in strange:
            known = ", ".join(name for name in OBJECTIVES if name not in strange)
            raise BadValue(
                "objective", where="objective", expected=f"a figure of the core '{core}': {known}", found=self.name
            )

    @property
    def metric(self) -> str:
        """The metric's name in cards and updates."""
        return OBJECTIVES[self.name]

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        return not self.name.endswith("_error")

    @property
    def title(self) -> str:
        """What tables and plots call it."""
        return self.metric if self.higher else f"{self.metric} (size)"

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than another, None being the worst."""
        return than is None or (value > than if self.higher else value < than)

    def of_card(self, card: Card) -> float:
        """The value of a finished model on its validation images at their own pixel size; NaN where it has none."""
        values = [
            metric.value
            for metric in card.metrics
            if metric.name == self.metric
            and "own pixel size" in metric.data
            and not metric.data.startswith(("training images", "mean of"))
            and ("threshold" not in metric.data or f"'{card.default_threshold}'" in metric.data)
        ]
        return self._size(values)

    def of_update(self, metrics: Mapping[str, float]) -> float:
        """How good a running training is at a validation: object F1 for that objective, for all others IoU, or AP50.

        Object F1 is 0 as long as it is not known, which it is not while the answer is noise.
        """
        if self.name == "object_f1":
            return float(metrics.get(self.metric, 0.0))
        value = float(metrics.get("IoU", metrics.get("AP50", math.nan)))
        return value if self.higher else -value

    def _size(self, values: list[float]) -> float:
        sizes = [value if self.higher else abs(value) for value in values]
        return sum(sizes) / len(sizes) if sizes else math.nan
