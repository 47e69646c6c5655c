"""Test-time augmentation: the mean answer to all views of an image that its task allows.

Views are mirror images and rotations by 90 degrees, in which every pixel falls onto a pixel. Which of them mean the
same is the symmetry of the task (:class:`temj.models.card.Symmetry`): all eight for loops, but of a layered coating
only the left-right mirror image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from temj.models.card import Symmetry


@dataclass(frozen=True, order=True)
class View:
    """A view of an image: mirrored left-right or not, then turned by quarters counter-clockwise.

    Attributes:
        mirrored: whether it is mirrored first.
        quarters: 0 to 3 turns by 90 degrees.
    """

    mirrored: bool = False
    quarters: int = 0

    def of(self, image: np.ndarray) -> np.ndarray:
        """The view of an image (c, h, w), contiguous; (c, w, h) where it is turned by one or three quarters."""
        seen = image[..., ::-1] if self.mirrored else image
        return np.ascontiguousarray(np.rot90(seen, self.quarters, (-2, -1)))

    def back(self, answer: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`of`, as a strided view of the answer (r, h, w)."""
        turned = np.rot90(answer, -self.quarters, (-2, -1))
        return turned[..., ::-1] if self.mirrored else turned

    def then(self, other: View) -> View:
        """The view of this view."""
        # turning by q quarters and then mirroring is mirroring and then turning by -q
        quarters = -self.quarters if other.mirrored else self.quarters
        return View(self.mirrored != other.mirrored, (quarters + other.quarters) % 4)


AS_IT_IS = View()
LEFT_RIGHT, UPSIDE_DOWN, QUARTER = View(True, 0), View(True, 2), View(False, 1)


def views(symmetry: Symmetry) -> tuple[View, ...]:
    """All views that a task allows, the image as it is first: the group made by its mirrors and its quarter turn.

    Quarter turns where rotations of 90 degrees and more are allowed. Two mirrors make a half turn.
    """
    allowed = {LEFT_RIGHT: symmetry.flip_horizontal, UPSIDE_DOWN: symmetry.flip_vertical, QUARTER: False}
    allowed[QUARTER] = symmetry.rotation >= 90
    group = {AS_IT_IS}
    while True:
        more = {one.then(made) for one in group for made, fits in allowed.items() if fits} - group
        if not more:
            return tuple(sorted(group))
        group |= more


def mean_answer(
    image: np.ndarray, chosen: tuple[View, ...], answer: Callable[[np.ndarray, int], np.ndarray]
) -> np.ndarray:
    """The mean of the answers to several views, brought back.

    Args:
        image: float32 (c, h, w), prepared.
        chosen: of :func:`views`.
        answer: (image of a view, its number) -> float32 (r, height, width).

    Returns:
        float32 (r, h, w).
    """
    if len(chosen) == 1:
        return answer(chosen[0].of(image), 0)
    total = chosen[0].back(answer(chosen[0].of(image), 0)).copy()
    for number, view in enumerate(chosen[1:], start=1):
        total += view.back(answer(view.of(image), number))
    total /= len(chosen)
    return total


def told(chosen: tuple[View, ...]) -> str:
    """The note for the user: ``test-time augmentation: mean of 2 views (mirrored left-right)``."""
    if len(chosen) == 1:
        return "test-time augmentation does nothing: the task of this model allows no mirror image and no quarter turn"
    kinds = {
        "mirrored left-right": LEFT_RIGHT in chosen,
        "mirrored upside down": UPSIDE_DOWN in chosen,
        "turned by 90 degrees": QUARTER in chosen,
        "turned by 180 degrees": View(False, 2) in chosen and QUARTER not in chosen,
    }
    words = ", ".join(name for name, there in kinds.items() if there)
    return f"test-time augmentation: mean of {len(chosen)} views ({words})"
