"""The embedded ImageJ without windows."""

import pytest

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def facts(script):
    return script("headless", JAVA_TOOL_OPTIONS="-Xmx700m")


def test_starts_the_embedded_imagej_with_our_class(facts):
    assert facts["version"] == "1.54p"
    assert facts["bridge"] is True


def test_parameters_come_from_the_options_string_and_the_image_from_the_call(facts):
    call = facts["call"]
    assert call["parameters"] == {"model": "loops", "threshold": "0.4", "ellipses": True, "output": "/a b/c"}
    assert (call["image"], call["position"]) == ("x.tif", [0, 0, 0])


def test_objects_are_appended_to_the_users_overlay(facts):
    own, *ours = facts["overlay"]
    assert own["box"] == [1, 2, 3, 4]
    assert [roi["name"] for roi in ours] == [
        *("loop-0001", "loop-0002", "loop-0003"),
        *("loop-0001-ellipse", "loop-0002-ellipse", "loop-0003-ellipse"),
    ]
    assert ours[1]["class"] == "loop"
    assert ours[1]["score"] == "0.7"
    assert ours[1]["kind"] == "Traced"
    assert ours[1]["box"] == [20, 5, 10, 10]
    assert "r=230,g=159,b=0" in ours[1]["colour"]


def test_ellipses_are_real_ellipses(facts):
    assert {roi["java"] for roi in facts["overlay"][4:]} == {"EllipseRoi"}


def test_group_names_are_added_never_replaced(facts):
    assert facts["groups"] == "grains,loop"
    assert {roi["group"] for roi in facts["overlay"][1:]} == {2}


def test_rows_obey_set_measurements_and_decimals_and_keep_ours(facts):
    assert facts["results"]["headings"] == ["Mine", "Area", "Circ.", "Class", "Score"]
    assert facts["results"]["rows"] == [
        "1\t7\tNaN\tNaN\t\tNaN",
        "2\tNaN\t100\t1.0000\tloop\t0.5000",
        "3\tNaN\t100\t1.0000\tloop\t0.7000",
        "4\tNaN\t100\t1.0000\tloop\t0.9000",
    ]


def test_above_a_thousand_objects_results_stay_as_they_are_unless_asked(facts):
    assert facts["many"] == {"value": "0 1200"}
    assert "1200 objects: their rows are not added to Results" in facts["output"]
    assert facts["many in manager"] == {"value": "1200 1200"}
    assert facts["manager no"] == {"value": "0 3"}


def test_no_objects_is_a_normal_result(facts):
    assert facts["none"] == {"value": "0 0"}


def test_batch_mode_takes_the_images_of_the_macro(facts):
    assert facts["batch"] == {"value": "b.tif 6"}
    assert facts["batch call"]["image"] == "b.tif"
    assert facts["batch call"]["parameters"] == {"diameter": "major"}


def test_macro_variables_and_defaults(facts):
    assert facts["variable"] == {"value": "ok"}
    assert facts["variable call"]["parameters"] == {"threshold": "0.25", "output": "/a/b c"}
    assert facts["no options"] == {"value": "ok"}
    assert facts["no options call"]["parameters"] == {}


def test_other_commands_run_as_in_fiji(facts):
    assert float(facts["others"]["value"]) == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown key", "Did you mean 'model'?"),
        ("bracket", "a ] for every ["),
        ("defect", "ValueError: bad model"),
        ("disk", "StorageError/full: /results"),
        ("java memory", "ImageJ's memory of"),
        ("no image", "There are no images open."),
        ("no rois", "ROIs in the ROI Manager"),
    ],
)
def test_errors_are_words_and_abort_the_macro(facts, name, words):
    assert facts[name]["error"] == "MacroFailed"
    assert words.lower() in facts[name]["message"].lower()
    assert f"\nAFTER {name}" not in facts["output"]
    assert words.split()[0] in facts["output"]


def test_after_errors_everything_is_as_it_was(facts):
    assert facts["after errors"]["alive"] == {"value": "alive"}
    assert facts["run raises"]["message"] == "java.lang.RuntimeException: Macro canceled"
    assert facts["untouched"] == {"overlay": True, "selection": "java.awt.Rectangle[x=1,y=2,width=3,height=4]"}
    assert "PyExceptionProxy" not in facts["output"]


def test_a_script_can_have_the_error_itself(facts):
    assert facts["run says why"]["error"] == "BadValue"
    assert "Did you mean 'model'?" in facts["run says why"]["message"]
    assert facts["run of a defect"]["error"] == "MacroFailed"


def test_the_selection_is_measured_where_there_is_nothing_else(facts):
    assert facts["selection measured"] == {"value": "1"}


def test_stacks_give_the_current_plane_and_rois_its_position(facts):
    assert facts["stack call"]["position"] == [1, 4, 1]
    assert facts["stack"] == [[4, 0, 4, 0]] * 3
    assert facts["hyperstack"] == [[0, 2, 3, 4]] * 3
    assert facts["other slice"]["error"]
    assert "3 ROIs, all in other slices" in facts["other slice error"]


def test_how_a_macro_ends_is_known(facts):
    assert facts["exit"] == facts["exit()"] == {"value": ""}
    assert facts["argument"] == {"value": "an argument"}
    for name in ("exit with words", "undefined", "unknown command"):
        assert facts[name]["error"] == "MacroFailed"


def test_group_colours_are_there(facts):
    assert "LUT not found" not in facts["output"]
