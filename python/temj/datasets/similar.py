"""Images of a dataset that show the same: equal, or equal but for brightness, bit depth, noise, size and turning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from temj.datasets.folder import Item
from temj.datasets.problems import Problem, listed
from temj.opencv import opencv

SIDE = 48
"""Pixels along the side of a fingerprint."""
_BROAD = 6.0
"""Standard deviation of the Gaussian in pixels of a fingerprint whose result, uneven brightness, is taken away."""
_ALIKE = 0.9
_ROWS = 512
_ADVICE = "What is learned by heart would count as found: put them into one part of the split, or leave one out."


def fingerprint(pixels: np.ndarray) -> np.ndarray | None:
    """What an image shows, in few numbers: reduced, without uneven brightness, mean 0, length 1.

    Args:
        pixels: (height, width) of any type; what is not finite counts as the mean.

    Returns:
        (SIDE, SIDE) float32; None where nothing is left.
    """
    cv2 = opencv()
    grey = pixels.astype(np.float32)
    if pixels.dtype.kind == "f":
        good = np.isfinite(grey)
        if not good.any():
            return None
        grey = np.where(good, np.clip(grey, -1e30, 1e30), np.clip(grey[good], -1e30, 1e30).mean(dtype=float))
        grey = (grey / max(float(np.abs(grey).max()), 1e-30)).astype(np.float32)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    fine = small - cv2.GaussianBlur(small, (0, 0), _BROAD, borderType=cv2.BORDER_REFLECT)
    fine -= fine.mean()
    length = float(np.linalg.norm(fine))
    # Where all has one brightness what is left is rounding.
    return fine / length if length > 1e-4 * float(np.abs(small).max()) + 1e-30 else None


def of_contents(contents: Mapping[str, Sequence[Item]]) -> Iterator[Problem]:
    """Images with the same pixels (hash → items)."""
    for items in contents.values():
        if len(items) < 2:
            continue
        parts = {item.part for item in items} - {""}
        names = listed([f"{item.image.name} ({item.part or 'not used'})" for item in items])
        if len(parts) > 1:
            what = f"the same picture is in several parts of the split: {names}"
            yield Problem("warning", "same/parts", "images", what, _ADVICE)
        else:
            what = f"the same picture is there {len(items)} times: {names}"
            yield Problem("warning", "same/twice", "images", what, "Leave one of them; others count double.")


def of_likeness(prints: Sequence[tuple[Item, str, np.ndarray]]) -> Iterator[Problem]:
    """Images in different parts of the split that show the same place though their pixels differ, turned or mirrored
    too; for each image of a smaller part the one that is most like it.

    Args:
        prints: item, hash of its pixels, fingerprint.
    """
    used = [entry for entry in prints if entry[0].part]
    if len({item.part for item, _, _ in used}) < 2:
        return
    parts, hashes = np.array([item.part for item, _, _ in used]), np.array([text for _, text, _ in used])
    shown = np.stack([fingerprint for *_, fingerprint in used])
    best, partner = np.full(len(used), -1.0), np.zeros(len(used), int)
    for turned in _turns(shown):
        flat = turned.reshape(len(used), -1)
        for first in range(0, len(used), _ROWS):
            rows = slice(first, first + _ROWS)
            likeness = shown[rows].reshape(-1, flat.shape[1]) @ flat.T
            # Equal pixels are told of elsewhere.
            likeness[(parts[rows, None] == parts) | (hashes[rows, None] == hashes)] = -1.0
            nearest = likeness.argmax(axis=1)
            height = likeness[np.arange(len(nearest)), nearest]
            better = height > best[rows]
            best[rows][better], partner[rows][better] = height[better], nearest[better]
    told: set[frozenset[int]] = set()
    order = {"validation": 0, "test": 1, "train": 2}
    for index in sorted(np.flatnonzero(best >= _ALIKE), key=lambda index: order[parts[index]]):
        pair = frozenset((int(index), int(partner[index])))
        if pair not in told:
            told.add(pair)
            names = " and ".join(f"{used[k][0].image.name} ({parts[k]})" for k in (index, partner[index]))
            what = f"the same place is in two parts of the split: {names} are alike (correlation {best[index]:.2f})"
            yield Problem("warning", "same/alike", "images", what, _ADVICE)


def _turns(shown: np.ndarray) -> Iterator[np.ndarray]:
    """Fingerprints (n, side, side) in all eight orientations."""
    for quarter in range(4):
        turned = np.rot90(shown, quarter, axes=(1, 2))
        yield turned
        yield turned[:, :, ::-1]
