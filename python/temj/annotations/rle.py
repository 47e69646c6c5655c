"""COCO's run-length encoding of masks, decoded and encoded for many masks at once, with every sum checked.

A mask is read column by column from the top left; the counts are lengths of runs of 0 and 1 in turn, 0 first. The
compressed string holds the counts, from the fourth one on their difference to the one two before, as signed numbers
of 5 bits a character, lowest bits first: ``48 + bits``, with 32 added where more follow (``maskApi.c`` of cocoapi,
functions rleToString and rleFrString).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from temj.geometry.raster import Runs

LARGEST = 2**32
"""Pixels of an image whose masks are run-length encoded: other readers count in 32 bits."""
_LONGEST = 7
"""Characters of a number: 35 bits."""


def unpack_strings(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """The counts in compressed strings.

    Returns:
        All counts one after the other (int64), offsets (n + 1,) into them, and for the texts that are none: index →
        what is wrong (their counts have no meaning).
    """
    data = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64) - 48
    sizes = np.array([len(text) for text in texts], np.int64)
    owner = np.repeat(np.arange(len(texts)), sizes)
    wrong = {int(k): "a character that is not part of a compressed RLE" for k in owner[(data < 0) | (data > 63)]}
    more = (data & 32) > 0
    last = np.cumsum(sizes)[sizes > 0] - 1
    wrong |= {int(owner[k]): "a compressed RLE that breaks off" for k in last[more[last]]}
    more[last] = False
    ends = np.flatnonzero(~more)
    starts = np.concatenate([[0], ends[:-1] + 1])[: len(ends)]
    length = ends - starts + 1
    wrong |= {int(owner[k]): "a number of more than 35 bits" for k in ends[length > _LONGEST]}
    place = np.minimum(np.arange(len(data)) - np.repeat(starts, length), _LONGEST)
    values = np.add.reduceat((data & 31) << (5 * place), starts) if len(starts) else np.zeros(0, np.int64)
    values -= np.where(data[ends] & 16, np.left_shift(1, 5 * np.minimum(length, _LONGEST)), 0)
    of_value = owner[ends]
    offsets = np.searchsorted(of_value, np.arange(len(texts) + 1))
    for k in wrong:
        values[offsets[k] : offsets[k + 1]] = 0
    return _undone(values, offsets), offsets, wrong


def _undone(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The counts, from their differences."""
    start = np.repeat(offsets[:-1], np.diff(offsets))
    index = np.arange(len(values)) - start
    counts = values.copy()
    for first in (1, 2):
        rows = np.flatnonzero((index >= first) & (index % 2 == first % 2))
        total = np.cumsum(values[rows])
        new = index[rows] == first
        before = (total - values[rows])[new]
        counts[rows] = total - np.repeat(before, np.diff(np.append(np.flatnonzero(new), len(rows))))
    return counts


def pack_strings(counts: np.ndarray, offsets: np.ndarray) -> list[bytes]:
    """The compressed strings of counts: the inverse of :func:`unpack_strings`, as pycocotools writes them."""
    counts = counts.astype(np.int64)
    index = np.arange(len(counts)) - np.repeat(offsets[:-1], np.diff(offsets))
    values = counts.copy()
    later = np.flatnonzero(index > 2)
    values[later] -= counts[later - 2]
    characters = np.zeros((len(values), _LONGEST), np.uint8)
    used = np.zeros((len(values), _LONGEST), bool)
    open_ = np.ones(len(values), bool)
    for place in range(_LONGEST):
        bits = values & 31
        values >>= 5
        more = open_ & np.where(bits & 16, values != -1, values != 0)
        characters[:, place] = 48 + bits + 32 * more
        used[:, place] = open_
        open_ = more
    ends = np.concatenate([[0], np.cumsum(used.sum(axis=1))])[offsets]
    text = characters[used].tobytes()
    return [text[start:stop] for start, stop in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


def problems(counts: np.ndarray, offsets: np.ndarray, sizes: np.ndarray) -> dict[int, str]:
    """Masks whose counts cannot be: index → what is wrong.

    Args:
        counts: all counts, int64.
        offsets: (n + 1,) into them.
        sizes: (n, 2) height and width.
    """
    owner = np.repeat(np.arange(len(sizes)), np.diff(offsets))
    low, high = np.zeros(len(sizes), bool), np.zeros(len(sizes), bool)
    low[owner[counts < 0]] = True
    high[owner[counts > LARGEST]] = True
    total = np.zeros(len(sizes), np.int64)
    np.add.at(total, owner, np.clip(counts, 0, LARGEST))
    area = sizes[:, 0].astype(np.int64) * sizes[:, 1].astype(np.int64)
    found = {}
    for k in np.flatnonzero(low | high | (total != area)).tolist():
        if low[k]:
            found[k] = "RLE with a negative count"
        else:
            found[k] = f"RLE counts that sum to {total[k]}, not to {sizes[k, 0]} x {sizes[k, 1]} = {area[k]} pixels"
    return found


def unpack_counts(counts: np.ndarray, offsets: np.ndarray, heights: np.ndarray) -> Runs:
    """The pixels of masks whose counts are right, as upright runs: ``y`` is the column, ``start`` the first row.

    Args:
        counts: all counts, int64.
        offsets: (n + 1,) into them.
        heights: (n,) of the masks' images.
    """
    ends = np.cumsum(counts)
    index = np.arange(len(counts)) - np.repeat(offsets[:-1], np.diff(offsets))
    owner = np.repeat(np.arange(len(heights)), np.diff(offsets))
    before = np.concatenate([[0], ends])[offsets[:-1]]
    ends = ends - before[owner]
    drawn = np.flatnonzero((index % 2 == 1) & (counts > 0))
    owner, stop = owner[drawn], ends[drawn]
    start, height = stop - counts[drawn], heights[owner]
    columns = (stop - 1) // height - start // height + 1
    which = np.repeat(np.arange(len(owner)), columns)
    column = start[which] // height[which] + np.arange(len(which)) - np.repeat(np.cumsum(columns) - columns, columns)
    top = column * height[which]
    first = np.maximum(start[which], top) - top
    return Runs(owner[which], column, first, np.minimum(stop[which] - top, height[which]))


def pack_runs(runs: Runs, count: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts and offsets (as above) of the pixels of ``count`` objects of an image; runs must lie inside it."""
    length = runs.length
    column = np.repeat(runs.start - (np.cumsum(length) - length), length) + np.arange(length.sum())
    owner = np.repeat(runs.object, length)
    key = np.sort(owner * (width * height) + column * height + np.repeat(runs.y, length))
    area = width * height
    owner = key // area
    new = np.flatnonzero((np.diff(key, prepend=-2) != 1) | (np.diff(owner, prepend=-1) != 0))
    start = key[new] % area
    stop = np.append(key[new[1:] - 1], key[-1:])[: len(new)] % area + 1
    owner = owner[new]
    # every object: 0, start, stop, start, stop … area; differences are the counts, a last one of 0 is left out
    edges = np.stack([start, stop], 1).ravel()
    first = np.searchsorted(owner, np.arange(count + 1)) * 2
    sizes = np.diff(first) + 1
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    places = np.arange(len(edges)) + np.repeat(np.arange(count), np.diff(first))
    bounds = np.empty(offsets[-1], np.int64)
    bounds[places] = edges
    bounds[offsets[1:] - 1] = area
    before = np.concatenate([[0], bounds[:-1]])
    before[offsets[:-1]] = 0
    counts = bounds - before
    kept = np.ones(len(counts), bool)
    kept[(offsets[1:] - 1)[(counts[offsets[1:] - 1] == 0) & (sizes > 1)]] = False
    return counts[kept], np.concatenate([[0], np.cumsum(kept)])[offsets]
