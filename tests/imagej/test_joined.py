"""``attach``: the commands in an ImageJ that someone else started."""

import pytest

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def headless(script):
    return script("joined", "headless")


def test_joined_without_our_class(headless):
    assert headless["bridge"] is False
    assert headless["inactive"]["error"] == "MissingSoftware"


def test_a_java_that_does_not_fit_is_refused_in_words(headless):
    assert headless["other java"]["error"] == "Refused"
    assert "Java was already started headless, with ImageJ 1.54p" in headless["other java"]["message"]


def test_commands_run_from_scripts_and_macros(headless):
    assert headless["call"]["parameters"] == {"model": "two words", "threshold": "0.4"}
    assert headless["overlay"] == 3
    assert headless["macro"] == {"value": "ok"}
    assert headless["macro call"]["image"] == "m"


def test_python_functions_change_nothing(headless):
    assert headless["python"] == [3, 6]
    assert headless["overlay after python"] == 3


def test_errors_are_words_and_abort_the_macro(headless):
    assert headless["error"] != {"value": "on"}
    assert "ValueError: bad model" in headless["last error"]
    assert "\nAFTER" not in headless["output"]


@pytest.mark.window
def test_joined_with_windows(script, display):
    facts = script("joined", "window", **display)
    assert facts["bridge"] is False
    assert facts["call"]["parameters"] == {"model": "two words", "threshold": "0.4"}
    assert facts["macro"] == {"value": "ok"}
    assert facts["another command while the dialog is open"] == [255, True]
    assert facts["clicked"] == [1, "x.tif"]
    assert (
        facts["recorded"][-1] == 'run("TEMJ Predict...", "model=loops threshold=auto '
        'device=auto outline=auto area=auto manager=auto skeleton=auto report=auto");'
    )
