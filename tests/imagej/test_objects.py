"""ImageJ's objects <-> TEMJ's, checked with the real ImageJ."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.java
SAMPLE = Path(__file__).parents[2] / "samples" / "loops" / "images" / "04.png"


@pytest.fixture(scope="module")
def facts(script, tmp_path_factory):
    return script("objects", tmp_path_factory.mktemp("objects"), SAMPLE)


def test_pixels_and_scale_go_there_and_back(facts):
    for same, scale, name, origin in facts["pixels"]:
        assert same
        assert (scale, name, origin) == ([0.390625123, 0.41, "nm"], "a b.tif", [2.0, 3.0])


def test_signed_16_bit_pixels_are_their_values(facts):
    assert facts["signed"]["dtype"] == "float32"
    assert facts["signed"]["first"] == [-32768, -32758, -32748, -32568]


def test_colour_is_converted_by_imagej_and_said(facts):
    assert facts["colour"]["dtype"] == "uint8"
    assert facts["colour"]["first"] == [20, 255, 1, 0]
    assert "colour image" in facts["colour"]["notes"][0]


def test_calibrated_grey_values_are_used_and_said(facts):
    assert facts["density"]["first"] == [1, 21, 41, 401]
    assert "calibrated" in facts["density"]["notes"][0]


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("micron", [0.5, 0.5, "µm"]),
        ("um", [0.5, 0.5, "µm"]),
        ("µm", [0.5, 0.5, "µm"]),
        ("inch", [0.5, 0.5, "inch"]),
        ("1/nm", [1, 1, "pixel"]),
        ("pixel", [1, 1, "pixel"]),
    ],
)
def test_units(facts, unit, scale):
    assert facts[f"unit {unit}"]["scale"] == scale
    assert len(facts[f"unit {unit}"]["notes"]) == (unit == "1/nm")


def test_unit_of_y_and_inverted_y(facts):
    assert facts["mixed"]["scale"] == [0.5, 0.5, "nm"]
    assert "y axis points upwards" in facts["mixed"]["notes"][0]


def test_rois_keep_kind_class_score_group_position_and_track(facts):
    rows = facts["rois"]
    assert [row["kind"] for row in rows] == ["RECT", "OVAL", "ELLIPSE", "ROTATED_RECT", "COMPOSITE", "POINT", "LINE"]
    assert [row["class"] for row in rows] == ["voids", "crack", "loop", "crack", "", "crack", ""]
    assert (rows[2]["score"], rows[2]["track"], rows[2]["group"]) == (0.25, 5, 7)
    assert rows[3]["position"] == [2, 3, 4]


def test_rois_are_the_same_after_a_round_trip(facts):
    for before, after in zip(facts["rois"], facts["rois again"], strict=True):
        groups = before.pop("group"), after.pop("group")
        assert before == after
        assert groups[1] == {"voids": 7, "crack": 1, "loop": 2, "": groups[0]}[before["class"]]
    kinds = ["Roi", "OvalRoi", "EllipseRoi", "RotatedRectRoi", "ShapeRoi", "PointRoi", "Line"]
    assert facts["java"] == kinds


def test_rois_keep_the_rule_of_their_diameter(facts):
    assert facts["rules"] == ["None", "geometric", "major", "geometric", "None", "geometric", "None"]
    assert facts["rules back"] == {"diameter": {"crack": "geometric", "loop": "major"}}
    assert facts["no rules back"] == {}
    measured, major, equivalent = facts["ruled diameters"]
    assert measured == major != equivalent


def test_a_roi_that_is_no_outline_is_refused_by_name(facts):
    assert facts["text roi"]["error"] == "BadAnnotation"
    assert "ROI 1" in facts["text roi"]["message"]


def test_groups_are_added_where_there_is_room(facts):
    assert facts["group list"] == "crack,loop,,,,,voids"
    assert facts["groups full"] == {"loop": 0, "g3": 4, "": 0, "a,b": 0}
    assert facts["groups gap"] == {"loop": 2, "c": 3, "void": 4}
    assert facts["groups of rows"] == [4, 5, 2]
    assert facts["groups gap list"] == "a,loop,c,void"


def test_a_results_table_saves_the_same_csv(facts):
    java, ours = facts["csv"]
    assert java == ours
    assert java.count("\n") == 6
    assert facts["table back"] is True
    assert facts["headings"][0] == "Label"
    assert facts["headings"][-1] == "EllipseAngle"


def test_measure_takes_what_scripts_have(facts):
    assert facts["kinds of measure"] == [1, 1, 5]


def test_empty_tables_and_missing_numbers(facts):
    assert facts["empty"] == [0]
    assert facts["odd"] == ["1\ta\t1.500\t1", "2\tb\tNaN\t2"]


@pytest.mark.parametrize("case", ["all", "few", "inverted", "scientific"])
def test_rows_in_the_users_results_are_those_of_imagejs_measure(facts, case):
    (headings, rows), (their_headings, their_rows) = facts["append"][case]
    count = len(their_headings)
    place = {heading: k + 1 for k, heading in enumerate(headings)}
    places = {heading: k + 1 for k, heading in enumerate(their_headings)}
    assert [heading for heading in headings if heading in places] == their_headings
    assert headings[-1] == "EllipseAngle"
    assert len(headings) > count
    for row, theirs in zip(rows, their_rows, strict=True):
        ours, cells = row.split("\t"), theirs.split("\t")
        assert {h: ours[place[h]] for h in places} == {h: cells[places[h]] for h in places}
