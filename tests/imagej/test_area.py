"""The analysed area in ImageJ: seen on the Overlay, corrected by ROIs, never taken for objects."""

import cv2
import pytest
import tifffile

from temj import resources

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def facts(script, tmp_path_factory):
    folder = tmp_path_factory.mktemp("area")
    pixels = tifffile.imread(resources.folder("samples") / "316L_loops.tif")[600:792, 100:356].copy()
    pixels[:12] = 0
    pixels[170:176, 180:240] = 255
    cv2.putText(pixels, "20 nm", (180, 164), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
    tifffile.imwrite(folder / "barred.tif", pixels, imagej=True, metadata={"unit": "nm"}, resolution=(2.56, 2.56))
    return script("area", folder / "barred.tif")


def named(rois, start):
    return [roi for roi in rois if roi["name"].startswith(start)]


def test_what_is_left_out_is_on_the_overlay_in_grey(facts):
    left_out = named(facts["first"], "exclude")
    assert {roi["name"] for roi in left_out} >= {"exclude: blank border", "exclude: scale bar", "exclude: text"}
    assert {(roi["group"], roi["colour"]) for roi in left_out} == {(0, "java.awt.Color[r=170,g=170,b=170]")}
    (border,) = named(facts["first"], "exclude: blank border")
    assert border["box"] == [0, 0, 256, 12]
    assert len(named(facts["first"], "loop")) == facts["rows"] > 0


def test_predicting_again_gives_the_same_and_shows_it_once(facts):
    rows, shown = facts["again"]
    assert rows == facts["rows"]
    assert shown == len(facts["first"]) + rows


def test_only_objects_are_measured(facts):
    assert facts["measured"] == ["loop"] * 2 * facts["rows"]
    assert "ROIs named area or exclude are not measured" in facts["output"]


def test_a_roi_named_exclude_is_left_out_besides(facts):
    loops = named(facts["after exclude"], "loop")
    assert facts["excluded"] == len(loops)
    assert all(roi["box"][0] >= 128 for roi in loops)
    assert len(named(facts["after exclude"], "Exclude 1")) == 1
    assert named(facts["after exclude"], "exclude: scale bar")


def test_a_roi_named_area_takes_back(facts):
    assert not named(facts["after area"], "exclude")
    assert facts["taken back"] == facts["whole"] == len(named(facts["after whole"], "loop"))
    assert not named(facts["after whole"], "exclude")


def test_rois_that_are_no_objects_are_not_something_to_measure(facts):
    assert "Draw or predict some first" in str(facts["only area"])


def test_a_word_that_is_none(facts):
    assert "auto, all, whole" in str(facts["wrong"])
