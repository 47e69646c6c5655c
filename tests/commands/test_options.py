import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.commands.options import macro_string, read_options, write_options
from temj.errors import BadValue


def test_reads_flags_values_and_brackets() -> None:
    read = read_options("model=loops threshold=0.5 output=[/a b/[x] threshold=9] ellipses overwrite=true ")
    assert read == {
        "model": "loops",
        "threshold": "0.5",
        "output": "/a b/[x] threshold=9",
        "ellipses": True,
        "overwrite": "true",
    }


@pytest.mark.parametrize("options", ["output=[/a b threshold=0.5", "output=[[a] ellipses"])
def test_a_bracket_that_does_not_close_is_an_error_not_the_default(options: str) -> None:
    with pytest.raises(BadValue, match="brackets"):
        read_options(options)


def test_a_key_given_twice_is_an_error() -> None:
    with pytest.raises(BadValue, match="twice"):
        read_options("threshold=0.5 threshold=0.6")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True),
        st.one_of(st.just(True), st.text(alphabet="ab []=\\'\"é%#&;", max_size=10)),
        max_size=4,
    )
)
def test_what_is_written_is_read_back_or_refused(values: dict[str, str | bool]) -> None:
    try:
        line = write_options(values)
    except BadValue:
        depths = [
            text.count("[") != text.count("]") or "][" in text or "]" in text
            for text in values.values()
            if text is not True
        ]
        assert any(depths)
    else:
        assert read_options(line) == values


def test_line_breaks_are_refused() -> None:
    with pytest.raises(BadValue, match="one line"):
        write_options({"output": "a\nb"})


def test_macro_strings_escape_backslash_and_quote() -> None:
    assert macro_string('C:\\a "b"') == '"C:\\\\a \\"b\\""'
