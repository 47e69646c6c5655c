"""Probability maps and class maps in ImageJ."""

import pytest
import tifffile

from temj import resources

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def facts(script, tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    pixels = tifffile.imread(resources.folder("samples") / "316L_loops.tif")[600:792, 100:356]
    tifffile.imwrite(folder / "a.tif", pixels, imagej=True, metadata={"unit": "nm"}, resolution=(2.56, 2.56))
    return script("maps", folder / "a.tif", folder)


def test_a_macro_has_them_as_images_the_last_in_front(facts):
    assert facts["macro"].startswith("2 a-classes ")
    assert facts["macro"].endswith("a.tif,8;a-probability,32;a-classes,8;")


def test_a_script_gets_a_32_bit_image_with_the_scale(facts):
    found = facts["python"]
    assert (found["title"], found["depth"], found["size"]) == ("a-probability", 32, [256, 192, 1, 1, 1])
    assert (found["scale"], found["range"], found["label"]) == ([0.390625, "nm"], [0, 1], "loop")
    assert 0.5 < found["most"] <= 1
    assert facts["python overlay"] == facts["overlay"] > 0
    assert facts["two"]["size"] == [256, 192, 2, 1, 1]
    assert facts["two"]["range"] == [0, 1]


def test_the_files_open_in_imagej_as_they_are(facts):
    found = facts["probability"]
    assert (found["depth"], found["scale"], found["range"]) == (32, [0.390625, "nm"], [0, 1])
    assert found["label"] == "loop"
    assert facts["same"]
    classes = facts["classes"]
    assert (classes["depth"], classes["colour"], classes["range"]) == (8, "0xff7f0e", [0, 255])
    assert "1 = loop" in classes["info"]


def test_a_script_without_a_window_finds_no_images_that_it_did_not_ask_for(facts):
    assert facts["opened"] == 0
    assert "name an output folder, or use temj.imagej.probability" in facts["output"]
