"""What is wrong with the classes of a dataset: without examples, or one class under two names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from temj.data import IGNORE, Table
from temj.datasets.description import FILE
from temj.datasets.folder import Dataset
from temj.datasets.problems import Problem, listed
from temj.datasets.spelling import one_spelling, shown

_ALIKE = 0.9


def of_classes(
    dataset: Dataset, objects: Table, names: Mapping[str, Sequence[str]], failed: Collection[str]
) -> Iterator[Problem]:
    """Classes without an example, and names that look like one class.

    Args:
        dataset: the dataset.
        objects: as in :class:`temj.datasets.Report`.
        names: every name in the annotations, as it is written there → the images that have it.
        failed: parts of the split with images that could not be read: what they show is not known.
    """
    yield from _of_examples(dataset, objects, failed)
    if dataset.respelled:
        what = f"blanks and accents of names were brought to one spelling: {listed(dataset.respelled)}"
        yield Problem("warning", "classes/spelling", FILE, what, f"Write them so in {FILE}.")
    yield from _of_spelling(names)
    for one, other in combinations(dataset.classes, 2):
        if alike(one, other):
            yield Problem(
                "warning", "classes/alike", FILE, f"the classes '{one}' and '{other}' differ only by case or spelling",
                "If they are one class, leave one, and give it the other's objects by 'class_map'.",
            )  # fmt: skip
    labelled = {one_spelling(name) for name in names} | set(dataset.description.labelled)
    unused = [name for name in dataset.description.class_map if name not in labelled]
    if unused:
        yield Problem("info", "classes/unused", FILE, f"class_map has names that no object has: {listed(unused)}")


def _of_examples(dataset: Dataset, objects: Table, failed: Collection[str]) -> Iterator[Problem]:
    for part, severity in (("train", "error"), ("validation", "warning")):
        if part in failed or not dataset.subset(part):
            continue
        shown = set(objects["Class"][objects["Part"] == part])
        for name in dataset.classes:
            if name not in shown:
                where = "training" if part == "train" else "validation"
                yield Problem(
                    severity, f"classes/no-{part}", FILE, f"class '{name}' has no example in the {where} images",
                    "Label some, move images that show it there, or take the class out of 'classes'.",
                )  # fmt: skip


def _of_spelling(names: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Names that became one because only accents or blanks differ."""
    merged: dict[str, list[str]] = {}
    for name in sorted(names):
        merged.setdefault(one_spelling(name), []).append(name)
    for meant, written in merged.items():
        if meant != IGNORE and written != [meant]:
            found = ", ".join(f"{shown(name)} in {listed(names[name], 3)}" for name in written)
            yield Problem(
                "warning", "classes/merged", "annotations", f"names that are '{meant}' but for accents or blanks were "
                f"taken for it: {found}", "Write them all the same way.",
            )  # fmt: skip


def alike(one: str, other: str) -> bool:
    """Whether two names are probably one: equal but for case, blanks, hyphens and plural, or nearly equal.

    Names that differ in a number or in a letter that stands alone (``type I``, ``loop A``) are different ones.
    """
    plain = [re.sub(r"[\s_\-.]+", "", name.casefold()) for name in (one, other)]
    if plain[0] == plain[1] or plain[0] == plain[1] + "s" or plain[1] == plain[0] + "s":
        return True
    counters = [re.findall(r"\d+|(?<![^\W_])[^\W\d_](?![^\W_])|\b[ivx]+\b", name.casefold()) for name in (one, other)]
    return counters[0] == counters[1] and difflib.SequenceMatcher(None, *plain).ratio() >= _ALIKE
