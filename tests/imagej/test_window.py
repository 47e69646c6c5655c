"""ImageJ with windows: by AWT events (also where there is no X server), and with a real mouse and keyboard."""

import os
import shutil

import pytest

from temj.imagej.entries import entries

pytestmark = [pytest.mark.java, pytest.mark.window]
LINE = (
    'run("TEMJ Predict...", "model=loops threshold=0.4 ellipses output=[/results of today] pixel_size=0.39 '
    'device=auto outline=auto area=auto manager=auto skeleton=auto report=auto");\n'
)


@pytest.fixture(scope="module")
def facts(script, display):
    return script("window", **display)


def test_the_menu_has_each_command_once(facts):
    assert facts["bridge"] is True
    plugins, samples = ([name for name, entry in entries() if entry.asks is asks] for asks in (True, False))
    assert facts["menu"] == plugins + samples
    assert plugins[:2] == ["TEMJ Predict...", "TEMJ Measure..."]
    assert len(set(facts["menu"])) == len(facts["menu"])
    assert facts["submenus"] == 1


def test_without_an_image_it_says_so(facts):
    assert facts["no image"] == "TEMJ: BadImage/none: There are no images open. Open a micrograph first."


def test_the_dialog_is_made_from_the_declaration(facts):
    assert facts["title"] == "TEMJ Predict"
    assert facts["buttons"] == ["Cancel", "Help", "OK"]
    models, *others = facts["choices"]
    assert "loops" in models
    assert models[-1] == "Other folder..."
    yes_no = ["auto", "yes", "no"]
    assert others == [["auto", "cpu", "cuda", "mps"], ["auto", "box", "ellipse"], yes_no, yes_no]
    assert facts["checkboxes"] == [
        "Ellipses", "Probability map", "Classes map", "Tta (test-time augmentation)", "Fill", "Populations",
        "Overwrite",
    ]  # fmt: skip


def test_a_cancelled_dialog_is_not_recorded(facts):
    assert facts["recorded after cancel"] == ""


def test_a_value_that_cannot_be_recorded_brings_the_dialog_back(facts):
    assert facts["not recordable"].startswith("TEMJ: BadValue/not-recordable: output.")
    assert facts["calls after refusal"] == 0
    kept = {"threshold": "0.4", "output": "/results of [today/", "pixel_size": "", "area": "auto"}
    assert {name: facts["kept in dialog"][name] for name in kept} == kept
    assert (facts["kept in dialog"]["input_size"], facts["kept in dialog"]["shape_rule"]) == ("", "")


def test_the_recorder_writes_a_complete_line(facts):
    assert facts["recorded"] == LINE


def test_the_line_replays_in_the_window_and_in_batch_mode(facts):
    given = {name: value for name, value in facts["call"]["parameters"].items() if value not in (False, "")}
    given["output"] = given["output"].rstrip("/")
    assert facts["replay call"]["parameters"] == facts["batch call"]["parameters"] == given
    assert facts["replay"] == {"value": "6"}
    assert (facts["replay call"]["image"], facts["batch call"]["image"]) == ("04.png", "b.tif")
    assert facts["batch"] == {"value": "19 6 9"}
    assert facts["recorded by macros"] is True


def test_values_are_kept_within_the_session(facts):
    kept = {"threshold": "0.4", "output": "/results of today/", "pixel_size": "0.39", "area": "auto"}
    assert {name: facts["kept in session"][name] for name in kept} == kept


def test_objects_go_to_overlay_and_manager_behind_what_is_there(facts):
    names = [f"loop-{number:04d}{end}" for end in ("", "-ellipse") for number in (1, 2, 3)]
    assert facts["overlay"] == ["None", *names]
    own, *ours = facts["manager"]
    assert own["box"] == [5, 6, 7, 8]
    assert [roi["name"] for roi in ours] == names
    assert [roi["java"] for roi in ours] == ["PolygonRoi"] * 3 + ["EllipseRoi"] * 3
    assert [(roi["class"], roi["score"], roi["group"]) for roi in ours[:2]] == [("loop", "0.5", 1), ("loop", "0.7", 1)]
    assert len({roi["colour"] for roi in ours[:3]}) == 1
    assert len({roi["colour"] for roi in ours}) == 2, "ellipses have a colour of their own"


def test_rows_go_to_results_and_the_summary_has_its_own_table(facts):
    headings, rows = facts["results"]
    assert headings == ["Label", "Area", "Mean", "Class", "Score"]
    assert rows[1] == "2\t04.png:loop-0002\t100\t0.33\tloop\t0.70"
    assert facts["windows"] == ["Log", "ROI Manager", "Recorder", "Results", "TEMJ Summary"]
    assert facts["summary rows"] == 5


def test_above_a_thousand_objects_get_a_table_of_their_own(facts):
    assert facts["many"] == [0, 0]
    assert facts["tables"] == ["Results of 04.png", "Results of 04.png-2"]


def test_other_commands_run_during_a_long_one(facts):
    assert facts["other command meanwhile"] == 255
    assert facts["bar"] is True


def test_esc_cancels_quietly(facts):
    assert facts["error after Esc"] == "Cancelled/by-user"
    assert facts["after Esc"] == "TEMJ Predict... cancelled"
    assert facts["recorded after Esc"] is False


def test_an_error_is_shown_in_words_and_nothing_changes(facts):
    assert facts["defect"].startswith("TEMJ: TEMJ Predict... failed: ValueError: bad model")
    assert facts["log"] is True
    assert facts["untouched"] is True
    assert facts["recorded after error"] is False


def test_measure_takes_the_roi_manager(facts):
    assert facts["measured"] == [19, "measure"]
    assert facts["recorded measure"] == 'run("TEMJ Measure...", "diameter=auto skeleton=auto");'


@pytest.mark.skipif(
    not os.environ.get("TEMJ_REQUIRE_WINDOWS") and not (shutil.which("xdotool") and shutil.which("Xvfb")),
    reason="a real mouse needs xdotool and an X server (Xvfb); the same paths are tested by events above",
)
def test_a_real_mouse_and_the_real_esc_key(script, display):
    facts = script("clicks", **display)
    assert facts["clicked"] == "04.png"
    code, _, untouched = facts["Esc"]
    assert (code, untouched) == ("Cancelled/by-user", True)
