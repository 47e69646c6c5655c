"""Positions in files and in stacks; needs no Java."""

import numpy as np
import pytest

from temj.errors import BadAnnotation
from temj.imagej.feedback import as_keys
from temj.imagej.placing import in_stack


@pytest.mark.parametrize(
    ("position", "dimensions", "expected"),
    [
        ((0, 0, 0), (1, 1, 5), (0, 0, 0)),
        ((1, 1, 1), (1, 1, 1), (0, 0, 0)),
        ((1, 4, 1), (1, 5, 1), (1, 4, 1)),
        ((1, 4, 1), (1, 1, 5), (1, 1, 4)),  # the plane of a plain stack that is a film here
        ((1, 1, 4), (1, 5, 1), (1, 4, 1)),  # a film that is a plain stack here
        ((0, 0, 4), (1, 1, 5), (1, 1, 4)),
        ((1, 7, 1), (2, 3, 4), (1, 1, 2)),  # the seventh plane of a hyperstack
        ((2, 3, 4), (2, 3, 4), (2, 3, 4)),
    ],
)
def test_positions_find_their_plane(position, dimensions, expected):
    assert in_stack(np.array([position]), dimensions, "a.tif").tolist() == [list(expected)]


@pytest.mark.parametrize(
    ("position", "dimensions"), [((1, 9, 1), (1, 5, 1)), ((1, 1, 9), (2, 3, 4)), ((2, 2, 2), (1, 5, 1))]
)
def test_positions_that_the_image_does_not_have_are_refused(position, dimensions):
    with pytest.raises(BadAnnotation, match="1 object elsewhere"):
        in_stack(np.array([(1, 1, 1), position]), dimensions, "a.tif")


def test_messages_name_keys_instead_of_options():
    assert as_keys("Use --pixel-size, or (--to). See 'temj predict --help'. a--b") == (
        "Use pixel_size, or (format). See 'temj predict --help'. a--b"
    )
