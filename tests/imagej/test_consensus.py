"""``TEMJ Merge Annotators...``: agreed and undecided ROIs in ImageJ, and decisions that ImageJ has written."""

import json

import numpy as np
import pytest

from temj import annotations
from temj.annotations import roiset
from temj.cli import main
from temj.data import Instances, RoiType, Shape

pytestmark = pytest.mark.java


def objects(*rows):
    shapes = [Shape(RoiType.RECT, params=(x, 10, 20, 20, 0), subpixel=False) for x, _ in rows]
    return Instances.of(shapes, class_name=np.array([name for _, name in rows], object))


SETS = {
    "anna": objects((10, "loop"), (50, "loop"), (90, "loop")),
    "ben": objects((11, "loop"), (50, "void"), (150, "void")),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("annotators of m")
    for name, found in SETS.items():
        roiset.write(folder / f"{name}.zip", found)
    return folder


@pytest.fixture(scope="module")
def facts(script, place):
    return script("consensus", place)


def test_agreed_and_undecided_rois_are_told_apart_in_the_overlay(facts):
    assert facts["macro"] == {"value": "4"}
    agreed, *undecided = facts["overlay"]
    assert (agreed["name"], agreed["class"], agreed["box"]) == ("loop-0001", "loop", [10, 10, 20, 20])
    assert [roi["name"] for roi in undecided] == [
        "conflict-loop-void-0001", "single-anna-loop-0002", "single-ben-void-0003",
    ]  # fmt: skip
    assert {roi["class"] for roi in undecided} == {"undecided"}
    assert len({roi["group"] for roi in undecided} | {agreed["group"], 0}) == 3
    assert {roi["colour"] for roi in undecided} == {"java.awt.Color[r=213,g=94,b=0]"}
    assert agreed["colour"] not in {roi["colour"] for roi in undecided}


def test_the_log_tells_what_the_command_line_tells(facts):
    assert "2 annotators (anna, ben), 1 image" in facts["output"]
    assert "undecided: 1 conflict, 2 single" in facts["output"]


def test_the_undecided_can_be_ignored(facts):
    assert sorted(roi["class"] for roi in facts["ignored"]) == ["ignore", "ignore", "ignore", "loop"]


def test_a_folder_has_a_set_of_each_annotator(facts):
    assert [roi["name"] for roi in facts["folder"]] == [roi["name"] for roi in facts["overlay"]]


def test_one_annotator_is_not_enough_and_results_are_never_replaced_unasked(facts):
    assert "two ROI sets" in facts["one"]["message"]
    assert "They were not changed" in facts["again"]["message"]


def test_files_are_those_of_the_command_line(facts, place):
    assert facts["macro"]
    out = place / "out"
    assert {path.name for path in out.iterdir()} == {
        "rois", "undecided", "consensus.csv", "undecided.csv", "agreement.csv", "consensus.json", "run.json",
    }  # fmt: skip
    line = json.loads((out / "run.json").read_text())["macro_line"]
    assert line.startswith('run("TEMJ Merge Annotators...", "first_annotator=')
    words = ["dataset", "consensus", str(place / "anna.zip"), str(place / "ben.zip"), "--output", str(place / "cli")]
    assert main(words) == 0
    (ours,) = (place / "cli" / "rois").iterdir()
    assert ours.read_bytes() == (out / "rois" / "m_RoiSet.zip").read_bytes()
    assert [roi["name"] for roi in facts["asked"]] == [roi["name"] for roi in facts["overlay"][1:]]


def test_what_imagej_has_written_is_a_decision(facts, place):
    """The edited set of image ``m`` stands for that of the command line's image."""
    assert facts["asked"]
    sets = [str(place / name / "m_RoiSet.zip") for name in ("a", "b")]
    for path, found in zip(sets, SETS.values(), strict=True):
        (place / path).parent.mkdir()
        roiset.write(path, found)
    names = ["--annotators", "anna", "ben", "--decided", str(place / "out"), "--decided-by", "carl"]
    assert main(["dataset", "consensus", *sets, *names, "--output", str(place / "final")]) == 0
    kept = annotations.read(place / "final" / "rois" / "m_RoiSet.zip")
    assert kept.class_name.tolist() == ["loop", "void", "void"]
    assert [shape.params[0] for shape in kept.shapes] == [10, 50, 150]
