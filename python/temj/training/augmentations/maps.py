"""Where the pixels of a crop come from, as one map for image, masks and boxes. NumPy and OpenCV.

Points are (x, y) in continuous pixel coordinates (pixel (0, 0) covers [0, 1)). A crop of (height, width) shows at its
point p the image's point::

    centre + matrix @ (p + shift(p) - (width, height) / 2)

The matrix is flips, rotation and zoom; the shift is elastic deformation and folding, in pixels of the crop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.geometry.rotated import corners
from temj.opencv import opencv

cv2 = opencv()

_ROUNDS = 12


@dataclass(frozen=True)
class Map:
    """A part of the way from crop to image, or all of it.

    Attributes:
        matrix: (2, 2).
        shift: (height, width, 2) float32 at the middles of the crop's pixels; None for none.
    """

    matrix: np.ndarray
    shift: np.ndarray | None = None

    def after(self, other: Map) -> Map:
        """Both: ``other`` nearer to the crop; shifts add up."""
        shifts = [shift for shift in (self.shift, other.shift) if shift is not None]
        return Map(self.matrix @ other.matrix, sum(shifts) if shifts else None)


IDENTITY = Map(np.eye(2))


@dataclass(frozen=True)
class Place:
    """A map with the place in the image that it looks at.

    Attributes:
        map: flips, rotation, zoom and shifts together.
        centre: (x, y) of the image that the middle of the crop shows.
        shape: (height, width) of the crop.
    """

    map: Map
    centre: np.ndarray
    shape: tuple[int, int]

    @property
    def zoom(self) -> float:
        """How many times larger things are in the crop."""
        return 1 / float(np.sqrt(abs(np.linalg.det(self.map.matrix))))

    def sample(self, planes: np.ndarray, exactly: bool) -> np.ndarray:
        """The crop of planes (c, h, w); what lies outside is the mirrored image.

        ``exactly`` takes the nearest pixel (masks); else Lanczos interpolation, since linear interpolation would blur
        the noise, and a network that never saw the full noise is shy of it.
        """
        interpolation = cv2.INTER_NEAREST if exactly else cv2.INTER_LANCZOS4
        # Zooming out by sampling single pixels would keep all noise, which a camera's larger pixel averages.
        # The blur has the variance of a box as wide as the larger pixel.
        blur = 0.0 if exactly else np.sqrt(max(1 / self.zoom**2 - 1, 0) / 12)
        affine = self._affine()
        places = None if self.map.shift is None else self._places(affine)
        window, low = self._window(planes.shape[1:], affine)
        taken = []
        for plane in planes:
            part = _smooth(plane[window], blur)
            if places is None:
                moved = affine - np.column_stack([np.zeros((2, 2)), low])
                flags = interpolation | cv2.WARP_INVERSE_MAP
                crop = cv2.warpAffine(part, moved, self.shape[::-1], flags=flags, borderMode=cv2.BORDER_REFLECT_101)
            else:
                crop = cv2.remap(part, places - low, None, interpolation, borderMode=cv2.BORDER_REFLECT_101)
            taken.append(crop)
        return stacked(taken)

    def _affine(self) -> np.ndarray:
        """(2, 3): indices of a pixel of the crop → of the image, without the shift."""
        middle = np.array(self.shape[::-1]) / 2
        matrix = self.map.matrix
        return np.column_stack([matrix, np.array(self.centre) - 0.5 - matrix @ (middle - 0.5)])

    def _places(self, affine: np.ndarray) -> np.ndarray:
        """(height, width, 2) float32: where each pixel of the crop comes from, as indices."""
        height, width = self.shape
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        x, y = x + self.map.shift[..., 0], y + self.map.shift[..., 1]
        (a, b, c), (d, e, f) = affine.astype(np.float32)
        places = np.empty((height, width, 2), np.float32)
        places[..., 0], places[..., 1] = a * x + b * y + c, d * x + e * y + f
        return places

    def _window(self, shape: tuple[int, int], affine: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
        """The part of the image that the crop sees, with a margin, and its first (x, y)."""
        shift = self.map.shift
        right, bottom = self.shape[1] - 1.0, self.shape[0] - 1.0
        seen = (affine @ np.array([[0, right, 0, right], [0, 0, bottom, bottom], [1, 1, 1, 1]])).T
        margin = 8 + (0 if shift is None else 2 * float(np.abs(shift).max()) / self.zoom)
        limits = np.array(shape[::-1])
        low = np.clip(np.floor(seen.min(0) - margin), 0, limits - 2).astype(int)
        high = np.clip(np.ceil(seen.max(0) + margin) + 1, low + 2, limits).astype(int)
        return (slice(low[1], high[1]), slice(low[0], high[0])), low.astype(np.float32)

    def move(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 2) of the image → where the crop shows them (n, 2).

        A shift has no inverse in closed form: it is found by repetition, to 0.01 pixels for shifts whose strain stays
        below one half, as those of this package do (OpenCV looks shifts up in steps of 1/32 pixel).
        """
        straight = (points - self.centre) @ np.linalg.inv(self.map.matrix).T + np.array(self.shape[::-1]) / 2
        moved = straight
        for _ in range(_ROUNDS if self.map.shift is not None and len(points) else 0):
            moved = straight - self._shift_at(moved)
        return moved

    def _shift_at(self, points: np.ndarray) -> np.ndarray:
        places = (points - 0.5).astype(np.float32)[None]
        return cv2.remap(self.map.shift, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]

    def move_boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (n, 4) x1, y1, x2, y2 → the boxes around what they become."""
        x1, y1, x2, y2 = boxes.T
        part = np.array([0, 0.25, 0.5, 0.75]) if self.map.shift is not None else np.zeros(1)
        xs = np.concatenate([np.multiply.outer(part, b - a) + a for a, b in ((x1, x2), (x2, x2), (x2, x1), (x1, x1))])
        ys = np.concatenate([np.multiply.outer(part, b - a) + a for a, b in ((y1, y1), (y1, y2), (y2, y2), (y2, y1))])
        moved = self.move(np.stack([xs, ys], -1).reshape(-1, 2)).reshape(*xs.shape, 2)
        return np.concatenate([moved.min(0), moved.max(0)], axis=1)

    def move_rotated(self, boxes: np.ndarray) -> np.ndarray:
        """Rotated boxes (n, 5) cx, cy, length, width, angle (degrees, counter-clockwise on the screen) → moved.

        Flips, rotation and zoom are exact; of a bent box the rectangle with its mean sides is taken.
        """
        moved = self.move(corners(boxes).reshape(-1, 2)).reshape(-1, 4, 2)
        along = (moved[:, 1] - moved[:, 0] + moved[:, 2] - moved[:, 3]) / 2
        across = (moved[:, 3] - moved[:, 0] + moved[:, 2] - moved[:, 1]) / 2
        angle = np.rad2deg(np.arctan2(-along[:, 1], along[:, 0])) % 180
        sides = np.hypot(*along.T), np.hypot(*across.T)
        return np.column_stack([moved.mean(1), *sides, np.where(angle > 180 - 1e-9, 0, angle)])


def stacked(planes: list[np.ndarray]) -> np.ndarray:
    """Planes (h, w) as (c, h, w); a single one is not copied."""
    return planes[0][None] if len(planes) == 1 else np.stack(planes)


def _smooth(plane: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), sigma) if sigma > 0.2 else plane
