"""What pydantic refuses, in words."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from temj.wording import first_fault


class Thing(BaseModel):
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    count: int | None = Field(None, ge=1)
    rate: float = Field(1.0, gt=0, lt=2)
    side: Literal[2, 4] = 2
    sizes: tuple[Annotated[float, Field(gt=0)], ...] = ()
    levels: tuple[tuple[Annotated[float, Field(gt=0)], ...], ...] = ()
    ready: bool = True
    odd: int | Literal["all"] = 1

    @model_validator(mode="after")
    def _fits(self):
        if self.count == 7:
            raise ValueError("count must be another number than 7")
        if self.share == 0.25:
            raise ValueError("nothing goes with a quarter")
        return self


@pytest.mark.parametrize(
    ("values", "where", "expected", "found"),
    [
        ({"share": 1.5}, "share", "a number from 0 to 1", "1.5"),
        ({"share": "x"}, "share", "a number from 0 to 1", "'x'"),
        ({"count": 0}, "count", "a whole number of at least 1", "0"),
        ({"count": 1.5}, "count", "a whole number of at least 1", "1.5"),
        ({"rate": 2}, "rate", "a number above 0 and below 2", "2"),
        ({"side": 3}, "side", "one of: 2, 4", "3"),
        ({"sizes": [1, 0]}, "sizes, value 2", "a number above 0", "0"),
        ({"levels": [[1], [2, -3]]}, "levels, value 2", "a number above 0", "-3"),
        ({"ready": "perhaps"}, "ready", "yes or no", "'perhaps'"),
        ({"count": 7}, "count", "another number than 7", "7"),
        ({"share": 0.25}, "", "nothing goes with a quarter", None),
        ({"sizes": "a" * 200}, "sizes", "a valid tuple", f"'{'a' * 78}…"),
    ],
)
def test_faults(values, where, expected, found):
    with pytest.raises(ValidationError) as caught:
        Thing(**values)
    fault = first_fault(Thing, caught.value)
    assert (fault.where, fault.expected, fault.found) == (where, expected, found)


def test_a_type_that_says_nothing_is_told_in_the_words_of_pydantic():
    with pytest.raises(ValidationError) as caught:
        Thing(odd="some")
    assert first_fault(Thing, caught.value).expected.startswith("a valid integer")
