"""Asking a core about a view: with a map or with objects, as it answers."""

from __future__ import annotations

from collections.abc import Callable

from temj.cores import Predictor
from temj.cores.detection import Detector
from temj.inference.network import Network
from temj.training.found import Found
from temj.training.validation import Answers, Reading, View


def kind_of(core: Predictor) -> type[Reading]:
    """How the answers of a core are held."""
    return Found if isinstance(core, Detector) else Answers


def ask(network: Network, view: View, cancelled: Callable[[], bool] | None = None) -> Reading:
    """What a core answers to a view, as in prediction; tiled where the images are large."""
    return kind_of(network.core).of(network, view, cancelled)
