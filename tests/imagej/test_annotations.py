"""``TEMJ Import Annotations...``, ``TEMJ Export Annotations...`` and the samples, with the real ImageJ."""

import json

import pytest

from temj.workflows.samples import REAL, SAMPLES

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def facts(script, tmp_path_factory):
    return script("annotations", tmp_path_factory.mktemp("annotations"))


@pytest.fixture(scope="module")
def seen(script, display, tmp_path_factory):
    return script("annotations_window", tmp_path_factory.mktemp("annotations"), **display)


class TestSamples:
    def test_each_opens_with_scale_and_truth(self, facts):
        assert facts["samples"].keys() == SAMPLES.keys() - {"film"}
        for name, (title, size, unit, colours, classes) in facts["samples"].items():
            assert title == ("316L_loops.tif" if name == REAL else f"{name}.tif")
            assert unit == "nm"
            assert 0 < size < 10
            assert "None" not in classes
            assert colours == len(classes), "a colour for each class"
        assert facts["samples"][REAL] == ["316L_loops.tif", 0.390625, "nm", 1, ["loop"]]

    def test_the_seed_makes_another_image_and_the_same_one_again(self, facts):
        first, other, again = (mean["value"] for mean in facts["seed"])
        assert first == again != other

    def test_what_the_name_decides_is_no_key(self, facts):
        assert "Did you mean 'seed'?" in facts["wrong key"]["message"]
        assert "unknown-parameter: sample" in facts["fixed key"]["message"]

    @pytest.mark.window
    def test_from_the_menu_it_is_recorded(self, seen):
        title, count, line = seen["sample"]
        assert (title, count) == ("nanorods.tif", 56)
        assert line.splitlines()[-1] == 'run("TEMJ Synthetic Nanorods", "seed=1");'

    @pytest.mark.window
    def test_a_film_is_a_stack_of_frames(self, seen):
        dimensions, interval, _hyper, count = seen["film"]
        assert dimensions[2:] == [1, 1, 24]
        assert interval == 0.5
        assert count > 100


class TestRules:
    def test_class_is_property_then_group_then_name_and_a_question_mark_is_ignore(self, facts):
        before, *found = facts["drawn"]
        assert before["box"] == [1, 1, 2, 2], "what is there stays"
        assert {roi["name"]: roi["class"] for roi in found} == {
            "a": "loop", "b": "void", "crack-0003": "crack", "?crack-0004": "ignore", "e": "ignore", "g": "loop",
        }  # fmt: skip

    def test_group_and_colour_follow_the_class(self, facts):
        found = facts["drawn"][1:]
        names = facts["groups"].split(",")
        assert names[2:4] == ["void", "?doubt"], "the user's own names stay"
        assert all(names[roi["group"] - 1] == roi["class"] for roi in found)
        colours = {roi["class"]: roi["colour"] for roi in found}
        assert len(set(colours.values())) == 4
        assert "r=170,g=170,b=170" in colours["ignore"]

    def test_area_rois_are_no_objects(self, facts):
        assert "1 ROI named area or exclude left out" in facts["output"]


class TestPlaces:
    def test_positions_find_their_plane(self, facts):
        assert facts["positions"]["slices"]["rois"] == [2, 5]
        assert facts["positions"]["frames"]["rois"] == [2, 5]

    def test_a_stack_that_lacks_them_is_refused_and_gets_nothing(self, facts):
        short = facts["positions"]["short"]
        assert "the first in channel 1, slice 5, frame 1" in short["message"]
        assert short["rois"] == []

    def test_the_image_is_named_as_its_file_and_a_part_of_it_is_another_image(self, facts):
        assert facts["named"] == "saved file.tif"
        assert facts["appended"] == ["saved file.tif", "part.tif"]
        assert facts["selection kept"] is True


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exists", "Refused/exists"),
        ("no such", "no such file or folder"),
        ("no source", "BadValue/missing: source. Expected file or folder of annotations."),
        ("wrong image", "an entry for drawn.tif"),
        ("nothing drawn", "ROIs in the ROI Manager"),
        ("no image", "There are no images open"),
        ("text", "ROI 1 ''"),
    ],
)
def test_errors_are_words_and_change_nothing(facts, name, words):
    assert words in facts[name]["message"]
    assert facts["unchanged"] is True


def test_messages_name_macro_keys(facts):
    assert "allow replacing (overwrite)" in facts["output"].replace("\n", " ")


@pytest.mark.window
class TestDialogs:
    def test_export(self, seen):
        shown = seen["export dialog"]
        assert shown["title"] == "TEMJ Export Annotations"
        assert shown["labels"] == ["Output", "Format", "Advanced", "Classes (in order)", "Masks hold"]
        assert shown["checkboxes"] == [
            "Append to what is there", "Overwrite what is there", "Ellipses instead of their outlines",
            "Empty (there are no objects)",
        ]  # fmt: skip
        assert shown["buttons"][:2] == ["Save as...", "Folder..."]
        assert shown["choices"][0] == ["auto", "roiset", "coco", "masks", "voc", "yolo", "shen", "csv", "overlay"]

    def test_import(self, seen):
        shown = seen["import dialog"]
        assert shown["title"] == "TEMJ Import Annotations"
        assert shown["labels"] == [
            "Source",
            "Format",
            "Entry (other image name)",
            "Advanced",
            "Classes (in order)",
            "Masks hold",
        ]
        assert shown["checkboxes"] == ["Overlay instead of ROI Manager"]
        assert shown["buttons"][:2] == ["Browse", "Folder..."]

    def test_cancel_does_and_records_nothing(self, seen):
        assert seen["recorded after cancel"] == ""

    def test_a_missing_value_brings_the_dialog_back(self, seen):
        assert seen["no output"].startswith("TEMJ: BadValue/missing: output. Expected file, or folder")
        assert seen["written"] is True

    def test_the_recorded_lines_are_complete_and_do_the_same_again(self, seen):
        export, imported = (seen[name].splitlines()[-1] for name in ("recorded export", "recorded import"))
        assert export.startswith('run("TEMJ Export Annotations...", "output=[')
        assert export.endswith('my rods.json] format=auto masks=auto");')
        assert imported.startswith('run("TEMJ Import Annotations...", "source=[')
        assert seen["replay"] == {"value": "113"}

    def test_objects_go_into_the_roi_manager_behind_what_is_there(self, seen):
        assert seen["manager"] == [57, ["nanorod-0001", "nanorod-0002"]]
        assert seen["overlay"] == 0
        assert "  56 ROIs added to the ROI Manager behind 1 ROI that was there" in seen["log"]

    def test_errors_are_shown_and_nothing_is_added(self, seen):
        assert "exists" in seen["exists"]
        assert "no such file or folder" in seen["missing"].replace("|", " ")
        assert seen["manager after an error"] == 57


def test_the_choice_of_formats_is_that_of_the_table():
    from temj import annotations
    from temj.commands.import_annotations import FORMATS

    assert set(FORMATS) == set(annotations.FORMATS)


def test_the_menu_has_every_sample():
    from temj.commands.open_sample import TITLES

    assert TITLES.keys() == SAMPLES.keys()
    assert json.dumps(sorted(TITLES.values())) == json.dumps(sorted(set(TITLES.values())))
