"""Which tensor of a file belongs to which place of a network: names, shapes, input channels.

Names differ between programs only by what stands before them (``module.`` of parallel training, ``encoder.``,
``backbone.`` …) and by how lists are written (``norm.1``, ``norm1``, ``stages_0``). Shapes decide the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_WRAPPERS = ("module", "_orig_mod")
_DEPTH = 4
COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Match:
    """What of a file goes where.

    Attributes:
        state: name in the network → tensor of the network's shape and dtype.
        place: what stands before the names that were compared: "" for all of the network, or ``encoder.``.
        missing: names of the place that the file has nothing for.
        differing: those that it has in another shape, in words.
        unused: names of the file that have no place.
        channels: (of the file, of the network) where the input channels differ.
    """

    state: Mapping[str, torch.Tensor]
    place: str
    missing: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    channels: tuple[int, int] | None = None

    def without(self, prefix: str) -> Match:
        """The same without what begins with ``prefix``, which is then missing."""
        left = tuple(name for name in self.state if name.startswith(prefix))
        kept = {name: value for name, value in self.state.items() if name not in left}
        return Match(kept, self.place, (*self.missing, *left), self.differing, self.unused, self.channels)


def match(
    source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor], places: Sequence[str], channels: int
) -> Match:
    """Find the reading of a file under which most of its tensors fit a network.

    Args:
        source: name → tensor of the file.
        target: name → tensor of the network.
        places: prefixes in the network that the file may be about, such as "" and ``encoder.``.
        channels: input channels of the network.
    """
    names = {_plain(name): name for name in source}
    best, score = ("", ""), (0, 0)
    for place in places:
        index = _index(target, place)
        for prefix in _prefixes(names):
            named = [(names[name], index[name[len(prefix) :]]) for name in names if _has(name, prefix, index)]
            fits = sum(source[ours].shape == target[theirs].shape for ours, theirs in named)
            if (fits, len(named)) >= score:  # of equals the later place, which says more
                best, score = (place, prefix), (fits, len(named))
    place, prefix = best
    if not score[1]:
        return Match({}, places[-1], tuple(target), (), tuple(source))
    index = _index(target, place)
    pairs = {index[name[len(prefix) :]]: names[name] for name in names if _has(name, prefix, index)}
    return _take(source, target, pairs, place, channels)


def _take(
    source: Mapping[str, torch.Tensor],
    target: Mapping[str, torch.Tensor],
    pairs: Mapping[str, str],
    place: str,
    channels: int,
) -> Match:
    state, differing, adapted = {}, [], None
    for name, theirs in pairs.items():
        value, own = source[theirs], target[name]
        if value.is_floating_point() != own.is_floating_point():
            differing.append(f"{name} is {value.dtype}, the network has {own.dtype}".replace("torch.", ""))
        elif value.shape == own.shape:
            state[name] = value.to(own.dtype)
        elif _is_input(value, own, channels):
            state[name], adapted = fit_channels(value.to(own.dtype), channels), (value.shape[1], channels)
        else:
            differing.append(f"{name} is {_size(value)}, the network has {_size(own)}")
    wanted = [name for name in target if name.startswith(place)]
    missing = tuple(name for name in wanted if name not in pairs and not name.endswith(COUNTER))
    unused = tuple(name for name in source if name not in pairs.values())
    return Match(state, place, missing, tuple(differing), unused, adapted)


def _is_input(value: torch.Tensor, own: torch.Tensor, channels: int) -> bool:
    """Whether two kernels differ only in the number of input channels, and the network's is that of its input."""
    return (
        value.ndim == own.ndim == 4
        and own.shape[1] == channels
        and value.shape[0] == own.shape[0]
        and value.shape[2:] == own.shape[2:]
        and 1 <= value.shape[1] <= 16
    )


def fit_channels(kernel: torch.Tensor, channels: int) -> torch.Tensor:
    """The kernel of a first convolution for another number of input channels, as segmentation-models-pytorch does.

    One channel gets the sum over the channels: the answer is what the kernel gives for an image whose channels are all
    the same. Several take the channels in turn, times (before / now), which keeps the size of the answer.

    Args:
        kernel: (o, c, h, w).
        channels: n.

    Returns:
        (o, n, h, w).
    """
    before = kernel.shape[1]
    if channels == 1:
        return kernel.sum(1, keepdim=True)
    taken = kernel[:, [number % before for number in range(channels)]]
    return taken * (before / channels)


def _index(target: Mapping[str, torch.Tensor], place: str) -> dict[str, str]:
    """Plain name behind ``place`` → name in the network."""
    return {_plain(name[len(place) :]): name for name in target if name.startswith(place)}


def _prefixes(names: Mapping[str, str]) -> list[str]:
    """All beginnings of names, the shortest first: "", ``encoder.``, ``model.encoder.`` …"""
    found = {""}
    for name in names:
        parts = name.split(".")
        found |= {".".join(parts[:count]) + "." for count in range(1, min(_DEPTH, len(parts) - 1) + 1)}
    return sorted(found, key=lambda prefix: (prefix.count("."), prefix))


def _has(name: str, prefix: str, index: Mapping[str, str]) -> bool:
    return name.startswith(prefix) and name[len(prefix) :] in index


def _plain(name: str) -> str:
    """A name without wrappers, numbers always as parts of their own."""
    parts = [part for part in name.replace("/", ".").split(".") if part not in _WRAPPERS]
    return re.sub(r"[._]?(\d+)", r".\1", ".".join(parts)).lstrip(".")


def _size(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
