"""Several networks of one kind that answer together: the mean of their probabilities.

Averaging the answers of networks that were trained on different parts of the data is bagging (Breiman 1996, Bagging
predictors). It costs as many passes as there are members.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from temj.cores.base import Predictor
from temj.cores.channels import Channels
from temj.cores.settings import wrong_setting
from temj.data import Instances
from temj.errors import BadValue

if TYPE_CHECKING:
    import torch

NAME = "ensemble"


class EnsembleSettings(BaseModel):
    """What an ensemble is built from; a card holds all of it.

    Attributes:
        core: the core of every member, a name of :data:`temj.cores.CORES`.
        members: how many there are.
        settings: of the core, as all members have them.
        own: settings in which the members differ, such as the weights of the classes in their losses: one mapping a
            member, or nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    core: str
    members: int = Field(ge=1, le=100)
    settings: dict[str, JsonValue] = {}
    own: tuple[dict[str, JsonValue], ...] = ()


class Ensemble:
    """The mean answer of its members; prepared and decoded as the first of them does.

    ``network`` is a ``torch.nn.ModuleList`` of the members' networks, so its state dict has the names of theirs behind
    ``0.``, ``1.`` … Whatever else the inner core has (``wants_objects`` …) is that of the first member.
    """

    def __init__(self, settings: Mapping[str, Any]):
        try:
            self.settings = EnsembleSettings.model_validate(dict(settings))
        except ValidationError as error:
            raise wrong_setting(EnsembleSettings, error, NAME) from None
        from temj.cores import DETECTORS

        chosen = self.settings
        if chosen.core in (NAME, *DETECTORS):
            raise _wrong("core", "a core that answers with a map, whose mean can be taken", repr(chosen.core))
        if len(chosen.own) not in (0, chosen.members):
            raise _wrong("own", f"one mapping for each of the {chosen.members} members", len(chosen.own))
        from temj.cores import make_core

        own = chosen.own or ({},) * chosen.members
        self.members: tuple[Predictor, ...] = tuple(make_core(chosen.core, chosen.settings | each) for each in own)
        unlike = [one for one in self.members if (one.classes, one.channels) != (self.classes, self.channels)]
        if unlike:
            raise _wrong("own", "members with equal classes and channels", repr(unlike[0].classes))

    def __getattr__(self, name: str) -> Any:
        # Only what is not found otherwise; never before the members are there (copying, unpickling).
        if name == "members" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.members[0], name)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, without the background."""
        return self.members[0].classes

    @property
    def channels(self) -> Channels:
        """The recipe of the input channels."""
        return self.members[0].channels

    @property
    def stride(self) -> int:
        """Height and width of a batch must be multiples of this."""
        return self.members[0].stride

    @functools.cached_property
    def _networks(self) -> torch.nn.ModuleList:
        import torch

        return torch.nn.ModuleList([member.network for member in self.members])

    @property
    def network(self) -> torch.nn.ModuleList:
        """The networks of all members, in their order."""
        return self._networks

    @network.setter
    def network(self, networks: Sequence[torch.nn.Module]) -> None:
        import torch

        for member, network in zip(self.members, networks, strict=True):
            member.network = network
        self._networks = torch.nn.ModuleList(networks)

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """What every member sees of a whole micrograph: float32 (c, h, w), as the inner core prepares it."""
        return self.members[0].prepare(pixels)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Prepared images (n, c, h, w) → the mean of the members' answers, float32 (n, r, h, w)."""
        total = self.members[0].forward(batch)
        for member in self.members[1:]:
            total = total + member.forward(batch)
        return total / len(self.members)

    def decode(self, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        """The objects in the mean answer (r, h, w), as the inner core reads its own."""
        return self.members[0].decode(raw, threshold, scale)


def joined(core: str, settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of the ensemble whose members are cores ``core`` with these settings (JSON values)."""
    first = dict(settings[0])
    different = {name for each in settings for name in {*first, *each} if each.get(name) != first.get(name)}
    return {
        "core": core,
        "members": len(settings),
        "settings": {name: value for name, value in first.items() if name not in different},
        "own": [{name: each[name] for name in sorted(different) if name in each} for each in settings]
        if different
        else [],
    }


def joined_weights(states: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The state dict of an ensemble from those of its members."""
    return {f"{number}.{name}": tensor for number, state in enumerate(states) for name, tensor in state.items()}


def _wrong(setting: str, expected: str, found: object) -> BadValue:
    return BadValue(
        "core-setting",
        where=f"core.settings.{setting}" if setting else "core.settings",
        expected=expected,
        found=found,
        remedy=f"Correct this setting of the core '{NAME}'.",
    )
