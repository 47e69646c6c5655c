"""What was found, image by image, and by whom: values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from temj.data import Instances, Micrograph, Shapes
from temj.evaluation.overlapping import Kind, kind_of
from temj.models.card import Card
from temj.workflows.evaluate_sides import Side

Cancelled = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Objects:
    """Objects of one image.

    Attributes:
        instances: with the classes of the truth.
        boxes: the box of each, where its outline was fitted in one.
    """

    instances: Instances
    boxes: Shapes | None = None

    def above(self, threshold: float) -> Objects:
        """Those of a score above the threshold."""
        kept = self.instances.score > threshold
        return Objects(self.instances.take(kept), None if self.boxes is None else self.boxes.take(np.flatnonzero(kept)))


@dataclass(frozen=True, eq=False)
class Guess:
    """What was found in one image.

    Attributes:
        found: at the threshold.
        levels: class of the truth → float (h, w), its probability; empty where nobody knows it.
        at: threshold → the objects there; None where nobody knows it.
        notes: for the user.
        candidates: of a detector all objects with a score above ``floor``, as it found them (boxes stay boxes); None
            where nobody knows them.
        floor: the lowest score that was looked at.
    """

    found: Objects
    levels: Mapping[str, np.ndarray] = field(default_factory=dict)
    at: Callable[[float], Objects] | None = None
    notes: tuple[str, ...] = ()
    candidates: Instances | None = None
    floor: float = 0.0


@dataclass(frozen=True, eq=False)
class Prediction:
    """Where the objects come from.

    Attributes:
        title: in words.
        find: (stem, micrograph or None) → what was found.
        stems: of the images that there are objects of; None: any image can be asked.
        side: the files, where it is not a model.
        cards: of the models, where they are known.
        thresholds: name → threshold that the objects were found with, and others worth a mark.
        notes: for the user.
        used: name ("" for a number) → threshold that the objects were found with.
        lowest: score above which objects are known; 0 where all are.
    """

    title: str
    find: Callable[[str, Micrograph | None], Guess]
    stems: frozenset[str] | None = None
    side: Side | None = None
    cards: tuple[Card, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    used: Mapping[str, float] = field(default_factory=dict)
    lowest: float = 0.0

    @property
    def kind(self) -> Kind:
        """What was found: boxes, where detectors of boxes or files say so; else outlines."""
        cores = {card.core.name for card in self.cards}
        if len(cores) == 1 and (core := cores.pop()) in ("boxes", "rotated"):
            return core
        return kind_of(image.instances.shapes for image in self.side.images.values()) if self.side else "outlines"


@dataclass(frozen=True)
class Asking:
    """How a model is asked, and how names are meant; each as in :mod:`temj.commands.evaluate`.

    ``floor`` is the lowest score that a detector looks at and ``outline`` what its objects look like, as in
    :class:`temj.inference.How`.
    """

    threshold: str = "auto"
    device: str = "auto"
    tta: bool = False
    input_size: int | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    cancelled: Cancelled | None = None
    floor: float | None = None
    outline: str = "auto"
