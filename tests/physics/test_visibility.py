"""Which share of the variants is seen: the published counts, and an enumeration by rotations of the cube."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.physics import corrected_for_visibility, miller, rel_rod_visibility, visibility
from temj.physics.visibility import burgers_family

KNOWN = [  # crystal, g, Burgers vector, visible, variants
    ("bcc", "110", "a/2<111>", 2, 4), ("bcc", "110", "a<100>", 2, 3),
    ("bcc", "200", "a/2<111>", 4, 4), ("bcc", "200", "a<100>", 1, 3),
    ("bcc", "211", "a/2<111>", 3, 4), ("bcc", "211", "a<100>", 3, 3),
    ("fcc", "111", "a/2<110>", 3, 6), ("fcc", "111", "a/3<111>", 1, 4),
    ("fcc", "200", "a/2<110>", 4, 6), ("fcc", "200", "a/3<111>", 4, 4),
    ("fcc", "220", "a/2<110>", 5, 6), ("fcc", "220", "a/3<111>", 2, 4),
]  # fmt: skip


@pytest.mark.parametrize(("crystal", "g", "burgers", "visible", "variants"), KNOWN)
def test_the_known_shares(crystal, g, burgers, visible, variants) -> None:
    seen = visibility(burgers, g, crystal=crystal)
    assert (seen.visible, seen.variants) == (visible, variants)
    assert seen.share == visible / variants
    assert "equally populated" in seen.in_words()


def cube() -> list[np.ndarray]:
    """The 48 symmetries of the cube as matrices."""
    eye = np.eye(3, dtype=int)
    return [
        np.diag(signs) @ eye[list(order)]
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    ]


indices = st.tuples(*[st.integers(-3, 3)] * 3).filter(any)


@given(indices, indices, st.sampled_from([1, 2, 3, 6]), st.integers(0, 47))
def test_enumeration_by_the_rotations_of_the_cube(g, direction, below, turn) -> None:
    text = f"a/{below}<{','.join(map(str, direction))}>"
    variants = {max(tuple(row), tuple(-row)) for row in (np.array(direction) @ matrix for matrix in cube())}
    shown = sum(3 * abs(np.dot(g, variant)) > below for variant in variants)  # |g·b| > 1/3 in whole numbers
    seen = visibility(text, g)
    assert (seen.visible, seen.variants) == (shown, len(variants))
    turned = tuple(int(index) for index in np.array(g) @ cube()[turn])
    assert visibility(text, turned).visible == seen.visible


def test_one_third_can_be_taken_as_visible() -> None:
    assert visibility("1/3<111>", "111", limit=0.3).visible == 4
    assert visibility("1/3<111>", "111", limit=0).visible == 4
    assert visibility("a/2<111>", "110", limit=0).visible == 2
    with pytest.raises(BadValue, match="0 or more"):
        visibility("a<100>", "110", limit=-1)
    with pytest.raises(BadValue, match="0 or more"):
        visibility("a<100>", "110", limit=float("nan"))


def test_rel_rods() -> None:
    assert rel_rod_visibility("a/3<111>").share == 1 / 4
    with pytest.raises(BadValue, match="faulted loops"):
        rel_rod_visibility("a/2<110>")


def test_corrected_numbers() -> None:
    seen = visibility("a/3<111>", "111")
    np.testing.assert_allclose(corrected_for_visibility(np.array([1e21, 0.0]), seen), [4e21, 0])
    assert corrected_for_visibility(5e20, None) == 5e20
    none = visibility("a<100>", "110", limit=9)
    assert none.visible == 0
    assert np.isnan(corrected_for_visibility(3.0, none))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("200", (2, 0, 0)), ("0-11", (0, -1, 1)), ("1,1,0", (1, 1, 0)), ("g = [1 -1 0]", (1, -1, 0)),
        ("(01\u03041)", (0, -1, 1)), ("\N{MINUS SIGN}110", (-1, 1, 0)), ("10, 0, -2", (10, 0, -2)),
        ("g=011", (0, 1, 1)),
    ],
)  # fmt: skip
def test_indices_as_people_write_them(text, found) -> None:
    assert miller(text) == found


@pytest.mark.parametrize("text", ["", "20", "2000", "11-20", "abc", "0 0 0", "1.5,1,0", "2a0", "1-1", "not given"])
def test_indices_that_are_none(text) -> None:
    with pytest.raises(BadValue, match="three Miller indices"):
        miller(text)


@given(indices)
def test_indices_are_read_as_written(g) -> None:
    assert miller("".join(map(str, g))) == g
    assert miller(" ".join(map(str, g))) == g


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1/2<111>", "a/2<111>"), ("½[1-11]", "a/2<111>"), ("a0/2<110>", "a/2<110>"), ("<001>", "a<100>"),
        ("1/6 <211>", "a/6<112>"), ("2/3<111>", "2a/3<111>"), ("2/4<111>", "a/2<111>"),
    ],
)  # fmt: skip
def test_burgers_vectors_as_people_write_them(text, name) -> None:
    assert burgers_family(text).burgers == name


@pytest.mark.parametrize("text", ["", "111", "a/0<111>", "loops", "a/3<11-20>"])
def test_burgers_vectors_that_are_none(text) -> None:
    with pytest.raises(BadValue):
        burgers_family(text)


def test_a_g_that_is_no_reflection_or_crystal_is_refused() -> None:
    with pytest.raises(BadValue, match="all odd or all even"):
        visibility("a/2<110>", "110", crystal="fcc")
    with pytest.raises(BadValue, match="even sum"):
        visibility("a<100>", "111", crystal="bcc")
    with pytest.raises(BadValue, match="cubic crystals only"):
        visibility("a<100>", "111", crystal="hcp")
