"""The objects of one micrograph (or of the planes of one stack): annotation and prediction are the same type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from temj.data.shapes import Shape, Shapes

IGNORE = "ignore"
"""The class of what nobody can tell: in no loss, match, count or area."""

_PER_OBJECT = ("class_name", "score", "name", "group", "position", "track")


def _column(values: object, count: int, dtype: object, width: int | None = None) -> np.ndarray:
    """``values`` (one for all, or one each) as a read-only array of ``count`` rows."""
    shape = (count,) if width is None else (count, width)
    array = np.array(np.broadcast_to(np.asarray(values, dtype), shape))
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Instances:
    """Shapes with class, score, name and position, one row an object. Immutable; empty is a normal result.

    Attributes:
        shapes: the outlines.
        class_name: (n,) str; "" where no class is known.
        score: (n,) float64, the confidence in 0..1; NaN where there is none (annotations).
        name: (n,) str, ImageJ's name of the ROI; "" where it has none.
        group: (n,) int64, ImageJ's group 0..255; 0 is none.
        position: (n, 3) int64, 1-based channel, slice, frame; 0 is none.
        track: (n,) int64; 0 is none.
        info: how they came about (model, threshold, notes for the user under "notes"); JSON values only.
    """

    shapes: Shapes
    class_name: np.ndarray = ""
    score: np.ndarray = np.nan
    name: np.ndarray = ""
    group: np.ndarray = 0
    position: np.ndarray = 0
    track: np.ndarray = 0
    info: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        count = len(self.shapes)
        for name, dtype, width in (
            ("class_name", object, None), ("score", float, None), ("name", object, None),
            ("group", np.int64, None), ("position", np.int64, 3), ("track", np.int64, None),
        ):  # fmt: skip
            object.__setattr__(self, name, _column(getattr(self, name), count, dtype, width))

    @classmethod
    def of(cls, shapes: Iterable[Shape], **columns: object) -> Instances:
        """Instances from single shapes; columns as in the class."""
        return cls(Shapes.of(shapes), **columns)

    @classmethod
    def concatenate(cls, parts: Iterable[Instances], info: Mapping[str, object] | None = None) -> Instances:
        """All objects of several sets, in order; ``info`` is the given one, or that of the first part."""
        parts = list(parts)
        if not parts:
            return cls(Shapes.of([]), info=info or {})
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _PER_OBJECT}
        return cls(
            Shapes.concatenate([part.shapes for part in parts]), info=parts[0].info if info is None else info, **columns
        )

    def __len__(self) -> int:
        return len(self.shapes)

    def take(self, index: np.ndarray) -> Instances:
        """The objects at the given indices (int array), or where a bool array is true."""
        index = np.arange(len(self))[np.asarray(index)]
        return replace(
            self, shapes=self.shapes.take(index), **{name: getattr(self, name)[index] for name in _PER_OBJECT}
        )

    @property
    def ignored(self) -> np.ndarray:
        """(n,) bool: which ones are of the class :data:`IGNORE`."""
        return np.array([name == IGNORE for name in self.class_name], bool)

    def with_columns(self, **columns: object) -> Instances:
        """The same shapes with other values in the named columns (or another ``info``)."""
        return replace(self, **columns)
