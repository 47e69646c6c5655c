"""What a user asks of the core of a training, proved before any data are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temj.cores import make_core
from temj.cores.settings import IN_CARD
from temj.errors import BadValue
from temj.training.options import TrainingOptions
from temj.training.suited import IN_WORDS, settings_in_pixels

_ANY_SIZE = 1.0
"""A pixel size in nm that stands for that of the dataset: whether a length is one does not depend on it."""
_OF_ENCODER = ("unknown-encoder",)


def require_core(core: str, options: TrainingOptions, prefix: str = "") -> None:
    """Prove that there is a core of these settings, as far as no data are needed for it.

    Args:
        core: a name of :data:`temj.cores.CORES`.
        options: of the training; ``settings`` with anchors as :func:`temj.training.suited.settings_in_pixels` takes
            them.
        prefix: what stands before the name of a setting where the user gave it, such as ``settings.`` in Python.

    Raises:
        BadValue: an unknown core, a setting that it does not have or cannot take, an encoder that there is not, or a
            side of the crops that it cannot take; ``where`` is the setting as the user named it.
    """
    try:
        made = _made(core, options.settings)
        if hasattr(made, "check"):
            made.check()
    except BadValue as error:
        raise as_asked(error, core, prefix) from None
    # a classical method is fitted to whole images
    if not hasattr(made, "fit") and "crop" in options.model_fields_set and options.crop % made.stride:
        raise BadValue(
            "crop", where="crop", expected=f"a multiple of {made.stride}, by which the network makes the image smaller",
            found=options.crop, remedy="Choose another size of the crops.",
        )  # fmt: skip


def _made(core: str, settings: Mapping[str, Any]) -> Any:
    """The core, with names of classes that stand for those of the dataset."""
    weights = settings.get("class_weights")  # one of the background and of each class
    count = len(weights) - 1 if isinstance(weights, list | tuple) else 1
    classes = tuple(f"class {number}" for number in range(1, max(count, 1) + 1))
    return make_core(core, {**settings_in_pixels(settings, core, classes, _ANY_SIZE), "classes": classes})


def as_asked(error: BadValue, core: str, prefix: str = "") -> BadValue:
    """The error of a core with its setting named as the user named it; ``prefix`` as for :func:`require_core`."""
    where, found, remedy = error.where or "", error.found, error.remedy
    if error.problem in _OF_ENCODER:
        return BadValue(
            error.problem, where=f"{prefix}encoder", expected=error.expected, found=f"'{where}'", remedy=remedy
        )
    if where.startswith(IN_CARD):
        correct = f"Correct this setting of the core '{core}'."
        instead = f"Give another value, or leave it out to have what is usual for the core '{core}'."
        remedy = (remedy or "").replace(correct, instead)
        return BadValue(
            error.problem, where=prefix + where.removeprefix(IN_CARD), expected=error.expected, found=found,
            remedy=remedy,
        )  # fmt: skip
    if where in IN_WORDS:
        return BadValue(error.problem, where=f"{prefix}{where}", expected=error.expected, found=found, remedy=remedy)
    return error
