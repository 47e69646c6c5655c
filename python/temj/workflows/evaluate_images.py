"""One image after the other: read, ask, compare; and what is kept for the report."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from temj.area import analysed
from temj.data import Calibration, Instances, Micrograph, Shapes
from temj.data.calibration import UNCALIBRATED, parse_pixel_size
from temj.datasets.contents import content
from temj.datasets.problems import counted, listed
from temj.errors import BadAnnotation
from temj.evaluation.agreement import Agreement, Diameter
from temj.evaluation.calibration import GRID
from temj.evaluation.judging import Judged, Rules, judge, known_area
from temj.evaluation.objects import Objects
from temj.evaluation.overlapping import Kind, kind_of
from temj.evaluation.persons import Three
from temj.evaluation.quantities import Seen
from temj.evaluation.ranking import Ranking
from temj.plots import PALETTE
from temj.workflows import evaluate_outputs as files
from temj.workflows.evaluate_guess import Guess, Prediction
from temj.workflows.evaluate_pictures import (
    OVERLAYS,
    PANELS,
    STRIP,
    Shown,
    pairs_strip,
    panels,
    picture_name,
    truth_against_prediction,
)
from temj.workflows.evaluate_scores import Scored, scored
from temj.workflows.evaluate_sides import Side
from temj.workflows.evaluation import Evaluation
from temj.workflows.known_images import Images


@dataclass(frozen=True)
class EvaluateOptions:
    """How it is compared; each as in :mod:`temj.commands.evaluate`."""

    part: str = "validation"
    images: Path | None = None
    classes: tuple[str, ...] = ()
    masks: str = "auto"
    class_map: tuple[str, ...] = ()
    iou: float = 0.5
    overlap: str = "auto"
    size_bins: tuple[float, ...] = ()
    threshold: str = "auto"
    device: str = "auto"
    tta: bool = False
    input_size: int | None = None
    pixel_size: str = ""
    area: str = "auto"
    pictures: int = 20
    second: Path | None = None
    overwrite: bool = False


def rules_for(true: Side, guessed: Prediction, options: EvaluateOptions) -> Rules:
    """The diameter of a class is that of the dataset, else of the model's card, else the equivalent one."""
    diameters: dict[str, Diameter] = {name: rule for card in guessed.cards for name, rule in card.diameters.items()}
    if true.dataset is not None:
        diameters |= {entry.name: entry.diameter for entry in true.dataset.description.classes}
    rules = {name: diameters.get(name, "equivalent") for name in true.classes}
    kind = _kind(true, guessed) if options.overlap == "auto" else options.overlap
    return Rules(true.classes, rules, options.iou, kind)


def _kind(true: Side, guessed: Prediction) -> Kind:
    """What overlaps are of: what both sides have. Boxes can be put around outlines, but not the other way round."""
    kinds = {guessed.kind, kind_of(image.instances.shapes for image in true.images.values())}
    return next(kind for kind in ("rotated", "boxes", "outlines") if kind in kinds)


@dataclass(frozen=True, eq=False)
class Work:
    """Judges one image after the other and keeps what the report needs; no pixels."""

    true: Side
    guessed: Prediction
    rules: Rules
    options: EvaluateOptions
    second: Side | None = None
    judged: dict[str, Judged] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    seen: dict[str, tuple[Seen, Seen]] = field(default_factory=dict)
    three: dict[str, Three] = field(default_factory=dict)
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    rankings: dict[str, Ranking] = field(default_factory=dict)
    curves: dict[str, list[Agreement]] = field(default_factory=dict)
    scores: dict[str, Scored] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, stem: str) -> None:
        """Read, ask and judge one image."""
        micrograph, known = self.scene(stem)
        guess = self.guessed.find(stem, micrograph if known else None)
        counts = self.counts(stem, micrograph)
        pixel = _aspect(micrograph.calibration)
        true = self.true.images[stem].instances
        self.judged[stem] = judge(guess.found.instances, true, counts, self.rules, pixel, guess.found.boxes)
        self.calibrations[stem] = micrograph.calibration
        self.seen[stem] = (
            Seen.of(true, self.judged[stem], counts, found=False),
            Seen.of(guess.found.instances, self.judged[stem], counts, found=True),
        )
        self._keep(stem, guess)
        if self.second is not None and stem in self.second.images:
            self.three[stem] = self._three(stem, guess, micrograph)
        self.shares[stem] = 100 * micrograph.area_pixels / micrograph.pixels.size
        for note in guess.notes:
            self.notes.setdefault(note, []).append(stem)
        self._rank(guess, true, counts)
        parts = []
        if guess.at is not None:
            found = [guess.at(threshold) for threshold in GRID]
            parts = [judge(part.instances, true, counts, self.rules, pixel, part.boxes) for part in found]
            self.curves[stem] = [part.total for part in parts]
        known_scores = scored(guess, self.judged[stem], parts, true, counts, self.rules)
        if known_scores is not None:
            self.scores[stem] = known_scores
        if known:
            self.contents[stem] = content(micrograph.pixels)

    def _keep(self, stem: str, guess: Guess) -> None:
        """What its pictures need; maps of the worst images only, so that memory stays flat."""
        self.shown[stem] = Shown.of(guess)
        mapped = {stem: self.judged[stem] for stem, shown in self.shown.items() if shown.levels}
        for better in files.worst_first(mapped)[self.options.pictures :]:
            self.shown[better] = replace(self.shown[better], levels={})

    def _three(self, stem: str, guess: Guess, micrograph: Micrograph) -> Three:
        """The machine and both persons on the pixels that neither person leaves out."""
        true, other = self.true.images[stem].instances, self.second.images[stem].instances
        counts = self.counts(stem, micrograph)
        counts = counts & known_area(other, *counts.shape)
        pixel, found = _aspect(micrograph.calibration), guess.found
        return Three(
            judge(other, true, counts, self.rules, pixel),
            judge(found.instances, true, counts, self.rules, pixel, found.boxes),
            judge(found.instances, other, counts, self.rules, pixel, found.boxes),
        )

    def scene(self, stem: str) -> tuple[Micrograph, bool]:
        """The image with its analysed area, and whether its pixels are known; else an even one of its size.

        Raises:
            BadAnnotation: sizes that differ, or none that is known.
        """
        own, side = self.true.images[stem], self.guessed.side
        guessed = side.images.get(stem) if side else None
        image = self.true.micrograph(stem)
        if image is None and guessed is not None:
            image = side.micrograph(stem)
        sizes = {"the truth says": own.size, "the prediction says": guessed.size if guessed else None}
        if self.second is not None and stem in self.second.images:
            sizes["the second annotation says"] = self.second.images[stem].size
        sizes["its image has"] = None if image is None else (image.width, image.height)
        width, height = _one_size(stem, sizes)
        known = image is not None
        if image is None:
            calibration = guessed.calibration if guessed else UNCALIBRATED
            image = Micrograph(np.full((height, width), 128, np.uint8), calibration, stem)
        if self.options.pixel_size:
            image = image.with_pixel_size(parse_pixel_size(self.options.pixel_size))
        return analysed(image, own.area_rois, self.options.area if known else "whole"), known

    def counts(self, stem: str, micrograph: Micrograph) -> np.ndarray:
        """(h, w) bool, where the truth is known."""
        true = self.true.images[stem].instances
        return known_area(true, micrograph.height, micrograph.width, micrograph.area)

    def _rank(self, guess: Guess, true: Instances, counts: np.ndarray) -> None:
        for name, levels in guess.levels.items():
            shapes = true.take(true.class_name == name).shapes
            mask = Objects.of_shapes(shapes, *counts.shape).mask.reshape(counts.shape)
            self.rankings[name] = self.rankings.get(name, Ranking()) + Ranking.of(levels, mask, counts)

    def evaluation(self, notes: Sequence[str]) -> Evaluation:
        """All of it, with lengths in nm where all images have a pixel size."""
        sizes = [calibration.nm for calibration in self.calibrations.values()]
        unit = "nm" if all(sizes) else "pixel"
        told = [*(f"truth: {note}" for note in self.true.notes), *self.guessed.notes, *notes, *self._left_out()]
        for note, stems in self.notes.items():
            told.append(note if len(stems) == len(self.judged) else f"{note} ({listed(stems)})")
        if unit == "pixel" and any(sizes):
            without = [stem for stem, calibration in self.calibrations.items() if not calibration.known]
            told.append(f"{listed(without)} have no pixel size: lengths of all images are in pixels (--pixel-size)")
        factor = {stem: _mean_side(known) if unit == "nm" else 1.0 for stem, known in self.calibrations.items()}
        scaled = {stem: judged.scaled(factor[stem]) for stem, judged in self.judged.items()}
        images = Images(self.true.dataset.name if self.true.dataset else "", list(scaled), self.contents)
        return Evaluation(
            self.true, self.guessed, scaled, unit, self.rules, images,
            {stem: self.true.images[stem].part for stem in scaled}, self.rankings, self.curves,
            {stem: known.scaled(factor[stem]) for stem, known in self.scores.items()}, self.options.size_bins,
            tuple(told),
            {stem: (one.scaled(factor[stem]), other.scaled(factor[stem])) for stem, (one, other) in self.seen.items()},
            {stem: three.scaled(factor[stem]) for stem, three in self.three.items()},
            self.second.title if self.second else "",
        )  # fmt: skip

    def _left_out(self) -> list[str]:
        """One note about the analysed areas, where something is left out."""
        shares = [share for share in self.shares.values() if share < 100]
        if not shares:
            return []
        least, most = (f"{end:.3g}" for end in (min(shares), max(shares)))
        percent = f"{least} %" if least == most else f"{least} to {most} %"
        return [
            f"analysed area {percent} of {counted(len(shares), 'image')}; the rest (info bar, scale bar, text, borders "
            "or what ROIs exclude; hatched in the pictures) is in no figure (--area whole takes all)"
        ]

    def pictures(self, stems: Sequence[str]) -> dict[str, bytes]:
        """Name → PNG: overlays and panels of these images, the worst first, and pairs of all of them."""
        made: dict[str, bytes] = {}
        for rank, stem in enumerate(stems, start=1):
            micrograph, _ = self.scene(stem)
            true, counts = self.true.images[stem].instances, self.counts(stem, micrograph)
            shown, judged = self.shown[stem], self.judged[stem]
            overlay = truth_against_prediction(micrograph, shown.found.instances, true, judged, counts)
            made[picture_name(OVERLAYS, rank, stem)] = overlay
            steps = panels(stem, micrograph, shown, true, judged, counts, self.colours())
            if steps is not None:
                made[picture_name(PANELS, rank, stem)] = steps
        pairs = (
            pairs_strip(self.judged, self.rules.iou, lambda stem: self.scene(stem)[0], self._compared)
            if stems
            else None
        )
        return made | ({STRIP: pairs} if pairs is not None else {})

    def _compared(self, stem: str) -> tuple[Shapes, Shapes]:
        """Shapes found and annotated, whose overlap was compared."""
        found = self.shown[stem].found
        boxes = found.boxes is not None and self.rules.kind != "outlines"
        return found.boxes if boxes else found.instances.shapes, self.true.images[stem].instances.shapes

    def colours(self) -> dict[str, str]:
        """``#rrggbb`` of the classes: of the dataset, else of the model's card, else of the palette."""
        known = {entry.name: entry.colour for card in self.guessed.cards for entry in card.classes}
        if self.true.dataset is not None:
            known |= {entry.name: entry.colour for entry in self.true.dataset.description.classes if entry.colour}
        palette = itertools.cycle(PALETTE)
        return {name: known.get(name) or colour for name, colour in zip(self.true.classes, palette, strict=False)}


def _one_size(stem: str, sizes: Mapping[str, tuple[int, int] | None]) -> tuple[int, int]:
    """(width, height) of an image.

    Raises:
        BadAnnotation: different ones, or none.
    """
    known = {who: size for who, size in sizes.items() if size is not None}
    if len(set(known.values())) > 1:
        found = ", ".join(f"{who} {width} x {height}" for who, (width, height) in known.items())
        raise BadAnnotation(
            "size", where=stem, expected="one size of the image", found=found,
            remedy="One side is of a copy of another size; its outlines do not fit. Annotate or predict the same file.",
        )  # fmt: skip
    if not known:
        raise BadAnnotation(
            "size", where=stem, expected="width and height of the image", found="nothing that says them",
            remedy="Name the folder of the images (--images).",
        )  # fmt: skip
    return next(iter(known.values()))


def _mean_side(calibration: Calibration) -> float:
    """Side in nm of the square with the area of a pixel."""
    width, height = calibration.nm
    return float(np.sqrt(width * height))


def _aspect(calibration: Calibration) -> tuple[float, float]:
    """Width and height of a pixel in units of its mean side."""
    if calibration.nm is None:
        return 1.0, 1.0
    side = _mean_side(calibration)
    return calibration.nm[0] / side, calibration.nm[1] / side
