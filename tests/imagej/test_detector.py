"""Detectors in ImageJ: what they find comes as ROIs, Overlay and Results as of any other model."""

import pytest
import tifffile

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def facts(script, tmp_path_factory, new_discs, boxes_model, masks_model):
    folder = tmp_path_factory.mktemp("detector")
    pixels, _ = new_discs(128, 160, 15, 21)
    tifffile.imwrite(folder / "a.tif", pixels, imagej=True, metadata={"unit": "nm"}, resolution=(2, 2))
    return script("detector", folder / "a.tif", boxes_model.folder, masks_model.folder, folder / "out")


def test_boxes_come_as_ellipses_or_as_boxes(facts):
    found, boxes = facts["ellipses"], facts["boxes"]
    assert set(found["kinds"]) <= {"EllipseRoi", "OvalRoi"}
    assert "EllipseRoi" in found["kinds"]
    assert boxes["kinds"] == ["Roi"]
    assert sorted(found["scores"]) == pytest.approx(sorted(boxes["scores"]))
    assert found["edges"] == ["half-maximum"]


@pytest.mark.parametrize("case", ["ellipses", "boxes", "masks"])
def test_every_object_has_a_class_a_score_and_a_row(facts, case):
    found = facts[case]
    assert found["rows"] == len(found["names"]) > 8
    assert found["names"][0] == "disc-0001"
    assert found["classes"] == ["disc"]
    assert min(found["scores"]) > 0.7
    assert {"Class", "Score", "Diameter"} <= set(found["headings"])


def test_masks_come_as_traced_outlines_and_as_files(facts):
    assert set(facts["masks"]["kinds"]) <= {"PolygonRoi", "ShapeRoi"}
    assert {"a_RoiSet.zip", "a_Results.csv", "a_labels.tif"} <= set(facts["files"])


def test_an_option_that_does_not_fit_is_refused_in_words(facts):
    told = facts["wrong"] + facts["output"]
    assert "answers with boxes" in told
    assert "core masks" in told


def test_the_map_of_scores(facts):
    depth, most = facts["map"]
    assert depth == 32
    assert 0.5 < most <= 1
