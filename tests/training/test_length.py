import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.training.length import SHARE, Length, Pace

SECONDS = st.floats(1e-3, 100, allow_nan=False)


def cost(pace: Pace, length: Length, checkpoint_every: float, images: int) -> float:
    """Seconds of a run, step by step."""
    validations = math.ceil(length.steps / length.every)
    steps = length.steps * pace.step + validations * pace.validation
    judged = images if length.judged is None else length.judged
    checkpoints = 1 + min(validations, math.floor(steps / checkpoint_every))
    return steps + checkpoints * pace.checkpoint + pace.end + judged * pace.judging


class TestMinutes:
    @given(SECONDS, SECONDS, SECONDS, SECONDS, SECONDS, st.floats(1, 1e5), st.integers(1, 50), st.integers(1, 40))
    def test_a_run_ends_in_time_unless_it_has_one_step(
        self, step, validation, checkpoint, judging, end, seconds, validations, images
    ):
        pace = Pace(step, validation, checkpoint, judging, end)
        length = pace.length(seconds, 10, validations, 60, images)
        assert length.steps >= 1
        assert 1 <= length.every <= length.steps
        assert length.steps == 1 or cost(pace, length, 60, images) <= seconds * (1 + 1e-9)

    def test_the_time_is_used(self):
        pace = Pace(0.5, 1.0, 0.5, 0.1, 2.0)
        length = pace.length(600, 40, 30, 60, 4)
        assert 0.97 * 600 < cost(pace, length, 60, 4) <= 600
        assert length.epochs == length.steps / 40 != round(length.epochs)

    def test_slow_validations_are_fewer(self):
        def count(validation: float, seconds: float = 600) -> int:
            length = Pace(0.5, validation, 0, 0.1, 0).length(seconds, 40, 30, 60, 4)
            return math.ceil(length.steps / length.every)

        assert count(0.5) == pytest.approx(30, abs=2)
        assert count(3) == math.floor(SHARE * (600 - 0.4) / 3)
        assert count(40) == 3  # three are worth more than the share …
        assert count(100) == 1  # … but not a quarter of the time

    def test_thresholds_are_chosen_on_fewer_images_where_that_takes_long(self):
        assert Pace(0.5, 1, 0, 2.0, 0).length(600, 40, 30, 60, 100).judged == 30
        assert Pace(0.5, 1, 0, 2.0, 0).length(600, 40, 30, 60, 20).judged is None
        assert Pace(0.5, 1, 0, 50.0, 0).length(600, 40, 30, 60, 20).judged == 4


class TestEpochs:
    @given(st.integers(1, 300), st.integers(1, 500), st.integers(1, 60), st.floats(0, 5))
    def test_whole_epochs_lie_between_validations(self, epochs, epoch, validations, share):
        length = Length.of_epochs(epochs, epoch, validations, share)
        assert length.steps == epochs * epoch
        assert length.every % epoch == 0
        count = math.ceil(length.steps / length.every)
        assert 1 <= count <= validations
        assert count <= max(3, SHARE * epochs / share if share else math.inf)

    def test_where_validations_are_cheap_there_are_as_many_as_asked_for(self):
        assert Length.of_epochs(100, 7, 25, 0.001).every == 4 * 7
