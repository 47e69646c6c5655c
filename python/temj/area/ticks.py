"""Scale bars that are drawn as a row of tick marks (Hitachi's are)."""

from __future__ import annotations

import numpy as np

from temj.opencv import opencv

FEWEST = 9
"""Ticks from which on a row of them is a scale."""
HIGHEST = 0.04
"""Height of a tick as a share of the image's height; at least 2 pixels."""
UNEVEN = 0.12
"""Largest deviation of a spacing from their median."""
MOST = 2000
"""Small marks above which they are the texture of the image."""
CONTRAST = (45, 110)
"""Least step in grey (of 255) from a tick to its ground; the second where the ground is noisy."""

SHADE, ALIKE, PURE = 30, 0.8, 0.5
"""Ticks are drawn in one grey value: the middles of so many of them (share) are so near to their median (of 255),
and so is the third share of the pixels along the ticks."""


def tick_rows(grey: np.ndarray) -> tuple[tuple[int, int, int, int], ...]:
    """(top, bottom, left, right) of the rows of evenly spaced, equal ticks in an 8-bit image (h, w)."""
    cv2 = opencv()
    height, width = grey.shape
    line = np.ones((1, max(5, int(0.02 * width) | 1)), np.uint8)
    found = []
    hats = [cv2.morphologyEx(grey, kind, line) for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)]
    for hat in ((hat >= least).astype(np.uint8) for least in CONTRAST for hat in hats):
        _count, _labels, stats, _centres = cv2.connectedComponentsWithStats(hat, connectivity=8)
        x, y, w, h, area = stats[1:].T
        small = (w <= max(4, 0.012 * width)) & (h >= 2) & (h <= max(4, HIGHEST * height)) & (area >= 0.5 * w * h)
        if np.count_nonzero(small) > MOST:
            continue
        for ends in (y, y + h):  # long and short ticks share their upper or their lower end
            ticks = np.stack([values[small] for values in (x, y, w, h)])
            found += [
                _box(ticks[:, row])
                for row in _rows(ticks[0], ticks[2], ticks[3], ends[small])
                if _of_one_grey(grey, ticks[:, row])
            ]
    return tuple(dict.fromkeys(found))


def _of_one_grey(grey: np.ndarray, ticks: np.ndarray) -> bool:
    """Whether ticks (x, y, w, h; each of shape (n,)) have one grey value along their middles; noise has many."""
    inks = [grey[y : y + h, x + w // 2].astype(np.float32) for x, y, w, h in ticks.T]
    greys, pixels = np.array([np.median(ink) for ink in inks]), np.concatenate(inks)
    alike, near = (np.mean(np.abs(values - np.median(values)) <= SHADE) for values in (greys, pixels))
    return bool(alike >= ALIKE and near >= PURE)


def _box(ticks: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of ticks as in :func:`_of_one_grey`."""
    x, y, w, h = ticks
    return int(y.min()), int((y + h).max()), int(x.min()), int((x + w).max())


def _rows(x: np.ndarray, w: np.ndarray, h: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """Indices of the even rows among ticks whose ends lie within a pixel of a line."""
    found = []
    for line in np.flatnonzero(np.bincount(ends) >= FEWEST // 2) if len(ends) else ():
        near = np.flatnonzero(np.abs(ends - line) <= 1)
        if len(near) >= FEWEST:  # grains of noise that stand on the same line are lower
            near = near[h[near] >= 0.6 * np.sort(h[near])[-FEWEST]]
        near = near[np.argsort(x[near], kind="stable")]
        for run in _even(x[near] + w[near] / 2):
            own = near[run]
            if np.ptp(w[own]) <= 3:
                found.append(own)
    return found


def _even(middles: np.ndarray) -> list[np.ndarray]:
    """Indices of the runs of at least :data:`FEWEST` neighbours at equal distances of at least 4 pixels.

    One or two may be missing, where a bright object hides them; nothing else may stand between them.
    """
    runs, start = [], 0
    while start < len(middles) - 1:
        gap, stop, missing = middles[start + 1] - middles[start], start + 1, 0
        while stop < len(middles) and gap >= 4:
            steps = (middles[stop] - middles[stop - 1]) / gap
            whole = max(1, round(steps))
            missing += whole - 1
            if missing > 2 or abs(steps - whole) * gap > max(1.0, UNEVEN * gap):
                break
            stop += 1
            gap = np.median(np.diff(middles[start:stop]))
        if stop - start >= FEWEST:
            runs.append(np.arange(start, stop))
        start = max(stop - 1, start + 1)
    return runs
