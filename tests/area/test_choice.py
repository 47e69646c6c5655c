"""Which part counts: what is found, and what ROIs named area and exclude say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from temj import annotations, area
from temj.annotations import roiset
from temj.area.rois import word_of
from temj.data import Film, Instances, Micrograph, RoiType, Shape
from temj.errors import BadValue


def rect(x: int, y: int, width: int, height: int) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height, 0), subpixel=False)


def rois(**shapes: Shape) -> Instances:
    names = [name.replace("_", " ") for name in shapes]
    return Instances.of(shapes.values(), name=np.array(names, object))


def barred(position: tuple[int, int, int] = (0, 0, 0)) -> Micrograph:
    """Noise, 100 x 120, with a blank border of 10 rows at the top."""
    pixels = np.random.default_rng(0).integers(60, 190, (100, 120)).astype(np.uint8)
    pixels[:10] = 0
    return Micrograph(pixels, position=position)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("area", "area"), ("Area-0001", "area"), ("AREA 2", "area"), ("exclude", "exclude"), ("exclude_3", "exclude"),
        ("Exclude: info bar", "exclude"), ("exclude: text 2", "exclude"), ("exclude-0001-1", "exclude"),
        ("areal", ""), ("area fraction", ""), ("loop-0001", ""), ("excluded", ""), ("", ""), ("my area", ""),
    ],
)  # fmt: skip
def test_names_that_mean_something(name, word):
    assert word_of(name) == word


def test_area_rois_are_told_from_objects_by_name_or_class():
    given = Instances.of(
        [rect(0, 0, 4, 4)] * 4,
        name=np.array(["loop-0001", "Exclude 1", "", "area"], object),
        class_name=np.array(["loop", "", "exclude", "loop"], object),
    )
    objects, said = area.split_area_rois(given)
    assert list(objects.name) == ["loop-0001"]
    assert list(area.words_of(said)) == ["exclude", "exclude", "area"]


def test_auto_finds_whole_does_not():
    assert area.analysed(barred()).area_pixels == 90 * 120
    assert area.analysed(barred(), how="whole").area is None
    clean = Micrograph(barred().pixels[10:])
    assert area.analysed(clean) is clean


def test_exclude_rois_are_left_out_besides():
    found = area.choose(barred(), rois(exclude=rect(0, 5, 10, 20)))
    assert {part.kind: int(part.mask.sum()) for part in found.parts} == {
        "exclude ROIs": 200,
        "blank border": 10 * 120 - 50,
    }
    only = area.choose(barred(), rois(exclude=rect(0, 5, 10, 20)), "whole")
    assert (~only.mask).sum() == 200


def test_area_rois_replace_what_is_found_and_exclude_takes_from_them():
    said = rois(area=rect(0, 0, 50, 50), area_2=rect(40, 40, 20, 20), exclude=rect(0, 0, 5, 5))
    found = area.choose(barred(), said)
    assert found.mask.sum() == 50 * 50 + 20 * 20 - 10 * 10 - 25
    assert found.mask[7, 20], "taken back: the border was found there"


def test_rois_are_filled_as_imagej_fills_them():
    oval = Shape(RoiType.OVAL, params=(20, 30, 31, 17), subpixel=False)
    found = area.choose(barred(), rois(area=oval))
    y, x = np.mgrid[:100, :120]
    inside = ((x - 20 - 15) / 15.5) ** 2 + ((y - 30 - 8) / 8.5) ** 2 <= 1
    assert (found.mask == inside).all()


def test_rois_hold_for_their_plane_and_without_a_position_for_all():
    said = Instances.of(
        [rect(0, 0, 10, 100), rect(20, 0, 10, 100)],
        name=np.array(["exclude", "exclude"], object),
        position=np.array([[1, 2, 1], [0, 0, 0]]),
    )
    shares = [(~area.choose(barred((1, plane, 1)), said, "whole").mask).sum() for plane in (1, 2)]
    assert shares == [1000, 2000]


def test_lines_and_points_leave_nothing_out():
    line = Shape(RoiType.LINE, [[3, 3], [90, 90]])
    assert area.choose(barred(), rois(exclude=line), "whole").whole


def test_an_area_outside_the_image_leaves_nothing():
    found = area.choose(barred(), rois(area=rect(500, 500, 10, 10)))
    assert not found.mask.any()


def test_what_the_file_left_out_stays_left_out():
    own = np.ones((100, 120), bool)
    own[:, :20] = False
    image = Micrograph(barred().pixels, area=own)
    found = area.choose(image, rois(area=rect(0, 0, 120, 100)))
    assert (found.mask == own).all()


def test_an_unknown_word_names_the_known_ones():
    with pytest.raises(BadValue, match="auto, all, whole"):
        area.analysed(barred(), how="some")


def test_the_note_says_how_much_and_what():
    image = area.analysed(barred(), rois(exclude=rect(0, 50, 60, 20)))
    assert image.metadata["notes"] == (
        "analysed area 80 % of the image; left out: exclude ROIs (10 %), blank border (10 %)",
    )


def test_rois_of_what_was_found_say_the_same(tmp_path: Path):
    """Found → RoiSet.zip → read → the same pixels (also for pieces, holes and many dead pixels)."""
    pixels = barred().pixels.copy()
    pixels[tuple(np.random.default_rng(1).integers(20, 90, (2, 8)))] = 255
    pixels = np.where(pixels == 255, 65535, pixels.astype(np.uint16) * 20 + 5000).astype(np.uint16)
    pixels[:10] = 0
    image = Micrograph(pixels)
    found = area.choose(image)
    assert {part.kind for part in found.parts} == {"blank border", "dead pixels"}
    made = area.as_rois(found)
    assert list(made.name) == ["exclude: blank border", "exclude: dead pixels"]
    roiset.write(tmp_path / "a.zip", made)
    again = area.choose(image, annotations.read(tmp_path / "a.zip"), "whole")
    assert (again.mask == found.mask).all()


class TestAreas:
    @staticmethod
    def film(count: int = 3) -> Film:
        def read(index: int) -> Micrograph:
            pixels = barred().pixels.copy()
            pixels[10 : 10 + 2 * index] = 0
            return Micrograph(pixels, position=(1, 1, index + 1))

        return Film("a.tif", (1, 1, count), read)

    def test_each_plane_has_its_own(self):
        areas = area.Areas()
        film = areas.apply(self.film())
        assert [plane.area_pixels for plane in film] == [90 * 120, 88 * 120, 86 * 120]
        assert areas.notes() == ["analysed area 86 to 90 % of the planes; left out: blank border"]
        facts = areas.facts()
        assert json.loads(json.dumps(facts)) == facts
        assert [fact["position"] for fact in facts] == [[1, 1, 1], [1, 1, 2], [1, 1, 3]]
        assert areas.as_rois().position.tolist() == [[1, 1, 1], [1, 1, 2], [1, 1, 3]]

    def test_planes_that_are_alike_are_told_once(self):
        areas = area.Areas()
        for plane in range(1, 4):
            areas.apply(barred((1, 1, plane)))
        assert areas.notes() == ["analysed area 90 % of the image; left out: blank border (10 %)"]
        assert areas.as_rois().position.tolist() == [[0, 0, 0]]
        assert areas.facts() == [
            {
                "position": [0, 0, 0],
                "percent": 90.0,
                "left_out": [{"kind": "blank border", "percent": 10.0, "box": [0, 0, 120, 10]}],
            }
        ]

    def test_a_plane_is_looked_at_once(self, monkeypatch: pytest.MonkeyPatch):
        seen = []
        monkeypatch.setattr("temj.area.areas.choose", lambda image, *_: seen.append(1) or area.choose(image))
        areas = area.Areas()
        film = areas.apply(self.film())
        assert [plane.area_pixels for plane in film] == [plane.area_pixels for plane in film]
        assert len(seen) == 3

    def test_nothing_left_out_is_nothing_told(self):
        areas = area.Areas("whole")
        image = barred()
        assert areas.apply(image) is image
        assert (areas.notes(), areas.facts(), len(areas.as_rois()), areas.leave_out) == ([], [], 0, False)

    def test_what_the_user_drew_is_not_given_back_as_found(self):
        areas = area.Areas("auto", rois(exclude=rect(0, 50, 60, 20)))
        areas.apply(barred())
        assert list(areas.found_rois().name) == ["exclude: blank border"]
        assert list(areas.as_rois().name) == ["exclude: exclude ROIs", "exclude: blank border"]


def test_pinholes_are_closed_and_gaps_are_not():
    mask = np.ones((40, 40), bool)
    mask[5, 5] = mask[20:23, 20:23] = False
    mask[30:34, 30:34] = False
    closed = area.without_pinholes(mask)
    assert (~closed).sum() == 16
    assert not closed[30:34, 30:34].any()


def test_area_rois_outside_the_image_leave_nothing_and_the_note_says_so():
    found = area.choose(barred(), rois(area=rect(500, 500, 20, 20)))
    assert not found.mask.any()
    assert area.note(found) == "the area ROIs lie outside the image: nothing is analysed"


def test_shares_are_plain_numbers():
    found = area.choose(barred(), rois(area=rect(0, 0, 2, 1)))
    assert area.note(found).endswith("left out: outside the area ROIs (100 %)")
    found = area.choose(barred(), rois(exclude=rect(0, 0, 120, 40)), "whole")
    assert area.note(found).endswith("left out: exclude ROIs (40 %)")
