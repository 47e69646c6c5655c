"""Burnt-in scale bars: level rectangles of one grey value with sharp, straight edges along the image's own axes.

A bar is drawn, so within it there is neither noise nor shade, and its edges are straight to a pixel. Specimen has
noise, soft or crooked edges, or lies at an angle. All limits are shares of the image or of the 255 grey values of
:attr:`Scene.grey`; they were chosen on 190 published micrographs with bars of all kinds (black, white, grey; 1 to 30
pixels high) and on micrographs without bars.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from temj.area.medians import median, medians
from temj.area.scene import Scene
from temj.area.ticks import tick_rows
from temj.opencv import opencv

SHORTEST, LONGEST = 0.035, 0.62
"""Length of a bar as a share of the image's width."""
SHORT = 0.05
"""A bar shorter than this is black or white (within 15 of 255)."""
HIGHEST = 0.06
"""Height of a bar as a share of the image's height."""
SLENDER, STOUT = 3.0, 2.2
"""A bar is at least so many times as long as high; the second holds for pure black or white without any shade."""
CONTRAST = 25
"""Least step in grey (of 255) from a bar to what is above and below it: a tenth of the range."""
UNEVEN = 12
"""Largest difference of grey (of 255) along a bar, in 95 % of its columns; JPEG makes up to 10."""
MARGIN = 3
"""Pixels around a bar that are taken too: the blur of enlarged pictures and JPEG's ringing."""
QUIET, _LEAST_GRAIN, _THIN_GRAIN = 0.6, 1.0, 4.8
"""The noise within a bar is at most this share of that around it: none was drawn. Noise of 1 grey value is not told
from that of JPEG; in a bar of 1 or 2 pixels not that of 4.8."""
PLACE = 0.15
"""Largest distance from the upper or lower edge, as a share of the height; elsewhere a bar has to be flat and sharp."""
FLAT = 4
"""Largest difference of grey (of 255) within 90 % of a bar that stands far inside the image."""
SQUARE = 0.75
"""A bar of at least 4 pixels is as thick at its ends as in its middle, to this share; an ellipse is not."""
TILT = 0.02
"""Slope of a bar in a picture that was scanned a little askew (1.1 degrees)."""
_LEVELS = (25, 70, 150)
_BLUR = 2


@dataclass(frozen=True)
class Bar:
    """A rectangle in the pixels of :attr:`Scene.grey`; ``level`` is its grey value, ``bright`` whether above its
    surroundings."""

    x: int
    y: int
    width: int
    height: int
    level: float
    bright: bool

    def grown(self, margin: int) -> tuple[slice, slice]:
        """Rows and columns of the rectangle with a margin."""
        rows = slice(max(0, self.y - margin), self.y + self.height + margin)
        return rows, slice(max(0, self.x - margin), self.x + self.width + margin)


def find(scene: Scene) -> np.ndarray:
    """(h, w) bool: the scale bars of a micrograph, with :data:`MARGIN` around them."""
    rectangles = [(bar.y, bar.y + bar.height, bar.x, bar.x + bar.width) for bar in scene.bars]
    return scene.rectangles([*rectangles, *tick_rows(scene.grey)], MARGIN)


def bars(grey: np.ndarray) -> tuple[Bar, ...]:
    """The bars in an 8-bit image (h, w); of several nested rectangles the one that stands out most."""
    found = _separate(grey, itertools.product((True, False), repeat=2))
    if found:
        return found
    cv2 = opencv()
    column = np.ones((5, 1), np.uint8)
    # an outlined bar, filled: of bright lines and of dark ones
    for bright, kind in ((True, cv2.MORPH_CLOSE), (False, cv2.MORPH_OPEN)):
        outlined = _separate(cv2.morphologyEx(grey, kind, column), [(bright, False)])
        outlined = [bar for bar in outlined if bar.height >= 4 and bar.width >= 0.06 * grey.shape[1]]
        found += tuple(bar for bar in outlined if _in_place(len(grey), bar.y, bar.height))
    return found


def _separate(grey: np.ndarray, passes: Iterable[tuple[bool, bool]]) -> tuple[Bar, ...]:
    """Bars that do not lie in each other, the largest first; ``passes`` as in :func:`_candidates`."""
    found: list[Bar] = []
    taken = np.zeros(grey.shape, bool)
    for bar in sorted(_candidates(grey, passes), key=lambda bar: -bar.width * bar.height):
        whole = _extended(bar, grey) if taken[bar.grown(0)].mean() < 0.5 else None
        if whole is not None:
            found.append(whole)
            taken[whole.grown(MARGIN)] = True
    return tuple(found)


def _candidates(grey: np.ndarray, passes: Iterable[tuple[bool, bool]]) -> Iterator[Bar]:
    """Rectangles that are brighter or darker than what is above and below them, and drawn.

    Args:
        grey: 8-bit (h, w).
        passes: (whether bright ones, whether those that the lower frame cuts off), what is looked for.
    """
    cv2 = opencv()
    height, width = grey.shape
    column = np.ones((max(5, int(2 * HIGHEST * height) | 1), 1), np.uint8)
    row = np.ones((1, max(8, int(SHORTEST * width))), np.uint8)
    reach = len(column)
    padded = cv2.copyMakeBorder(grey, reach, reach, 0, 0, cv2.BORDER_REPLICATE)
    for bright, cut_off in passes:
        kind = cv2.MORPH_TOPHAT if bright else cv2.MORPH_BLACKHAT
        # where the image goes on beyond its frame a bar at the frame vanishes; where it does not, the gap below a bar
        # with a shadow looks like one
        hat = cv2.morphologyEx(grey[-2 * reach :] if cut_off else padded, kind, column)
        top = max(0, height - reach) if cut_off else 0
        hat = hat[-(height - top) :] if cut_off else hat[reach:-reach]
        shown = grey if bright else 255 - grey
        for level in _LEVELS:
            high = cv2.morphologyEx((hat >= level).astype(np.uint8), cv2.MORPH_OPEN, row)
            left, upper, across, down = cv2.boundingRect(high)
            part = high[upper : upper + down, left : left + across]
            if not part.size:
                break  # nothing above a higher level either
            _count, _labels, stats, _centres = cv2.connectedComponentsWithStats(part, connectivity=4)
            x, y, w, h, area = stats[1:].T
            x, y = x + left, y + upper + top
            fits = (w >= STOUT * h) & (h <= HIGHEST * height + 1) & (w <= LONGEST * width)
            fits &= (w >= SHORTEST * width) & (w >= 8) & (area >= 0.65 * w * h) & (y > 0)
            fits &= (h > 2) | (w >= 0.06 * width)
            for index in np.flatnonzero(fits):
                bar = _drawn(shown, int(x[index]), int(y[index]), int(w[index]), int(h[index]))
                if bar is not None:
                    yield Bar(*bar[:4], bar[4] if bright else 255 - bar[4], bright)


def _drawn(shown: np.ndarray, x: int, y: int, w: int, h: int) -> tuple[int, int, int, int, float] | None:
    """x, y, width, height and level of a rectangle if it is a bar, brighter than its surroundings in ``shown``."""
    y, h = _core(medians(shown[max(0, y - 4) : y + h + 4, x : x + w], 1), y)
    x, w = _core(medians(shown[y : y + h, max(0, x - 4) : x + w + 4], 0), x)
    if w < STOUT * h or w < max(8, SHORTEST * shown.shape[1]):
        return None
    rim = 1 if h > 3 else 0
    inside = shown[y + rim : y + h - rim, x + 2 : x + w - 2]
    level = median(inside)
    uneven = float(np.percentile(np.abs(medians(inside, 0) - level), 95))
    if uneven > (UNEVEN if h > 2 or w >= 0.15 * shown.shape[1] else UNEVEN * 2 / 3):
        return None
    step = max(CONTRAST, 3 * float(np.percentile(np.abs(inside.astype(np.float32) - level), 60)))
    sides = _sides(shown, x, y, w, h, level - step)
    if not _stands_out(sides, shown.shape, y, w, h, level, uneven) or not _straight(shown, x, y, w, h, level):
        return None
    around = _grain(shown[max(0, y - 20) : y + h + 20, max(0, x - 15) : x + w + 15])
    grain = _grain(shown[y + h // 3 : y + max(h // 3 + 1, h - h // 3), x + 2 : x + w - 2])
    if grain > max(_LEAST_GRAIN if h > 2 else _THIN_GRAIN, QUIET * around):
        return None
    if not _in_place(len(shown), y, h) and not (_flat(shown, x, y, w, h) and _sharp(shown, x, y, w, h)):
        return None
    return x, y, w, h, level


def _in_place(height: int, y: int, h: int) -> bool:
    """Whether rows are near the upper or the lower edge of the image."""
    return min(y, height - y - h) <= PLACE * height


def _flat(shown: np.ndarray, x: int, y: int, w: int, h: int) -> bool:
    """Whether a rectangle without its rim has one grey value."""
    rim = max(int(h > 2), h // 4)
    inside = shown[y + rim : y + h - rim, x + 3 : x + w - 3].astype(np.float32)
    return float(np.percentile(np.abs(inside - np.median(inside)), 90)) <= FLAT


def _sharp(shown: np.ndarray, x: int, y: int, w: int, h: int) -> bool:
    """Whether at most 2 pixels of each edge are between bar and ground (15 to 85 % of the step)."""
    across = np.median(shown[max(0, y - 4) : y + h + 4, x + 2 : x + w - 2], axis=1)
    along = np.median(shown[y : y + h, max(0, x - 4) : x + w + 4], axis=0)
    row, column = min(y, 4) + h // 2, min(x, 4) + w // 2
    for profile in (across[row::-1], across[row:], along[column::-1], along[column:]):
        level, ground = float(profile[0]), float(profile[-3:].min())
        share = (profile.astype(np.float32) - ground) / max(level - ground, 1.0)
        if np.argmax(share <= 0.15) - np.argmax(share < 0.85) > _BLUR:
            return False
    return True


def _grain(grey: np.ndarray) -> float:
    """The median step in grey from a pixel to the next in its row: the noise."""
    return median(np.abs(np.diff(grey.astype(np.int16), axis=1))) if grey.shape[1] > 1 else 0.0


def _extended(bar: Bar, grey: np.ndarray) -> Bar | None:
    """A bar with what lies on both its sides at the same grey: where its ground is as dark as it is.

    None where that is longer than any bar: a line across the image, such as a gap between particles.
    """
    rows = grey[bar.y : bar.y + bar.height].astype(np.int16)
    alike = np.abs(np.median(rows, axis=0) - bar.level) <= UNEVEN
    others = np.flatnonzero(~alike)
    left = int(others[others < bar.x + 2].max(initial=-1)) + 1
    right = int(others[others >= bar.x + bar.width - 2].min(initial=len(alike)))
    if right - left > LONGEST * grey.shape[1]:
        return None
    left, right = min(left, bar.x), max(right, bar.x + bar.width)
    return replace(bar, x=left, width=right - left)


def _core(profile: np.ndarray, start: int) -> tuple[int, int]:
    """First place and length of the brightest stretch of a profile that begins 4 places before ``start``."""
    peak, top = int(profile.argmax()), profile.max()
    ends = np.flatnonzero(profile < top - 0.4 * (top - profile.min()))
    behind = int(ends.searchsorted(peak))
    first = int(ends[behind - 1]) + 1 if behind else 0
    last = int(ends[behind]) if behind < len(ends) else len(profile)
    return max(0, start - 4) + first, last - first


def _sides(shown: np.ndarray, x: int, y: int, w: int, h: int, below: float) -> tuple[float, ...]:
    """Share of the pixels above, below, left and right of a rectangle that are at most ``below``; 1 at the frame."""
    height, width = shown.shape
    lines = (
        shown[y - 1 - _BLUR, x + 1 : x + w - 1] if y > _BLUR else shown[:0, 0],
        shown[y + h + _BLUR, x + 1 : x + w - 1] if y + h + _BLUR < height else shown[:0, 0],
        shown[y : y + h, x - 1 - _BLUR] if x > _BLUR else shown[:0, 0],
        shown[y : y + h, x + w + _BLUR] if x + w + _BLUR < width else shown[:0, 0],
    )
    return tuple(float(np.mean(line <= below)) if line.size else 1.0 for line in lines)


def _stands_out(
    sides: tuple[float, ...], shape: tuple[int, int], y: int, w: int, h: int, level: float, uneven: float
) -> bool:
    """Whether a rectangle is apart from what is on its sides (:func:`_sides`), as a bar of its size is."""
    above, under, left, right = sides
    height, width = shape
    if min(above, under) < 0.7:
        return False
    if w < SLENDER * h and (level < 250 or uneven > 2 or min(sides) < 0.9):
        return False
    if w < SHORT * width and level < 240:
        return False
    ends = (left >= 0.5) + (right >= 0.5)
    at_frame = y + h + _BLUR >= height or y <= _BLUR
    thin = h <= 2
    if at_frame:  # the edge of a picture in a figure looks like a bar that is cut off
        long = h >= 2 and w >= 0.15 * width
        return ends == 2 and (long or (uneven <= 4 and h >= 3 and w >= 0.05 * width))
    if thin:
        return ends == 2 and w >= 0.06 * width
    return ends == 2 or (level >= 245 and uneven <= 6 and w >= 0.08 * width)


def _straight(shown: np.ndarray, x: int, y: int, w: int, h: int, level: float) -> bool:
    """Whether the four edges run along rows and columns to a pixel (at the middle between inside and outside)."""
    height, reach = len(shown), 4
    window = shown[max(0, y - reach) : y + h + reach, max(0, x - reach) : x + w + reach].astype(np.float32)
    top, left = y - max(0, y - reach), x - max(0, x - reach)
    above, under = y - 1 - _BLUR, y + h + _BLUR
    outer = [
        float(np.median(shown[row, x : x + w])) if 0 <= row < height else level - CONTRAST for row in (above, under)
    ]
    middle, columns = top + h // 2, slice(left, left + w)
    halves = window[middle::-1, columns], window[middle:, columns]

    def level_edges(grounds: Sequence[float]) -> bool:
        ways = [_first(half > (level + ground) / 2) for half, ground in zip(halves, grounds, strict=True)]
        straight = all(np.mean(np.abs(_levelled(way)) <= 1) >= 0.9 for way in ways)
        return straight and _as_thick_at_its_ends(ways[0] + ways[1] - 1)

    if not level_edges(outer) and not level_edges([np.mean(outer)] * 2):
        return False
    rows, half = window[top : top + h] > (level + np.mean(outer)) / 2, left + w // 2
    ends = [_first(rows[:, half::-1].T), _first(rows[:, half:].T)]
    return all(np.mean(np.abs(way - np.median(way)) <= 1.5) >= 0.5 for way in ends)


def _as_thick_at_its_ends(thickness: np.ndarray) -> bool:
    usual, part = float(np.median(thickness)), max(2, round(0.08 * len(thickness)))
    ends = thickness[1 : 1 + part], thickness[-1 - part : -1]
    return usual < 4 or all(end.mean() >= SQUARE * usual for end in ends)


def _levelled(way: np.ndarray) -> np.ndarray:
    """Distance of an edge from the straight line through it, which may be tilted by :data:`TILT`."""
    along = np.arange(len(way)) - (len(way) - 1) / 2
    middle = np.median(way)
    plain = np.clip(way - middle, -3 - TILT * len(way), 3 + TILT * len(way))
    slope = float(np.clip((plain * along).sum() / max(float((along**2).sum()), 1.0), -TILT, TILT))
    level, tilted = way - middle, way - slope * along
    tilted = tilted - np.median(tilted)
    return min(level, tilted, key=lambda distance: float(np.mean(np.abs(distance) > 1)))


def _first(high: np.ndarray) -> np.ndarray:
    """For each column, after how many rows it is low for the first time."""
    low = ~high
    return np.where(low.any(axis=0), low.argmax(axis=0), len(low))
