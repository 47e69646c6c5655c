"""Which of some images a model has seen before: trained on, tuned on, or kept for its test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from temj.annotations.pairing import same
from temj.datasets.problems import listed
from temj.models.card import Card

TUNED = "tuned"
"""Thresholds whose names begin so were chosen by ``temj tune``."""


@dataclass(frozen=True)
class Images:
    """Images of a dataset.

    Attributes:
        dataset: its name; "" where they are in none.
        stems: of the images.
        contents: stem → hash of the pixels (:func:`temj.datasets.contents.content`), where it is known.
    """

    dataset: str
    stems: Sequence[str]
    contents: Mapping[str, str] = field(default_factory=dict)

    def among(self, dataset: str, named: Iterable[str], contents: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Which of them are among others: surely, and perhaps.

        Surely: the same pixels; or the same name in a dataset of the same name, unless both pixels are known and
        differ. Perhaps: the same name in a dataset of another name, of pixels that are not known.

        Args:
            dataset: name of the dataset of the others.
            named: their stems.
            contents: what is known of their pixels, by stem.
        """
        names = {same(stem) for stem in named}
        hashes = {same(stem): digest for stem, digest in contents.items() if same(stem) in names}
        surely, perhaps = [], []
        for stem in self.stems:
            mine, theirs = self.contents.get(stem), hashes.get(same(stem))
            if mine is not None and mine in hashes.values():
                surely.append(stem)
            elif same(stem) in names and (mine is None or theirs is None):
                (surely if dataset == self.dataset else perhaps).append(stem)
        return surely, perhaps


def training_use(card: Card, images: Images) -> list[str]:
    """Which of the images a model was trained on, or tuned on (its thresholds and its best step were chosen there).

    Args:
        card: of the model.
        images: which.
    """
    told = []
    for data in card.data:
        for part, words in (("train", "TRAINED"), ("validation", "TUNED")):
            surely, perhaps = images.among(data.name, data.split.get(part, ()), data.contents)
            if surely or perhaps:
                unsure = "" if surely else data.name
                told.append(_told(words, surely or perhaps, len(images.stems), card.name, unsure))
    return told


def _told(words: str, used: Sequence[str], count: int, model: str, unsure: str) -> str:
    which = _which(used, count)
    doubt = f" (if these are the images of those names in its dataset '{unsure}')" if unsure else ""
    if words == "TRAINED":
        return (
            f"ON TRAINING IMAGES: model '{model}' was trained on {which}{doubt}: the figures say how well it knows "
            "them by heart, not how well it does on new ones"
        )
    return (
        f"ON VALIDATION IMAGES: thresholds and best step of model '{model}' were chosen on {which}{doubt}: figures on "
        "new images will be somewhat lower"
    )


def tuning_use(card: Card, used: Mapping[str, float], images: Images) -> list[str]:
    """Which of the images the threshold in use was chosen on by ``temj tune``.

    Args:
        card: of the model.
        used: name ("" for a number given as such) → threshold that the objects were found with.
        images: which.
    """
    told = []
    for name, number in card.thresholds.items():
        if not name.startswith(TUNED) or not (name in used or used.get("") == number or used.get("used") == number):
            continue
        facts = card.calibration.get(name)
        tuned: Any = facts.get("tuned_on") if isinstance(facts, dict) else None
        if not isinstance(tuned, dict):
            continue
        surely, perhaps = images.among(tuned["dataset"], tuned["images"], tuned["contents"])
        if surely or perhaps:
            doubt = "" if surely else f" (if these are the images of those names in dataset '{tuned['dataset']}')"
            told.append(
                f"TUNED ON THESE IMAGES: threshold '{name}' of model '{card.name}' was chosen on "
                f"{_which(surely or perhaps, len(images.stems))}{doubt} for the highest F1: figures on new images will "
                "be somewhat lower"
            )
    return told


def kept_for_test(card: Card, images: Images) -> tuple[list[str], list[str]]:
    """Which of the images the model's test is of: surely, and perhaps (:meth:`Images.among`)."""
    found = [images.among(data.name, data.split.get("test", ()), data.contents) for data in card.data]
    return tuple(sorted({stem for pair in found for stem in pair[place]}) for place in (0, 1))


def _which(used: Sequence[str], count: int) -> str:
    return "all of these images" if len(used) == count else f"{len(used)} of these images ({listed(used)})"
