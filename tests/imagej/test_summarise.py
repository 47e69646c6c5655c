"""``TEMJ Summarise...``: a macro writes the files of the command line, and is told in words what is wrong."""

import json

import cv2
import numpy as np
import pytest

from temj.annotations import roiset
from temj.cli import main
from temj.data import Instances, RoiType, Shape

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a study")
    (folder / "rois").mkdir()
    (folder / "images").mkdir()
    for number, name in enumerate("abcd"):
        shapes = [
            Shape(RoiType.OVAL, params=(20 * x + 8, 30, 9 + number, 9), subpixel=False) for x in range(3 + number)
        ]
        roiset.write(folder / "rois" / f"{name}_RoiSet.zip", Instances.of(shapes, class_name="void"))
        cv2.imwrite(str(folder / "images" / f"{name}.png"), np.zeros((150, 200), np.uint8))
    lines = [f"{name}.png,{dose},dpa" for name, dose in zip("abcd", (0.1, 0.1, 1, 1), strict=True)]
    (folder / "study.csv").write_text("\n".join(["image,dose,dose_unit", *lines]))
    return folder


@pytest.fixture(scope="module")
def facts(script, place):
    return script("summarise", place)


def test_a_macro_writes_the_files_of_the_command_line(facts, place):
    assert facts["macro"] == {"value": "survived"}
    words = [
        "summarise", str(place / "rois"), "--output", str(place / "cli"), "--images", str(place / "images"),
        "--pixel-size", "0.5", "--sheet", str(place / "study.csv"), "--group-by", "dose", "--kinds", "void=cavity",
        "--thickness", "100", "--thickness-error", "10",
    ]  # fmt: skip
    assert main(words) == 0
    names = {path.name for path in (place / "cli").iterdir()}
    assert {path.name for path in (place / "macro").iterdir()} == names
    for name in names - {"run.json"}:
        assert (place / "macro" / name).read_bytes() == (place / "cli" / name).read_bytes(), name
    again = json.loads((place / "macro" / "run.json").read_text())["macro_line"]
    assert again.startswith('run("TEMJ Summarise...", "folder=')


def test_the_log_has_the_estimates(facts):
    assert "void: swelling" in facts["output"]
    assert "0.1 dpa:" in facts["output"]


def test_what_is_wrong_is_told_and_the_macro_ends(facts, place):
    assert "overwrite" in facts["again"]["message"]
    assert "result folder" in facts["nothing"]["message"]
    assert "cavity" in facts["wrong"]["message"]
    assert not (place / "wrong").exists()
    assert not (place / "nowhere").exists()
