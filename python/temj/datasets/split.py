"""Splits of a dataset: by image or by group, stratified by class, in parts or folds; the seed fixes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from temj.data import IGNORE
from temj.datasets.description import FILE, Split
from temj.datasets.folder import Dataset
from temj.datasets.problems import counted, listed
from temj.datasets.sources import same
from temj.datasets.writing import update_description
from temj.errors import BadDataset, BadValue, Refused

PARTS = ("train", "validation", "test")
_ROUNDS = 20


@dataclass(frozen=True)
class SplitRule:
    """How a dataset is split.

    Attributes:
        by_group: whether images of one group (sample, film) stay together.
        fractions: shares of the images for train, validation and test; the last may be left out.
        folds: K parts for cross-validation, of all images but those for the test; 0 for none.
        stratify: whether all parts get their share of the objects of each class.
        seed: of the order of the images; the same one gives the same split, whatever the order of the files.
    """

    by_group: bool = False
    fractions: tuple[float, ...] = (0.75, 0.25)
    folds: int = 0
    stratify: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        good = len(self.fractions) in (2, 3) and all(0 <= share <= 1 for share in self.fractions)
        if not good or abs(sum(self.fractions) - 1) > 1e-6 or not self.fractions[0] or not self.fractions[1]:
            raise BadValue(
                "fractions", where="fractions", found=" ".join(map(str, self.fractions)),
                expected="two or three shares for train, validation and test that make 1, such as 0.7 0.15 0.15",
            )  # fmt: skip
        if self.folds == 1 or self.folds < 0:
            raise BadValue("folds", where="folds", expected="0 (none) or at least 2", found=self.folds)


@dataclass(frozen=True)
class Partition:
    """A split with its folds: stems, sorted."""

    split: Split
    folds: tuple[tuple[str, ...], ...] = ()


def folds(dataset: Dataset) -> tuple[Split, ...]:
    """The K splits of ``dataset.json``'s folds: each fold validates once, the others train, the test stays.

    Use them with :meth:`temj.datasets.Dataset.with_split`.

    Raises:
        BadDataset: there are no folds.
    """
    parts = dataset.description.folds
    if not parts:
        raise BadDataset(
            "no-folds", where=dataset.folder / FILE, expected="folds", found="none",
            remedy="Make them with 'temj dataset split FOLDER --folds 5'.",
        )  # fmt: skip
    return tuple(
        Split(
            train=tuple(sorted(stem for other in parts if other is not part for stem in other)),
            validation=part,
            test=dataset.split.test,
        )
        for part in parts
    )


def make_split(dataset: Dataset, rule: SplitRule, groups: Mapping[str, str] | None = None) -> Partition:
    """Split the annotated images of a dataset.

    Args:
        dataset: the dataset; images that are neither annotated nor named as empty are left out.
        rule: how.
        groups: stem → group; None takes those of ``dataset.json``.

    Raises:
        BadDataset: images without a group where groups are asked for, or fewer images or groups than parts.
        BadImage, BadAnnotation: an annotation cannot be read (where it is stratified by class).
    """
    stems = sorted(same(item.stem) for item in dataset.items if item.annotation or item.empty)
    units = _units(dataset, stems, groups, rule.by_group)
    weights = _weights(dataset, units) if rule.stratify else np.array([[len(unit)] for unit in units], float)
    spell = {same(item.stem): item.stem for item in dataset.items}

    def stems_of(chosen: np.ndarray) -> tuple[str, ...]:
        return tuple(sorted(spell[stem] for index in np.flatnonzero(chosen) for stem in units[index]))

    shares = np.array([*rule.fractions, 0.0][:3])
    if not rule.folds:
        place = _assign(weights, shares, rule.seed, dataset)
        return Partition(Split(**{part: stems_of(place == number) for number, part in enumerate(PARTS)}))
    tested = _assign(weights, np.array([1 - shares[2], shares[2]]), rule.seed, dataset) == 1
    rest = np.flatnonzero(~tested)
    place = np.full(len(units), -1)
    place[rest] = _assign(weights[rest], np.full(rule.folds, 1 / rule.folds), rule.seed, dataset)
    parts = tuple(stems_of(place == number) for number in range(rule.folds))
    first = Split(train=stems_of(place > 0), validation=parts[0], test=stems_of(tested))
    return Partition(first, parts)


def write_split(
    dataset: Dataset, partition: Partition, rule: SplitRule, groups: Mapping[str, str] | None, overwrite: bool
) -> None:
    """Write a split with its rule (and the groups, where they are new) into ``dataset.json``.

    Raises:
        Refused: it has a split or folds already, and ``overwrite`` is false.
        StorageError: it cannot be written; the old one is untouched.
    """
    refuse_second_split(dataset, overwrite)
    changes: dict[str, Any] = {
        "split": {part: list(getattr(partition.split, part)) for part in PARTS},
        "folds": [list(part) for part in partition.folds] or None,
        "split_rule": {
            "by": "group" if rule.by_group else "image",
            "fractions": list(rule.fractions),
            "folds": rule.folds,
            "stratify": rule.stratify,
            "seed": rule.seed,
        },
    }
    if groups is not None:
        changes["groups"] = dict(sorted(groups.items()))
    update_description(dataset.folder, changes)


def refuse_second_split(dataset: Dataset, overwrite: bool) -> None:
    """Stop where a split would be lost.

    Raises:
        Refused: ``dataset.json`` has a split or folds, and ``overwrite`` is false.
    """
    if not overwrite and (dataset.description.split or dataset.description.folds):
        raise Refused(
            "exists", where=dataset.folder / FILE, expected="no split", found="one",
            remedy="Models that were judged on it could not be compared any more; allow replacing it with --overwrite.",
        )  # fmt: skip


def _units(dataset: Dataset, stems: Sequence[str], groups: Mapping[str, str] | None, by_group: bool) -> list[list[str]]:
    """What is not torn apart: single images, or all images of a group."""
    if not by_group:
        return [[stem] for stem in stems]
    known = {same(stem): group for stem, group in (groups or dataset.description.groups).items()}
    missing = [stem for stem in stems if stem not in known]
    if missing:
        raise BadDataset(
            "no-group", where=dataset.folder / FILE, expected="a group for each image",
            found=f"{counted(len(missing), 'image')} without one: {listed(missing)}",
            remedy="Write 'groups' (stem: sample or film) into dataset.json, or give --group-pattern or --sheet.",
        )  # fmt: skip
    members: dict[str, list[str]] = {}
    for stem in stems:
        members.setdefault(known[stem], []).append(stem)
    return [members[group] for group in sorted(members)]


def _weights(dataset: Dataset, units: Sequence[Sequence[str]]) -> np.ndarray:
    """(units, 1 + classes) float: images and objects of each class; classes without an object are left out."""
    items = {same(item.stem): item for item in dataset.items}
    rows = []
    for unit in units:
        names = [name for stem in unit for name in dataset.instances(items[stem]).class_name if name != IGNORE]
        rows.append([len(unit), *(names.count(name) for name in dataset.classes)])
    weights = np.array(rows, float)
    return weights[:, weights.any(axis=0)]


def _assign(weights: np.ndarray, shares: np.ndarray, seed: int, dataset: Dataset) -> np.ndarray:
    """Put units into parts so that each part has its share of every weight.

    First the heavy ones, each where most is missing; then units are moved and exchanged while that comes nearer
    to the shares (the sum of the squared differences, each weight as a share of its total).

    Args:
        weights: (units, k) float, at least one of them above 0 in each row.
        shares: (parts,) float, sum 1; no unit comes into a part whose share is 0.
        seed: of the order among equals.
        dataset: for the message.

    Returns:
        (units,) int, the part of each unit.

    Raises:
        BadDataset: fewer units than parts.
    """
    wanted = np.flatnonzero(shares)
    if len(weights) < len(wanted):
        raise BadDataset(
            "too-few", where=dataset.folder, expected=f"at least {len(wanted)} annotated images or groups, one a part",
            found=len(weights), remedy="Label more, or make fewer parts.",
        )  # fmt: skip
    weights = weights / weights.sum(axis=0)
    order = np.random.default_rng(seed).permutation(len(weights))
    order = order[np.argsort(-weights[order].max(axis=1), kind="stable")]
    place = np.full(len(weights), -1)
    have = np.zeros((len(shares), weights.shape[1]))
    for step, unit in enumerate(order):
        free = [part for part in wanted if not (place == part).any()]
        # The last units go to the parts that have none yet.
        choice = free if len(order) - step <= len(free) else wanted
        part = choice[int(np.argmax([_missing(shares[k], have[k], weights[unit]) for k in choice]))]
        place[unit] = part
        have[part] += weights[unit]
    return _exchanged(weights, shares, place, order)


def _missing(share: float, have: np.ndarray, weight: np.ndarray) -> float:
    """How much nearer to its share a part comes by a unit, as the squared distance that it loses."""
    before, after = have - share, have + weight - share
    return float((before**2).sum() - (after**2).sum()) / share


def _exchanged(weights: np.ndarray, shares: np.ndarray, place: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Exchange units of two parts, or move one, as long as the parts come nearer to their shares."""
    have = np.stack([weights[place == part].sum(axis=0) for part in range(len(shares))]) - shares[:, None]
    for _ in range(_ROUNDS):
        changed = False
        for unit in order:
            gain, other, target = _best_change(weights, have, place, int(unit), shares)
            if gain <= 1e-12:
                continue
            changed, source = True, place[unit]
            moved = weights[unit] - (0 if other is None else weights[other])
            have[source] -= moved
            have[target] += moved
            place[unit] = target
            if other is not None:
                place[other] = source
        if not changed:
            break
    return place


def _best_change(
    weights: np.ndarray, have: np.ndarray, place: np.ndarray, unit: int, shares: np.ndarray
) -> tuple[float, int | None, int]:
    """(gain, unit to exchange it with or None, target part) of the best change for a unit."""
    source, best = place[unit], (0.0, None, int(place[unit]))
    alone = np.count_nonzero(place == source) == 1
    for target in np.flatnonzero(shares):
        if target == source:
            continue
        others = np.flatnonzero(place == target)
        moved = np.concatenate([weights[unit] - weights[others], weights[unit][None]])
        before = (have[source] ** 2).sum() + (have[target] ** 2).sum()
        gains = before - ((have[source] - moved) ** 2).sum(axis=1) - ((have[target] + moved) ** 2).sum(axis=1)
        if alone:
            gains[-1] = -1.0
        index = int(gains.argmax())
        if gains[index] > best[0]:
            best = (float(gains[index]), int(others[index]) if index < len(others) else None, int(target))
    return best
