"""Rules about shape: what is understood, and where it is said that something is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.measurement.rule_text import LONGEST, Comparison, Rule, read_rules
from temj.measurement.shape_classes import PRESETS, ShapeClasses, shape_classes
from temj.measurement.shape_table import AREAS, LENGTHS, NUMBERS


def test_the_example_of_the_documentation() -> None:
    assert read_rules("crack: AR > 3 and Solidity < 0.9; pore") == (
        Rule("crack", ((Comparison("AR", ">", 3.0), Comparison("Solidity", "<", 0.9)),)),
        Rule("pore"),
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("crack:ar>3and solidity<.9;pore;", "crack: AR > 3 and Solidity < 0.9; pore"),
        ("a: Feret > 200nm or Area >= 1e3 nm2; b", "a: Feret > 200 nm or Area >= 1000 nm²; b"),
        ("a: Feret > 0.2 um; b", "a: Feret > 0.2 µm; b"),
        ("a: Feret > 200", "a: Feret > 200 nm"),
        ("a: Area > 500", "a: Area > 500 nm²"),
        ("a: Feret≥12px; b: Area < 20px^2; c", "a: Feret >= 12 px; b: Area < 20 px²; c"),
        ("a: circ < 0.5 OR Perim. > 3 Å", "a: Circ. < 0.5 or Perim. > 3 Å"),
        ("a: FeretAngle > 30° AND Angle < 20", "a: FeretAngle > 30 ° and Angle < 20 °"),
        ("a: Class == 'my oxide' and AR > 2; b: Class != void", "a: Class = 'my oxide' and AR > 2; b: Class != void"),
        ("a0<100> loop: AR > 2; 1/2<111>", "a0<100> loop: AR > 2; 1/2<111>"),
        ("Riss: SkeletonLength > 1um; Löcher", "Riss: SkeletonLength > 1 µm; Löcher"),
        ("all", "all"),
    ],
)
def test_texts_and_how_they_are_written_down(text: str, canonical: str) -> None:
    assert str(ShapeClasses(read_rules(text))) == canonical
    assert read_rules(canonical) == read_rules(text)


@pytest.mark.parametrize(
    ("text", "character", "words"),
    [
        ("crack: Solidty < 0.9; pore", 8, "Did you mean 'Solidity'"),
        ("crack: AR > 3; pore: Mean > 5", 22, "found 'Mean'"),
        ("crack AR > 3; pore", 1, "colon before a condition"),
        ("crack; pore", 7, "takes all that is left"),
        ("AR > 3; pore", 1, "colon before a condition"),
        ("crack: AR 3; pore", 11, "one of > >= < <="),
        ("crack: AR = 3; pore", 11, "one of > >= < <= behind AR"),
        ("crack: AR > 3,5; pore", 14, "decimal point"),
        ("crack: AR > ; pore", 13, "Expected a number, found the end"),
        ("crack: AR > 3 Solidity < 1; pore", 15, "'and', 'or', ';'"),
        ("crack: AR > 3 nm; pore", 15, "a plain number for AR"),
        ("crack: Feret > 3 furlong; pore", 18, "a unit of a length"),
        ("crack: Area > 3 nm; pore", 17, "a unit of an area"),
        ("crack: Feret > 3 nm2; pore", 18, "a unit of a length"),
        ("crack: (AR > 3); pore", 8, "the name of a column, found '('"),
        ("crack: Class > void; pore", 14, "one of = !="),
        ("crack: Class = ; pore", 16, "the name of a class"),
        (": AR > 3; pore", 1, "the name of a class"),
        ("crack: AR > 3;; pore", 15, "the name of a class, found nothing"),
        ("ignore: AR > 3; pore", 1, "not 'ignore'"),
        ("a,b: AR > 3; pore", 1, "the name of a class"),
        ("", 1, "the name of a class"),
        ("crack: AR > 3; po\nre", 16, "the name of a class"),
    ],
)
def test_errors_name_the_character_and_what_would_be_right(text: str, character: int, words: str) -> None:
    with pytest.raises(BadValue) as error:
        read_rules(text)
    assert error.value.code == "BadValue/shape-rule"
    assert f"shape_rule, character {character}" in error.value.message
    assert words in error.value.message


def test_long_texts_are_refused() -> None:
    with pytest.raises(BadValue, match=f"at most {LONGEST}"):
        read_rules("a: AR > 3;" * LONGEST)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        rules = read_rules(text)
    except BadValue:
        return
    assert read_rules("; ".join(map(str, rules))) == rules


_number = st.floats(0, 1e9).map(lambda value: float(f"{value:.9g}"))
_plain = st.builds(Comparison, st.sampled_from(NUMBERS), st.sampled_from(["<", ">="]), _number)
_length = st.builds(
    Comparison,
    st.sampled_from(LENGTHS + AREAS),
    st.sampled_from([">", "<="]),
    _number,
    st.sampled_from(["nm", "µm", "px"]),
)
_class = st.builds(Comparison, st.just("Class"), st.sampled_from(["=", "!="]), st.sampled_from(["void", "my oxide"]))
_tests = st.lists(_plain | _length | _class, min_size=1, max_size=3).map(tuple)
_rules = st.builds(
    Rule, st.sampled_from(["crack", "pore 2", "a/b"]), st.lists(_tests, min_size=1, max_size=3).map(tuple)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(_rules, min_size=1, max_size=4))
def test_what_is_written_down_is_read_back(rules: list[Rule]) -> None:
    assert read_rules(str(ShapeClasses(tuple(rules)))) == tuple(rules)


def test_presets_and_their_misspellings() -> None:
    for name, text in PRESETS.items():
        assert shape_classes(name) == shape_classes(text)
    with pytest.raises(BadValue, match="Did you mean 'pores-and-cracks'"):
        shape_classes("pores and cracks")
