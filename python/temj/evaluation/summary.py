"""All images together: every figure with its interval, class by class and in total."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from temj.evaluation.agreement import DEFINITIONS, Agreement, figures
from temj.evaluation.intervals import Interval, interval, limits
from temj.evaluation.judging import Judged
from temj.population.quotients import divided

ALL = "all classes"
COUNTS = {"objects annotated": "true", "objects found": "found", "objects matched": "matched"}
NO_INTERVAL = Interval()
FIELDS = len(Agreement().sums)
PLACE = {name: place for place, name in enumerate(Agreement.__dataclass_fields__)}
_MEAN_IOU = {
    "mean IoU": "mean of the IoU of the classes that are annotated",
    "mean IoU with background": "mean of the IoU of the classes that are annotated and of the pixels of no class",
}


@dataclass(frozen=True)
class Figure:
    """One figure of merit.

    Attributes:
        class_name: of which class, or :data:`ALL`.
        name: what it is.
        value: NaN where it is not known.
        interval: over images.
        unit: "" for counts and ratios.
        definition: in words.
    """

    class_name: str
    name: str
    value: float
    interval: Interval
    unit: str = ""
    definition: str = ""


def summary(images: Sequence[Judged], unit: str, iou: float) -> list[Figure]:
    """All figures of all images together.

    Args:
        images: judged by the same rules, lengths in one unit.
        unit: of these lengths: ``nm`` or ``pixel``.
        iou: limit of a match, for the definitions.
    """
    classes = list(images[0].classes)
    rows: list[Figure] = []
    for name in classes:
        units = np.array([[*image.classes[name].sums, image.counted] for image in images])
        rows += _of_class(name, units, unit, iou)
    if len(classes) > 1:
        units = np.array([[*image.total.sums, image.counted] for image in images])
        rows += _of_class(ALL, units, unit, iou)
    return rows + _mean_ious(images, ALL if len(classes) > 1 else classes[0])


def _of_class(name: str, units: np.ndarray, unit: str, iou: float) -> list[Figure]:
    """Figures of sums (n, 13), the last being the pixels that count."""
    pooled = units.sum(axis=0)
    rows = [Figure(name, label, float(pooled[PLACE[field]]), NO_INTERVAL) for label, field in COUNTS.items()]
    for label, (statistic, its_unit, definition) in quantities(unit).items():
        rows.append(_figure(name, label, units, statistic, its_unit, definition))
    for label, definition in DEFINITIONS.items():
        told = definition.replace("IoU > 0.5", f"IoU > {iou:g}")
        rows.append(_figure(name, label, units, lambda sums, label=label: figures(sums)[label], "", told))
    return rows


def _figure(
    class_name: str, name: str, units: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], unit: str, text: str
) -> Figure:
    value = float(statistic(units.sum(axis=0)))
    return Figure(class_name, name, value, interval(units, statistic, limits(name)), unit, text)


def quantities(unit: str) -> dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, str]]:
    """Name → what is computed of sums (…, 13), the last being the pixels that count; its unit; its definition."""

    def share(above: int, below: int, factor: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
        return lambda sums: factor * divided(sums[..., above], sums[..., below])

    found: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, str]] = {}
    for side, word in (("true", "annotated"), ("found", "found")):
        found[f"area fraction {word}"] = (
            share(PLACE[f"{side}_pixels"], FIELDS, 100.0), "%", f"pixels {word} / pixels that count; projected",
        )  # fmt: skip
        for kind, field in (("diameter", "diameters"), ("major axis", "majors"), ("minor axis", "minors")):
            places = PLACE[f"{side}_{field}"], PLACE[side]
            found[f"mean {kind} {word}"] = share(*places), unit, f"of all objects {word}"
    return found


def _mean_ious(images: Sequence[Judged], class_name: str) -> list[Figure]:
    """Means of the IoU over classes; of one class only that with the background says something new."""
    units = np.array(
        [[part.sums for part in (*image.classes.values(), image.background)] for image in images]
    )  # (n, k + 1, 12)
    wanted = _MEAN_IOU if len(images[0].classes) > 1 else ("mean IoU with background",)
    rows = []
    for name in wanted:
        used = units if "background" in name else units[:, :-1]
        flat = used.reshape(len(used), -1)
        rows.append(_figure(class_name, name, flat, _mean_of(used.shape[1:]), "", _MEAN_IOU[name]))
    return rows


def _mean_of(shape: tuple[int, int]) -> Callable[[np.ndarray], np.ndarray]:
    """Mean over classes of the IoU, of sums (…, classes x 12); classes that are not annotated are left out."""

    def statistic(flat: np.ndarray) -> np.ndarray:
        sums = flat.reshape(*flat.shape[:-1], *shape)
        annotated = sums[..., PLACE["true_pixels"]] > 0
        values = np.where(annotated, np.nan_to_num(figures(sums)["IoU"]), 0.0)
        return divided(values.sum(axis=-1), annotated.sum(axis=-1))

    return statistic
