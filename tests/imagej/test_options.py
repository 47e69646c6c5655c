"""Options strings of the commands: read, written, and the same after a round trip."""

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from temj import commands
from temj.commands.base import views
from temj.commands.repeat import macro_options
from temj.errors import BadValue
from temj.imagej import options

PREDICT = views(commands.command("predict").parameters, "imagej")
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), min_size=1
)


def unescaped(text):
    """What the macro language makes of a string literal."""
    return text.replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\")


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("", {}),
        ("model=loops threshold=0.5 ellipses ", {"model": "loops", "threshold": "0.5", "ellipses": True}),
        ("ellipses=true overwrite=false", {"ellipses": True, "overwrite": False}),
        ("ellipses=FALSE Model=a", {"ellipses": False, "model": "a"}),
        ("output=[/a threshold=0.01/b] threshold=0.5", {"output": "/a threshold=0.01/b", "threshold": "0.5"}),
        ("output=[/a [1] b] pixel_size=0.39", {"output": "/a [1] b", "pixel_size": "0.39"}),
        ("output=[] pixel_size=[] model=a", {"pixel_size": "", "model": "a"}),
        ("output=/it's/a=b", {"output": "/it's/a=b"}),
    ],
)
def test_reads(line, values):
    assert options.parse(line, PREDICT) == values


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("modle=a", "Did you mean 'model'?"),
        ("size=3", "pixel_size"),
        ("images=a.tif", "unknown-parameter"),
        ("resume", "unknown-parameter"),
        ("output=[/a/b threshold=0.5", "a ] for every ["),
        ("model", "model=VALUE"),
        ("ellipses=maybe", "true or false"),
        ("model=a model=b", "each key once"),
        ("model=a MODEL=b", "each key once"),
        ("=3", "unknown-parameter"),
        ("output=[/a]b", "unknown-parameter"),
    ],
)
def test_what_cannot_be_read_is_an_error(line, words):
    with pytest.raises(BadValue, match=words.replace("[", r"\[").replace("?", r"\?")):
        options.parse(line, PREDICT)


def test_macro_variables():
    assert options.parse("threshold=&t model=&m", PREDICT, {"t": "0.25"}.get) == {"threshold": "0.25", "model": "&m"}


def test_the_recorded_line_is_complete():
    values = {"model": "loops", "threshold": "0.5", "ellipses": True, "output": "/a b/c", "pixel_size": ""}
    line = (
        "model=loops threshold=0.5 ellipses output=[/a b/c] "
        "device=auto outline=auto area=auto manager=auto skeleton=auto report=auto"
    )
    assert macro_options(values, PREDICT) == line


@given(model=TEXT, folder=TEXT, ellipses=st.booleans())
@example(model="a b", folder="/x [1]/ü", ellipses=True)
@example(model="x=y", folder="/it's", ellipses=False)
@example(model='say "no"', folder="/a", ellipses=False)
@example(model="back\\slash", folder="/a", ellipses=False)
def test_a_written_line_reads_back_or_is_refused(model, folder, ellipses):
    folder = PurePosixPath("/out", folder).as_posix()
    try:
        line = macro_options({"model": model, "output": folder, "ellipses": ellipses}, PREDICT)
    except BadValue:
        bad = [text for text in (model, folder) if "[" in text or "]" in text or len(text.splitlines()) != 1]
        assert bad
        return
    wanted = {"model": model, "output": folder} | ({"ellipses": True} if ellipses else {})
    assert options.parse(unescaped(line), PREDICT) == wanted | {
        "threshold": "auto",
        "device": "auto",
        "outline": "auto",
        "area": "auto",
        "manager": "auto",
        "skeleton": "auto",
        "report": "auto",
    }


@pytest.mark.parametrize("name", ["/a/[b", "/a/b]", "/a]b["])
def test_a_value_that_no_line_can_hold_is_refused(name):
    with pytest.raises(BadValue, match=r"output\. Expected a value whose square brackets match"):
        macro_options({"output": name}, PREDICT)
