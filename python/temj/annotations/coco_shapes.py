"""The outlines of a COCO document -> shapes, all at once.

Polygons of one object are united: parts that share no pixel become one COMPOSITE with their own corners, parts that
overlap become the outline of the pixels of their union. A polygon is filled even-odd, also where it crosses itself.
A mask becomes the outline of its pixels. What a file of ours says beside that (the kind of selection, an ellipse's
axes, a path with curves) is taken where it still describes the same outline.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from temj.annotations import rle
from temj.annotations.atlas import LARGEST_MASK, trace_runs
from temj.annotations.base import counted
from temj.annotations.coco_checks import Outline
from temj.annotations.coco_kinds import described
from temj.annotations.outlines import composite, polygon, polygons, rect
from temj.data import Shape, Shapes
from temj.geometry.curves import Rings
from temj.geometry.raster import Runs, rasterise, rasterise_outlines, union
from temj.geometry.vertices import outlines

CLOSE_ENOUGH = 0.01
"""Pixels that the corners of an outline may differ from those of the shape it was written for."""


def shapes_of(
    entries: Sequence[tuple[dict[str, Any], Outline]], problems: list[str], notes: list[str]
) -> list[Shape | None]:
    """The shape of each annotation; None (and a problem) for masks that cannot be."""
    made: list[Shape | None] = [None] * len(entries)
    edges, edged = _edges(entries)
    for k, (_entry, outline) in enumerate(entries):
        if not outline.polygons and outline.counts is None:
            made[k] = rect(*map(float, outline.box))
    masks = [k for k, (_entry, outline) in enumerate(entries) if outline.counts is not None]
    runs = _masks(entries, masks, made, problems)
    _polygons(edges, edged, made, notes)
    _kinds(entries, made, edges, runs, notes)
    return made


def _edges(entries: Sequence[tuple[dict[str, Any], Outline]]) -> tuple[Rings, np.ndarray]:
    """All polygons as rings (a last corner that repeats the first is left out), and the rings' first by owner."""
    parts = [(k, part) for k, (_entry, outline) in enumerate(entries) for part in outline.polygons]
    sizes = np.array([len(part) // 2 for _, part in parts], np.int64)
    flat: list[float] = []
    for _, part in parts:
        flat += part
    points = np.array(flat, float).reshape(-1, 2)
    first = np.cumsum(sizes) - sizes
    last = first + sizes - 1
    kept = np.ones(len(points), bool)
    kept[last[(points[last] == points[first]).all(axis=1)]] = False
    offsets = np.concatenate([[0], np.cumsum(kept)])[np.append(first, len(points))]
    owner = np.array([k for k, _ in parts], np.int64)
    return Rings(points[kept], offsets, owner), np.flatnonzero(np.diff(owner, prepend=-1))


def _polygons(edges: Rings, first: np.ndarray, made: list[Shape | None], notes: list[str]) -> None:
    """One polygon, or several that are united."""
    bounds = np.append(first, len(edges.owner)).tolist()
    offsets = edges.offsets.tolist()
    several = []
    for start, stop in itertools.pairwise(bounds):
        if stop - start == 1:
            made[edges.owner[start]] = polygon(edges.points[offsets[start] : offsets[stop]])
        else:
            several.append((int(edges.owner[start]), range(start, stop)))
    if not several:
        return
    parts = [[edges.points[offsets[k] : offsets[k + 1]] for k in rings] for _, rings in several]
    overlapping = _united(parts)
    for number, (owner, _) in enumerate(several):
        made[owner] = composite(parts[number]) if number not in overlapping else overlapping[number]
    if overlapping:
        told = "overlapping polygons: the outline of all their pixels is taken"
        notes.append(f"{counted(len(overlapping), 'object has', 'objects have')} {told}")


def _united(parts: list[list[np.ndarray]]) -> dict[int, Shape]:
    """The lists of polygons in which two share a pixel, each with the outline of the pixels of all."""
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    runs = _all_pixels(Shapes.of([polygon(points) for part in parts for points in part]))
    runs = Runs(owner[runs.object], runs.y, runs.start, runs.stop)
    joined = union(runs)
    shared = np.flatnonzero(runs.counts(len(parts)) != joined.counts(len(parts)))
    shapes, made_of = trace_runs(joined.where(np.isin(joined.object, shared)))
    return dict(zip(made_of.tolist(), shapes, strict=True))


def _all_pixels(shapes: Shapes) -> Runs:
    """The pixels of shapes wherever they lie."""
    outline = outlines(shapes)
    top, bottom = outline.box[:, 1].min(initial=0), (outline.box[:, 1] + outline.box[:, 3]).max(initial=0)
    return rasterise_outlines(outline, (0, int(top), 1, int(bottom - top)))


def _masks(
    entries: Sequence[tuple[dict[str, Any], Outline]], masks: list[int], made: list[Shape | None], problems: list[str]
) -> np.ndarray:
    """Outlines of masks; gives the number of pixels of each annotation's mask (-1 where it has none)."""
    pixels = np.full(len(entries), -1, np.int64)
    if not masks:
        return pixels
    counts, offsets, wrong = _counts([entries[k][1].counts for k in masks])
    sizes = np.array([entries[k][1].size for k in masks], np.int64).reshape(-1, 2)
    wrong = rle.problems(counts, offsets, sizes) | wrong
    good = np.array([k for k in range(len(masks)) if k not in wrong], np.int64)
    rows = np.isin(np.repeat(np.arange(len(masks)), np.diff(offsets)), good)
    ends = np.concatenate([[0], np.cumsum(np.diff(offsets)[good])])
    runs = rle.unpack_counts(counts[rows], ends, sizes[good, 0])
    found = runs.counts(len(good))
    box = _boxes(runs, len(good))
    for number, k in enumerate(good):
        if not found[number]:
            wrong[int(k)] = "a mask without a pixel"
        elif box[number] > LARGEST_MASK:
            wrong[int(k)] = f"a mask in a box of {box[number]:,} pixels, expected at most {LARGEST_MASK:,}"
    usable = runs.where((box <= LARGEST_MASK)[runs.object])
    shapes, made_of = trace_runs(usable, upright=True)
    for shape, number in zip(shapes, made_of.tolist(), strict=True):
        made[masks[good[number]]] = shape
    pixels[np.array(masks)[good]] = found
    for number in sorted(wrong):
        entry = entries[masks[number]][0]
        problems.append(f"annotation {entry.get('id', masks[number] + 1)}: {wrong[number]}")
    return pixels


def _boxes(runs: Runs, count: int) -> np.ndarray:
    """(count,) pixels of the box around each object's runs."""
    area = np.zeros(count, np.int64)
    if len(runs):
        first = np.flatnonzero(np.diff(runs.object, prepend=-1))
        wide = np.maximum.reduceat(runs.y, first) + 1 - np.minimum.reduceat(runs.y, first)
        high = np.maximum.reduceat(runs.stop, first) - np.minimum.reduceat(runs.start, first)
        area[runs.object[first]] = wide * high
    return area


def _counts(given: list[bytes | list[int]]) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """All counts one after the other, compressed or plain; offsets; what is wrong."""
    texts = [k for k, counts in enumerate(given) if isinstance(counts, bytes)]
    values, ends, wrong = rle.unpack_strings([given[k] for k in texts])
    arrays = {k: values[ends[n] : ends[n + 1]] for n, k in enumerate(texts)}
    arrays |= {k: np.array(counts, np.int64) for k, counts in enumerate(given) if not isinstance(counts, bytes)}
    ordered = [arrays[k] for k in range(len(given))]
    offsets = np.concatenate([[0], np.cumsum([len(array) for array in ordered])])
    return np.concatenate([np.zeros(0, np.int64), *ordered]), offsets, {texts[n]: told for n, told in wrong.items()}


def _kinds(
    entries: Sequence[tuple[dict[str, Any], Outline]], made: list[Shape | None], edges: Rings, pixels: np.ndarray,
    notes: list[str],
) -> None:  # fmt: skip
    """Replace outlines by the shapes that the file says they stand for, where these still fit."""
    said = {k: described(*entry, made[k]) for k, entry in enumerate(entries) if made[k] is not None}
    wanted = {k: shape for k, shape in said.items() if shape is not None}
    if not wanted:
        return
    index, shapes = np.array(list(wanted)), Shapes.of(wanted.values())
    masked = pixels[index] >= 0
    drawn = np.array([bool(entries[k][1].polygons) for k in index], bool)
    fits = ~drawn & ~masked  # a box alone: what it stands for is the better word
    fits |= drawn & _same_corners(polygons(shapes), _by_owner(edges, index), len(index))
    for size in {entries[k][1].size for k in index[masked]}:
        part = np.flatnonzero([masked[n] and entries[k][1].size == size for n, k in enumerate(index)])
        fits[part] = rasterise(shapes.take(part), size[1], size[0]).counts(len(part)) == pixels[index[part]]
    for k in index[fits].tolist():
        made[k] = wanted[k]
    if not fits.all():
        told = "their outline was changed by another program, and it is taken as it stands there"
        notes.append(f"{counted(int((~fits).sum()), 'object is', 'objects are')} no longer the shape it was: {told}")


def _same_corners(one: Rings, other: Rings, count: int) -> np.ndarray:
    """(count,) whether the owners have as many corners in both, at the same places to 0.01 px."""
    owners = [np.repeat(rings.owner, np.diff(rings.offsets)) for rings in (one, other)]
    same = np.bincount(owners[0], minlength=count) == np.bincount(owners[1], minlength=count)
    chosen = [same[owner] for owner in owners]
    far = (np.abs(one.points[chosen[0]] - other.points[chosen[1]]) > CLOSE_ENOUGH).any(axis=1)
    same[owners[0][chosen[0]][far]] = False
    return same


def _by_owner(edges: Rings, index: np.ndarray) -> Rings:
    """The rings of the given owners, numbered by their place in ``index`` (ascending)."""
    place = np.searchsorted(index, edges.owner)
    kept = index[np.minimum(place, len(index) - 1)] == edges.owner
    sizes = np.diff(edges.offsets)
    points = edges.points[np.repeat(kept, sizes)]
    return Rings(points, np.concatenate([[0], np.cumsum(sizes[kept])]), place[kept])
