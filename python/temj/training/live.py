"""What is told of a training while it runs: one value, from which terminal, files and windows are made."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temj import storage
from temj.errors import MissingSoftware
from temj.training.curve import CURVE_CSV, CURVE_PNG, curve_csv, curve_png

VALIDATION_PNG, BOARD = "validation.png", "tensorboard"
_SHARE = 0.015
"""Of the time of a run that drawing the curve may take; a validation that comes too soon leaves the older picture."""
_FIRST_DRAWING = 0.5

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Update:
    """Where a training stands after a step; :meth:`as_json` is what a window is sent.

    Attributes:
        step, steps: done, and in all.
        epoch, epochs: the same in epochs, also parts of one.
        loss: mean since the last validation; None where no step counted.
        learning_rate: of the next step.
        metrics: of the last validation by name: ``IoU`` (mean over the classes), ``IoU at 2 x the pixel size``,
            ``object F1``, ``threshold``, and ``IoU of <class>`` where there are several; empty before the first one.
        best: the best score so far, which is the mean IoU over the views; None before the first validation.
        seconds_left: until the last step at the pace so far.
        picture: path of the picture of predictions; None before the first validation.
        validated: whether this step was validated, so that ``metrics`` and picture are new.
    """

    step: int
    steps: int
    epoch: float
    epochs: float
    loss: float | None
    learning_rate: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    best: float | None = None
    seconds_left: float = 0.0
    picture: str | None = None
    validated: bool = False

    @property
    def score(self) -> float | None:
        """Mean IoU over the views at the last validation, as ``best``; None before the first one."""
        views = [value for name, value in self.metrics.items() if name == "IoU" or name.startswith("IoU at ")]
        return sum(views) / len(views) if views else None

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values; what is not known is None."""
        values = dataclasses.asdict(self) | {"metrics": dict(self.metrics)}
        return _without_nan(values)

    @property
    def message(self) -> str:
        """What a user reads while waiting."""
        loss = "" if self.loss is None else f", loss {self.loss:.3f}"
        known = ""
        if self.score is not None and self.best is not None:
            known = f", validation IoU {self.score:.3f} (best {self.best:.3f})"
            objects = self.metrics.get("object F1", math.nan)
            known += "" if math.isnan(objects) else f", object F1 {objects:.3f}"
        return f"epoch {_epochs(self.epoch)} of {_epochs(self.epochs)}{loss}{known}, {_time(self.seconds_left)} left"


def _epochs(number: float) -> str:
    """Whole numbers as they are, parts of an epoch with one digit (two below one)."""
    if abs(number - round(number)) < 1e-9:
        return str(round(number))
    return f"{number:.2f}" if number < 1 else f"{number:.1f}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _without_nan(value: Any) -> Any:
    """NaN and infinity are no JSON."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Live:
    """Tells the terminal, a callback and the files of the run folder the same.

    The picture of the curve is drawn again at a validation as long as drawing has taken less than 1.5 % of the time;
    the curve as CSV and the picture of predictions are new at each.

    Args:
        folder: where the files go while the run lasts; it exists.
        progress: called with (message, steps done, steps in all) after every step.
        on_update: called with every :class:`Update`; what it raises ends the training.
        board: where the curve is written for TensorBoard; None where it is not.
    """

    def __init__(
        self,
        folder: Path,
        progress: Progress,
        on_update: Callable[[Update], None] | None = None,
        board: Board | None = None,
    ):
        self._folder, self.progress, self._on_update, self._board = folder, progress, on_update, board
        self._began, self._drawing, self._last = time.monotonic(), 0.0, _FIRST_DRAWING

    @property
    def picture(self) -> Path:
        """Of predictions on validation images, after the first validation."""
        return self._folder / VALIDATION_PNG

    def tell(self, update: Update) -> None:
        """After a step."""
        self.progress(update.message, update.step, update.steps)
        if update.validated and self._board:
            self._board.write(update)
        if self._on_update:
            self._on_update(update)

    def show(self, rows: Sequence[Mapping[str, float | None]], picture: bytes) -> None:
        """After a validation: the curve so far and the picture (PNG) of predictions."""
        storage.write_bytes(self._folder / CURVE_CSV, curve_csv(rows))
        storage.write_bytes(self.picture, picture)
        before = time.monotonic()
        if self._drawing + self._last <= _SHARE * (before - self._began):
            storage.write_bytes(self._folder / CURVE_PNG, curve_png(rows))
            self._last = time.monotonic() - before
            self._drawing += self._last


class Board:
    """The curve for TensorBoard: an event file with a value a validation.

    Args:
        folder: of the event files; those of another run are removed unless ``step`` says that it goes on.
        step: the step that the run goes on from; what was written after it is not shown.
    """

    def __init__(self, folder: Path, step: int):
        writer = _summary_writer()
        if step == 0 and folder.is_dir():
            for old in folder.glob("events.out.tfevents.*"):
                old.unlink()
        self._writer = writer(str(folder), purge_step=step + 1 if step else None)

    def write(self, update: Update) -> None:
        """The values of a validation."""
        if update.loss is not None:
            self._writer.add_scalar("loss", update.loss, update.step)
        self._writer.add_scalar("learning rate", update.learning_rate, update.step)
        for name, value in update.metrics.items():
            if math.isfinite(value):
                self._writer.add_scalar(f"validation/{name}", value, update.step)
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


@contextlib.contextmanager
def board(folder: Path, wanted: bool, step: int) -> Iterator[Board | None]:
    """A :class:`Board` that is closed at the end, where one is wanted."""
    if not wanted:
        yield None
        return
    made = Board(folder, step)
    try:
        yield made
    finally:
        made.close()


def require_board() -> None:
    """Prove that TensorBoard's files can be written.

    Raises:
        MissingSoftware: the library is not installed.
    """
    _summary_writer()


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingSoftware(
            "tensorboard",
            expected="the library tensorboard, which writes the files that TensorBoard shows",
            found=str(error),
            remedy="Install it with 'pip install tensorboard', or train without it: the curve is in "
            f"{CURVE_CSV} and {CURVE_PNG} anyway.",
        ) from error
    return SummaryWriter
