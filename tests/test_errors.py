import pytest

from temj import errors, registry
from temj.errors import BadImage, BadValue


def test_a_message_has_code_place_facts_and_remedy() -> None:
    error = BadImage("truncated", where="/a/b.tif", expected="10 slices", found="1", remedy="Copy the file again.")
    assert error.code == "BadImage/truncated"
    assert str(error) == "BadImage/truncated: /a/b.tif. Expected 10 slices, found 1. Copy the file again."


def test_exit_codes_are_the_documented_ones() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TemjError)]
    codes = {kind.__name__: kind.exit_code for kind in kinds}
    assert {name for name, code in codes.items() if code == 4} == {"StorageError", "ResourceError"}
    assert set(codes.values()) == {2, 4, 130}


def test_an_unknown_name_lists_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(BadValue, match=r"one of: boxes, semantic.*Did you mean 'semantic'"):
        registry.look_up({"semantic": "a:b", "boxes": "c:d"}, "core", "semantik")


def test_a_known_name_is_imported() -> None:
    assert registry.look_up({"x": "temj.errors:BadImage"}, "thing", "x") is BadImage
