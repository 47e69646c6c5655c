"""Objects that were found in tiles, put together: each of them once, and whole.

A tile shows an object whole, or its inner edges cut it. Two neighbouring tiles see the same object where the parts of
it that lie in the strip which both see are alike (intersection over union of these parts; one to one, so that objects
that overlap stay apart). Then

1. of all tiles that show an object whole, the one in which it is farthest from an inner edge has it;
2. where no tile shows it whole, its pieces are joined: the box around boxes, the union of masks, the smallest rotated
   box around rotated ones, with the highest score among them;
3. what no tile has whole is dropped where there is a tile that could show it whole, and did not find it: that one sees
   better (a piece of a rod, say, may be taken for a rod that lies askew);
4. of what is left, a cut piece is dropped where an object of another tile covers most of it;
5. of two objects that no tile has both found, and which overlap by more than the network allows, the surer one stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.cores.detection import Detections
from temj.geometry.overlap import Overlaps, best_partners
from temj.geometry.rotated import corners, of_points
from temj.inference.parts import alike, covered, same, together, union_of_masks
from temj.inference.tiles import Tiling

SAME, CUT_SAME = 0.5, 0.3
"""Parts in the common strip are alike from this intersection over union on; where one of the two is cut from this."""
COVERED = 0.7
"""A cut piece of which so much lies in an object of another tile belongs to it."""
EDGE, EDGE_SHARE = 2.0, 0.05
"""An object that ends less than so many pixels, or this share of its side, from an inner edge is cut by it."""

_NO_LINKS = Overlaps(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def joined(parts: list[Detections], tiling: Tiling, iou: float, agnostic: bool = False) -> Detections:
    """What was found in all tiles, in pixels of the image, the surest first.

    Args:
        parts: of each tile, in the order of its places, in its own pixels.
        tiling: where the tiles lie.
        iou: objects that overlap by more are one.
        agnostic: whether objects of different classes can be one.
    """
    if len(parts) == 1:
        return parts[0]
    pieces = _Pieces.of(parts, tiling)
    groups = _groups(pieces, tiling, agnostic)
    groups = _believed(pieces, groups, tiling)
    whole = together([pieces.found.take(slice(0, 0)), *(_chosen(pieces, group) for group in groups)])
    cut = np.array([len(group) == 1 and pieces.cut[group[0]] for group in groups], bool)
    seen = [frozenset(pieces.tile[group].tolist()) for group in groups]
    kept = ~_fragments(whole, cut, seen, agnostic)
    index = np.flatnonzero(kept)
    rest = whole.take(index)
    kept = ~_twice(rest, cut[index], [seen[k] for k in index], iou, agnostic)
    rest = rest.take(kept)
    return rest.take(np.argsort(-rest.score, kind="stable"))


@dataclass(frozen=True, eq=False)
class _Pieces:
    """What the tiles found.

    Attributes:
        found: all of it, in pixels of the image.
        tile: (n,) of which tile each is.
        depth: (n,) pixels to the nearest inner edge of its tile; below 0 beyond it, inf where it has none.
        cut: (n,) bool, whether an inner edge cuts it, as far as one can tell.
    """

    found: Detections
    tile: np.ndarray
    depth: np.ndarray
    cut: np.ndarray

    @classmethod
    def of(cls, parts: list[Detections], tiling: Tiling) -> _Pieces:
        windows = _windows(tiling)
        found = together([part.moved(left, top) for part, (left, top, _, _) in zip(parts, windows, strict=True)])
        tile = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        box, window = found.upright(), windows[tile]
        distance = np.concatenate([box[:, :2] - window[:, :2], window[:, 2:] - box[:, 2:]], axis=1)
        height, width = tiling.padded
        distance[window == np.array([0, 0, width, height])] = np.inf
        least = np.maximum(EDGE, EDGE_SHARE * np.tile(box[:, 2:] - box[:, :2], 2))
        return cls(found, tile, distance.min(axis=1, initial=np.inf), (distance < least).any(axis=1))


def _windows(tiling: Tiling) -> np.ndarray:
    """(tiles, 4) float64 x1, y1, x2, y2 of each tile."""
    first = np.array([(tiling.lefts[column], tiling.tops[row]) for row, column in tiling.places], float)
    return np.concatenate([first, first + np.array([tiling.tile_width, tiling.tile_height])], axis=1)


def _groups(pieces: _Pieces, tiling: Tiling, agnostic: bool) -> list[np.ndarray]:
    """Which pieces are one object: index arrays, no two of one tile in one of them."""
    windows, columns = _windows(tiling), len(tiling.lefts)
    beside, across = [], []
    for one, (row, column) in enumerate(tiling.places):
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            if row + down < len(tiling.tops) and 0 <= column + right < columns:
                other = (row + down) * columns + column + right
                (across if down and right else beside).append((one, other))
    group = list(range(len(pieces.tile)))
    tiles = [{tile} for tile in pieces.tile.tolist()]
    # tiles that touch at a corner share little: they are asked last
    for pairs in (beside, across):
        links = [_links(pieces, one, other, windows, agnostic) for one, other in pairs] or [_NO_LINKS]
        columns_of = [np.concatenate([getattr(each, name) for each in links]) for name in ("first", "second", "iou")]
        for place in np.argsort(-columns_of[2], kind="stable"):
            one, other = (_root(group, int(column[place])) for column in columns_of[:2])
            if one != other and not tiles[one] & tiles[other]:
                group[other] = one
                tiles[one] |= tiles[other]
    roots = np.array([_root(group, index) for index in range(len(group))], np.int64)
    order = np.argsort(roots, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(roots[order])) + 1) if len(order) else []


def _root(group: list[int], index: int) -> int:
    while group[index] != index:
        group[index] = group[group[index]]
        index = group[index]
    return index


def _links(pieces: _Pieces, one: int, other: int, windows: np.ndarray, agnostic: bool) -> Overlaps:
    """Which pieces of two tiles are the same object, one to one."""
    strip = np.concatenate([
        np.maximum(windows[one, :2], windows[other, :2]), np.minimum(windows[one, 2:], windows[other, 2:]),
    ])  # fmt: skip
    box = pieces.found.upright()
    inside = (box[:, :2] < strip[2:]).all(axis=1) & (box[:, 2:] > strip[:2]).all(axis=1)
    first, second = (np.flatnonzero(inside & (pieces.tile == tile)) for tile in (one, other))
    pairs = alike(pieces.found.take(first), pieces.found.take(second), strip)
    first, second = first[pairs.first], second[pairs.second]
    label = pieces.found.label
    fits = pairs.iou >= np.where(pieces.cut[first] | pieces.cut[second], CUT_SAME, SAME)
    fits &= agnostic | (label[first] == label[second])
    allowed = Overlaps(first[fits], second[fits], pairs.iou[fits])
    return allowed.where(best_partners(allowed))


def _believed(pieces: _Pieces, groups: list[np.ndarray], tiling: Tiling) -> list[np.ndarray]:
    """Without those objects that no tile has whole, though one that did not find them could show them so."""
    windows, (height, width) = _windows(tiling), tiling.padded
    first, last = np.where(windows[:, :2] == 0, -np.inf, windows[:, :2]), windows[:, 2:]
    last = np.where(last == [width, height], np.inf, last)
    box = pieces.found.upright()
    kept = []
    for group in groups:
        if pieces.cut[group].all():
            low, high = box[group, :2].min(axis=0), box[group, 2:].max(axis=0)
            margin = np.maximum(EDGE, EDGE_SHARE * (high - low))
            shown = (low - margin >= first).all(axis=1) & (high + margin <= last).all(axis=1)
            shown[pieces.tile[group]] = False
            if shown.any():
                continue
        kept.append(group)
    return kept


def _chosen(pieces: _Pieces, group: np.ndarray) -> Detections:
    """The one object that these pieces are."""
    whole = group[~pieces.cut[group]]
    if len(whole):
        return pieces.found.take(whole[[pieces.depth[whole].argmax()]])
    found = pieces.found.take(group[np.argsort(-pieces.found.score[group], kind="stable")])
    if len(group) == 1:
        return found
    if found.rotated:
        box = of_points([corners(found.boxes).reshape(-1, 2)])
        return Detections(box, found.label[:1], found.score[:1])
    box = np.concatenate([found.boxes[:, :2].min(axis=0), found.boxes[:, 2:].max(axis=0)])
    masks = None if found.masks is None else union_of_masks(found, box)[None]
    return Detections(box[None], found.label[:1], found.score[:1], masks)


def _fragments(found: Detections, cut: np.ndarray, seen: list[frozenset[int]], agnostic: bool) -> np.ndarray:
    """(n,) bool, which cut pieces belong to an object of another tile."""
    pieces, objects = np.flatnonzero(cut), np.flatnonzero(~cut)
    pairs = covered(found.take(pieces), found.take(objects))
    gone = np.zeros(len(found), bool)
    for one, other, share in zip(pieces[pairs.first], objects[pairs.second], pairs.iou, strict=True):
        fits = agnostic or found.label[one] == found.label[other]
        gone[one] |= bool(fits and share >= COVERED and not seen[one] & seen[other])
    return gone


def _twice(found: Detections, cut: np.ndarray, seen: list[frozenset[int]], iou: float, agnostic: bool) -> np.ndarray:
    """(n,) bool, which objects are there a second time. A tile that found both says that they are two."""
    pairs = same(found, found)
    pairs = pairs.where((pairs.iou > iou) & (pairs.first < pairs.second))
    rank = np.empty(len(found), np.int64)
    rank[np.lexsort((-found.score, cut))] = np.arange(len(found))
    gone = np.zeros(len(found), bool)
    better = np.where(rank[pairs.first] < rank[pairs.second], pairs.first, pairs.second)
    worse = pairs.first + pairs.second - better
    for place in np.argsort(rank[better], kind="stable"):
        one, other = int(better[place]), int(worse[place])
        fits = agnostic or found.label[one] == found.label[other]
        gone[other] |= bool(fits and not gone[one] and not seen[one] & seen[other])
    return gone
