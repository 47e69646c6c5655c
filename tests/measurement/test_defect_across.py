"""Profiles across outlined objects: their edges in the unit of the image, also with pixels that are not square."""

import numpy as np
import pytest

from temj.data import Calibration, Film, Instances, Micrograph, RoiType, Shape
from temj.measurement.defect.across import EDGE_COLUMNS, edge_profiles
from temj.plots.profiles import profile_figure

RADIUS, WIDTH = 16.0, 2.0


def ring(aspect: float = 1.0, sign: int = -1) -> np.ndarray:
    """A ring of radius 16 in pixels of the mean side; pixels are ``aspect`` times wider than high."""
    side = np.sqrt(aspect)
    y, x = np.mgrid[:90, :90] + 0.5
    distance = np.hypot((x - 45) * side, (y - 45) / side) - RADIUS
    return (120 + sign * 60 * np.exp(-0.5 * (distance / WIDTH) ** 2)).astype(np.float32)


def oval(radius: float, aspect: float = 1.0) -> Shape:
    side = np.sqrt(aspect)
    w, h = radius / side, radius * side
    return Shape(RoiType.ELLIPSE, params=(45, 45 - h, 45, 45 + h, w / h) if h > w else (45 - w, 45, 45 + w, 45, h / w))


def profiles(micrograph: Micrograph, *shapes: Shape, edge: dict | None = None) -> dict:
    instances = Instances.of(shapes, class_name="loop")
    return edge_profiles(micrograph, instances, edge or {}, [f"r{k}" for k in range(len(shapes))])


@pytest.mark.parametrize("aspect", [1.0, 1.3])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_edges_of_a_ring_are_where_they_were_drawn(aspect: float, sign: int) -> None:
    side = 0.4  # nm
    calibration = Calibration(side * np.sqrt(aspect), side / np.sqrt(aspect), "nm")
    found = profiles(Micrograph(ring(aspect, sign), calibration), oval(18, aspect), edge={"loop": "middle"})
    edges = found["edges"]
    assert (edges["Edge"][0], edges["Contrast"][0], edges["Ring"][0]) == ("middle", "dark" if sign < 0 else "bright", 1)
    half, foot = np.sqrt(2 * np.log(2)), np.sqrt(2 * np.log(4)) * 1.5 - np.sqrt(2 * np.log(4 / 3)) / 2
    for name, true in (("outer", foot), ("half-maximum", half), ("middle", 0), ("inner", -foot)):
        place = edges[EDGE_COLUMNS[name]][0]
        assert 18 * side + place == pytest.approx((RADIUS + true * WIDTH) * side, rel=0.02)
    assert edges["Background"][0] == pytest.approx(120, abs=1)
    assert edges["Extremum"][0] == pytest.approx(120 + 60 * sign, abs=2)
    units = {column.name: column.unit for column in found["profiles"]}
    assert (units["Distance"], units["Mean"]) == ("nm", "")
    at = np.abs(found["profiles"]["Distance"] - (RADIUS - 18) * side).argmin()
    assert found["profiles"]["Mean"][at] == pytest.approx(120 + 60 * sign, abs=3)
    assert found["profiles"]["StdDev"][at] < 6


def test_lines_points_and_specks_have_no_profile_and_nothing_gives_empty_tables() -> None:
    micrograph = Micrograph(ring())
    found = profiles(
        micrograph, Shape(RoiType.LINE, points=[[1, 1], [9, 9]]), Shape(RoiType.RECT, params=(3, 3, 1, 1)), oval(17)
    )
    assert list(found["edges"]["Label"]) == ["r2"]
    assert set(found["profiles"]["Label"]) == {"r2"}
    empty = profiles(micrograph)
    assert len(empty["edges"]) == len(empty["profiles"]) == 0
    assert empty["edges"].names == found["edges"].names
    assert profile_figure(empty["profiles"], empty["edges"]).startswith(b"\x89PNG")


def test_objects_of_a_film_have_the_profile_of_their_plane() -> None:
    pixels = np.stack([ring(), np.full((90, 90), 77, np.float32)])
    planes = [Micrograph(plane, position=(1, number, 1)) for number, plane in enumerate(pixels, 1)]
    film = Film("film", (1, 2, 1), lambda index: planes[index])
    instances = Instances.of([oval(17), oval(17)], position=[(0, 2, 0), (0, 1, 0)], class_name="loop")
    found = edge_profiles(film, instances, {}, ["flat", "ring"])
    flat = found["profiles"]["Mean"][found["profiles"]["Label"] == "flat"]
    assert flat == pytest.approx(np.full(len(flat), 77.0))
    assert np.isnan(found["edges"]["Outer"][0])
    assert found["edges"]["Ring"].tolist() == [0, 1]


def test_equal_profiles_give_equal_pictures() -> None:
    found = profiles(Micrograph(ring()), *[oval(17)] * 3)
    once, again = (profile_figure(found["profiles"], found["edges"]) for _ in range(2))
    assert once == again


def test_objects_of_one_name_keep_their_own_profiles() -> None:
    instances = Instances.of([oval(17), Shape(RoiType.RECT, params=(3, 3, 1, 1)), oval(30)])
    found = edge_profiles(Micrograph(ring()), instances, {}, ["same"] * 3)
    assert found["edges"]["Row"].tolist() == [1, 3]
    first = found["profiles"]["Distance"][found["profiles"]["Row"] == 1]
    assert (np.diff(first) > 0).all()
    assert first[0] == pytest.approx(-17, abs=0.3)
