"""The folder of a run: what it must match to be resumed, its two checkpoints, and what shows how it goes.

``<output>/training/last.safetensors`` is all of the run at its last checkpoint; ``best.safetensors`` are the
mean weights of the best validation. Beside them are the curve and the picture of predictions as they are now. All are
deleted when the model, which has the last ones, has been written; a stopped run keeps them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temj import storage
from temj.errors import BadValue, Refused
from temj.models.card import CARD
from temj.training import checkpoint
from temj.training.curve import CURVE_CSV, CURVE_PNG
from temj.training.live import BOARD, VALIDATION_PNG
from temj.training.sampling import Picture

if TYPE_CHECKING:
    import torch

_FOLDER, _LAST, _BEST, _TRIAL = "training", "last.safetensors", "best.safetensors", "trial.safetensors"

GO_ON = "Choose another folder, go on with --resume, or replace it with --overwrite."
ANEW = "Train into another folder, or replace the model with --overwrite."


class RunFolder:
    """The checkpoints of the run that makes the model in ``output``."""

    def __init__(self, output: Path):
        self.output, self._folder = output, output / _FOLDER

    @property
    def live(self) -> Path:
        """Where the files are that show how the run goes."""
        return self._folder

    @property
    def board(self) -> Path:
        """Where the files for TensorBoard are; they stay."""
        return self.output / BOARD

    def check(self, resume: bool, overwrite: bool) -> None:
        """Prove that the run may start here, or that there is one to go on with; nothing is written.

        Raises:
            BadValue: nothing to resume here (a mistyped path never starts from zero).
            Refused: a model or an unfinished run is here and may not be replaced.
        """
        finished, unfinished = (self.output / CARD).exists(), (self._folder / _LAST).exists()
        if resume and not unfinished:
            raise BadValue(
                "nothing-to-resume",
                where=self.output,
                expected=f"an unfinished training ({_FOLDER}/{_LAST})",
                found="a finished model" if finished else "none",
                remedy=f"It is finished, there is nothing to go on with. {ANEW}"
                if finished
                else "Check the path, or start without --resume.",
            )
        if (finished or unfinished) and not (resume or overwrite):
            raise Refused(
                "exists",
                where=self.output,
                expected="a new or empty model folder",
                found="an unfinished training" if unfinished else "a finished model",
                remedy=GO_ON if unfinished else ANEW,
            )

    def begin(self, resume: bool) -> None:
        """Make the folder; a new run removes the checkpoints of the one it replaces."""
        storage.make_folder(self.output)
        storage.make_folder(self._folder)
        if not resume:
            self._remove_checkpoints()

    def save(self, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """Replace the last checkpoint."""
        checkpoint.save(self._folder / _LAST, tensors, state)

    def load(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The last checkpoint."""
        return checkpoint.load(self._folder / _LAST)

    def save_best(self, weights: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """Replace the best weights."""
        checkpoint.save(self._folder / _BEST, weights, state)

    def load_best(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The best weights."""
        return checkpoint.load(self._folder / _BEST)

    def seconds_to_save(self, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> float:
        """How long a checkpoint takes here; it is deleted again."""
        before, path = time.monotonic(), self._folder / _TRIAL
        checkpoint.save(path, tensors, state)
        seconds = time.monotonic() - before
        path.unlink()
        return seconds

    def finish(self) -> None:
        """Delete the checkpoints: the model holds what was best."""
        self._remove_checkpoints()
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _remove_checkpoints(self) -> None:
        for name in (_LAST, _BEST, _TRIAL, CURVE_CSV, CURVE_PNG, VALIDATION_PNG):
            (self._folder / name).unlink(missing_ok=True)


def fingerprint(pictures: Mapping[str, Sequence[Picture]]) -> dict[str, str]:
    """``<subset>/<image>`` → sha256 of its pixels and annotation, as they go into the training."""
    found = {}
    for subset, members in pictures.items():
        for picture in members:
            digest = hashlib.sha256()
            outlines = () if picture.instances is None else (picture.instances.shapes.points,)
            for array in (picture.pixels, picture.class_map, picture.objects, *outlines):
                if array is None:
                    continue
                digest.update(f"{array.shape}{array.dtype}".encode())
                digest.update(array.tobytes())
            found[f"{subset}/{picture.name}"] = digest.hexdigest()
    return found


def require_same(stored: Mapping[str, Any], asked: Mapping[str, Any], where: Path) -> None:
    """Prove that a run to be resumed has the same data, classes and recipe.

    Raises:
        BadValue: they differ; the first ten differences are listed.
    """
    # Through JSON, so that tuples and lists are the same.
    before, now = (dict(_flat(json.loads(json.dumps(identity)))) for identity in (stored, asked))
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if not names:
        return
    told = [f"{name}: was {_short(before.get(name))}, now {_short(now.get(name))}" for name in names[:10]]
    more = f"; and {len(names) - 10} more" if len(names) > 10 else ""
    raise BadValue(
        "resume-differs",
        where=where,
        expected="the same data, classes and parameters as when the training was started",
        found="; ".join(told) + more,
        remedy="Resume with the parameters and data of the start, or train into another folder.",
    )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def _short(value: object) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
