"""What a user is told of start weights: what they are, what fits, what does not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temj.cores.detection import Detector
from temj.models.folder import Model
from temj.models.starting.cache import Held
from temj.models.starting.matching import COUNTER, Match

if TYPE_CHECKING:
    import torch

    from temj.cores.base import Predictor

_SHOWN = 10


def by_hand(url: str, target: Path) -> str:
    """What to do where the net cannot be reached."""
    return (
        f"Fetch {url} on a computer that can, and put it here as {target}; or name the file: --start FILE; "
        "or begin with --start random."
    )


def counts(found: Match, network: torch.nn.Module, part: str = "") -> tuple[int, int]:
    """(tensors that fit, tensors there are) of a network or a part of it; counters are none."""
    names = [name for name in network.state_dict() if name.startswith(part) and not name.endswith(COUNTER)]
    return sum(name in found.state for name in names), len(names)


def differences(found: Match) -> str:
    """What did not match: numbers, and the first ten of each kind."""
    told = (
        ("of another shape", found.differing),
        ("not in the file", found.missing),
        ("without a place in the network", found.unused),
    )
    return "; ".join(f"{len(names)} {what} ({_first(names)})" for what, names in told if names) or "all fits"


def of_file(told: str, held: Held, found: Match) -> tuple[str, ...]:
    """The notes on weights of a file."""
    proof = f"sha256 {held.sha256[:12]}…, {'compared with ' + held.proof if held.proof else 'compared with nothing'}"
    part = "the encoder" if found.place else "the network"
    learned = sum(not name.endswith(COUNTER) for name in found.state)
    return (
        f"start weights: {told} ({proof}): {learned} tensors of {part}",
        *_changed(found),
        *([f"start weights that did not match: {differences(found)}"] if differences(found) != "all fits" else []),
    )


def of_model(model: Model, theirs: Predictor, core: Predictor, found: Match, new_head: str) -> tuple[str, ...]:
    """The notes on the weights of another model."""
    loaded, of = counts(found, core.network)
    notes = [f"start weights: model {model.name} (sha256 {model.sha256[:12]}…): {loaded} of {of} tensors"]
    if found.place:
        mine, other = (_kind(each) for each in (core, theirs))
        notes.append(f"only its encoder is taken: it is a {other}, the new model a {mine}")
    elif new_head:
        notes.append(f"the last layer begins anew: {new_head}")
    elif tuple(theirs.classes) != tuple(core.classes):
        pairs = [f"{old} → {new}" for old, new in zip(theirs.classes, core.classes, strict=True) if old != new]
        notes.append(f"the last layer is kept although classes are named differently: {', '.join(pairs)}")
    notes += _changed(found)
    if found.differing and (isinstance(core, Detector) or not new_head):
        notes.append(f"start weights that did not match: {differences(found)}")
    return tuple(notes)


def _kind(core: Predictor) -> str:
    """What a network is called."""
    return f"detector of {core.name}" if isinstance(core, Detector) else getattr(core.settings, "architecture", "core")


def why_new_head(theirs: Predictor, core: Predictor) -> str:
    """Why the last layer of a model means something else than that of a new one; "" where it means the same."""
    before, now = _outputs(theirs), _outputs(core)
    moved = [name for name in before if name in now and before.index(name) != now.index(name)]
    kinds = [name for name in (*before, *now) if name.startswith(":") and not (name in before and name in now)]
    if len(before) == len(now) and not moved and not kinds:
        return ""
    tell = (", ".join(name.lstrip(":") for name in names) for names in (before, now))
    return "the model tells {}, the new one {}".format(*tell)


def _outputs(core: Predictor) -> list[str]:
    """What each output channel of a core stands for; ``:`` before what is no class."""
    settings: Any = core.settings
    names = [":background"] if getattr(settings, "softmax", False) else []
    names += list(core.classes)
    return names + ([f":{settings.instances}"] if getattr(settings, "learns_objects", False) else [])


def _changed(found: Match) -> list[str]:
    if found.channels is None:
        return []
    before, now = found.channels
    how = "added up to one" if now == 1 else f"taken in turn for {now}, times {before}/{now}"
    return [f"the first layer was made for {before} channel{'s' if before > 1 else ''}: {how}"]


def _first(names: Iterable[str]) -> str:
    names = list(names)
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
