"""The pictures of an evaluation: truth against prediction, the steps between, pairs that fit more or less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from temj.data import Instances, Micrograph, RoiType, Shapes
from temj.evaluation.judging import Judged
from temj.evaluation.overlapping import BOXES, boxes_around
from temj.geometry.ellipse import fitted_ellipses
from temj.opencv import opencv
from temj.plots import overlay, png_bytes
from temj.plots.panels import SIDE, Panel, panel_sheet
from temj.plots.strip import Detail, detail, strip
from temj.workflows.evaluate_guess import Guess, Objects

OVERLAYS, PANELS, STRIP = "overlays", "panels", "pairs.png"
COLOURS = {
    "matched, annotated": "#ffffff",
    "matched, found": "#56b4e9",
    "missed": "#d55e00",
    "extra": "#f0e442",
}
"""What became of an object → colour of its outline; sky blue, vermilion and yellow of Okabe and Ito."""
_EACH = 8
_FITTED = (RoiType.OVAL, RoiType.ELLIPSE)


@dataclass(frozen=True, eq=False)
class Shown:
    """What the pictures need of one image.

    Attributes:
        found: at the threshold.
        detector: whether objects were found one by one.
        levels: class → (h', w') uint8, its probability times 255, no larger than a panel.
    """

    found: Objects
    detector: bool = False
    levels: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, guess: Guess) -> Shown:
        """Of what was found."""
        return cls(guess.found, guess.candidates is not None, {n: _small(level) for n, level in guess.levels.items()})


def _small(levels: np.ndarray) -> np.ndarray:
    scale = min(1.0, SIDE / max(levels.shape))
    size = [max(1, round(scale * side)) for side in levels.shape[::-1]]
    cv2 = opencv()
    return np.rint(255 * cv2.resize(np.asarray(levels, np.float32), size, interpolation=cv2.INTER_AREA)).astype(
        np.uint8
    )


def picture_name(folder: str, rank: int, stem: str) -> str:
    """``overlays/01_04.png``: the worst image has rank 1."""
    return f"{folder}/{rank:02d}_{stem}.png"


def truth_against_prediction(
    micrograph: Micrograph, found: Instances, true: Instances, judged: Judged, counts: np.ndarray
) -> bytes:
    """Objects that were found, missed and made up (PNG); what does not count is hatched.

    Args:
        micrograph: the image; a grey one where its file is not known.
        found, true: objects, as they were judged.
        judged: which of them have a partner.
        counts: (h, w) bool, where the truth is known.
    """
    parts = [
        (true, judged.true_counts & judged.true_matched, "matched, annotated"),
        (found, judged.found_counts & judged.found_matched, "matched, found"),
        (true, judged.true_counts & ~judged.true_matched, "missed"),
        (found, judged.found_counts & ~judged.found_matched, "extra"),
    ]
    shown = [objects.take(which).with_columns(class_name=name) for objects, which, name in parts]
    return png_bytes(
        overlay(
            _counted(micrograph, counts), Instances.concatenate(shown), COLOURS, caption=_told(judged), numbered=False
        )
    )


def _counted(micrograph: Micrograph, counts: np.ndarray) -> Micrograph:
    return replace(micrograph, area=None if counts.all() else counts)


def _told(judged: Judged) -> str:
    metrics = judged.total.metrics()
    return ", ".join(f"{name} {metrics[name]:.2f}" for name in ("object F1", "IoU") if np.isfinite(metrics[name]))


def panels(
    stem: str, micrograph: Micrograph, shown: Shown, true: Instances, judged: Judged, counts: np.ndarray,
    colours: Mapping[str, str],
) -> bytes | None:  # fmt: skip
    """The steps from micrograph to objects beside each other (PNG); None where only the objects are known.

    Of a detector: annotated, boxes, and fitted ellipses. Of a network with a map: micrograph,
    probability, mask, and outlines on the micrograph.
    """
    found = shown.found.instances.take(judged.found_counts)
    if shown.detector:
        boxes = shown.found.boxes
        boxes = None if boxes is None else boxes.take(np.flatnonzero(judged.found_counts))
        size = (micrograph.width, micrograph.height)
        views = _of_detector(found, boxes, true.take(judged.true_counts), size)
    elif shown.levels:
        levels = np.max(np.stack(list(shown.levels.values())), axis=0) / 255.0
        views = [
            Panel("micrograph"), Panel("probability, 0 dark to 1 bright", None, "levels", levels),
            Panel("mask found", found, "mask"), Panel("overlay: outlines found", found),
        ]  # fmt: skip
    else:
        return None
    told = _told(judged)
    title = f"{stem}: {told}" if told else f"{stem}: nothing annotated and nothing found"
    return png_bytes(panel_sheet(_counted(micrograph, counts), views, colours, title))


def _of_detector(found: Instances, boxes: Shapes | None, true: Instances, size: tuple[int, int]) -> list[Panel]:
    """Ellipses that were fitted in boxes as they are; else those of the outlines, with the second moments."""
    own = found.shapes if boxes is None else boxes
    if not np.isin(own.roi_type, BOXES).all():
        own = boxes_around(own)
    fitted = bool(np.isin(found.shapes.roi_type, _FITTED).all())
    return [
        Panel(f"annotated: {len(true)}", true),
        Panel(f"boxes found: {len(found)}", found.with_columns(shapes=own)),
        Panel("fitted ellipses", found if fitted else fitted_ellipses(found, *size)),
    ]


@dataclass(frozen=True)
class _Pair:
    """Two objects that overlap: of which image, and which ones."""

    stem: str
    found: int
    true: int
    iou: float


def pairs_strip(
    judged: Mapping[str, Judged],
    iou: float,
    scene: Callable[[str], Micrograph],
    shapes: Callable[[str], tuple[Shapes, Shapes]],
) -> bytes | None:
    """Details of pairs of low IoU (no match), of about the match IoU, and of high IoU (PNG); None without any pair.

    Args:
        judged: of all images.
        iou: limit of a match.
        scene: stem → its micrograph.
        shapes: stem → shapes found and annotated, that are compared.
    """
    every = [pair for stem, image in judged.items() for pair in _overlapping(stem, image)]
    if not every:
        return None
    lines = _chosen(every, iou)
    stems = {pair.stem for _, pairs in lines for pair in pairs}
    known = {stem: (scene(stem), *shapes(stem)) for stem in sorted(stems)}

    def shown(pair: _Pair) -> Detail:
        micrograph, found, true = known[pair.stem]
        one, other = true.take(np.array([pair.true])), found.take(np.array([pair.found]))
        return detail(micrograph, one, other, f"{pair.stem}: {pair.iou:.2f}")

    drawn = [(words, [shown(pair) for pair in pairs]) for words, pairs in lines]
    return png_bytes(strip(drawn, COLOURS["matched, annotated"], COLOURS["matched, found"]))


def _overlapping(stem: str, image: Judged) -> list[_Pair]:
    """The best partners of an image, whatever their IoU and class."""
    numbers = [np.flatnonzero(np.isfinite(size)) for size in (image.found_diameter, image.true_diameter)]
    pairs = image.compared.matched(0.0)
    rows = zip(numbers[0][pairs.first].tolist(), numbers[1][pairs.second].tolist(), pairs.iou.tolist(), strict=True)
    return [_Pair(stem, *row) for row in rows]


def _chosen(pairs: Sequence[_Pair], iou: float) -> list[tuple[str, list[_Pair]]]:
    """Lines of pairs: those in the middle below the limit, those nearest to it, those that fit best."""

    def nearest(some: Sequence[_Pair], place: float) -> list[_Pair]:
        near = sorted(some, key=lambda pair: (abs(pair.iou - place), pair.stem, pair.found))[:_EACH]
        return sorted(near, key=lambda pair: (pair.iou, pair.stem, pair.found))

    middle = nearest(pairs, iou)
    rest = [pair for pair in pairs if pair not in set(middle)]
    low = nearest([pair for pair in rest if pair.iou <= iou], iou / 2)
    high = nearest([pair for pair in rest if pair.iou > iou], 1.0)
    return [
        (f"low: IoU below {iou:g}, no match", low), (f"threshold: IoU nearest to {iou:g}", middle),
        ("high: the largest IoU", high),
    ]  # fmt: skip
