"""The encoders that a semantic network can have, by name."""

from __future__ import annotations

import difflib
import itertools

from temj.errors import BadValue

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
