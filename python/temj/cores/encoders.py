"""The encoders that networks can have, by name: those of segmentation-models-pytorch."""

from __future__ import annotations

import difflib
import itertools
from typing import TYPE_CHECKING

from temj.errors import BadValue

if TYPE_CHECKING:
    import torch

_TIMM = "tu-"


def require_encoder(name: str) -> None:
    """Prove that segmentation-models-pytorch has an encoder; names of timm begin with ``tu-``.

    Raises:
        BadValue: ``unknown-encoder``; names the nearest ones and the families.
    """
    from segmentation_models_pytorch.encoders import encoders

    if name in encoders:
        return
    known = list(encoders)
    if name.startswith(_TIMM):
        import timm

        if timm.is_model(name.removeprefix(_TIMM)):
            return
        known += [f"{_TIMM}{model}" for model in timm.list_models()]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    advice = f"Did you mean {' or '.join(near)}? " if near else ""
    raise BadValue(
        "unknown-encoder",
        where=name,
        expected=f"an encoder of segmentation-models-pytorch: {', '.join(families())}; or {_TIMM}<name> of timm",
        remedy=f"{advice}Check the spelling; resnet18 is a good start.",
    )


def families() -> list[str]:
    """The families of encoders, each by its first and last name: ``resnet18 … resnext101_32x48d``."""
    from segmentation_models_pytorch.encoders import encoders

    def family(name: str) -> str:
        return encoders[name]["encoder"].__module__

    groups = [list(names) for _, names in itertools.groupby(encoders, family)]
    return [names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}" for names in groups]


def drop_unused(encoder: torch.nn.Module, inputs: int, side: int) -> None:
    """Take out the stages that an encoder of less depth never uses, so that no weights of them are stored."""
    import torch

    used: set[str] = set()
    hooks = [
        part.register_forward_hook(lambda *_, name=name: used.add(name.partition(".")[0]))
        for name, part in encoder.named_modules()
        if name
    ]
    with torch.inference_mode():
        encoder(torch.zeros(1, inputs, 2 * side, 2 * side))
    for hook in hooks:
        hook.remove()
    for name, _ in list(encoder.named_children()):
        if name not in used:
            setattr(encoder, name, torch.nn.Identity())
