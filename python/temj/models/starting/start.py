"""The start weights of a network: fetched, proved and fitted before the first epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from temj.cores.detection import Detector
from temj.errors import BadModel, BadValue
from temj.models.card import CARD, WEIGHTS
from temj.models.starting import cache, words
from temj.models.starting.download import Progress, Wanted
from temj.models.starting.imagenet import offer
from temj.models.starting.matching import Match, match
from temj.models.starting.sources import Source, open_start, read_source
from temj.models.starting.statedict import decode
from temj.models.weights import build_core, decode_weights, require_finite

if TYPE_CHECKING:
    import torch

    from temj.cores.base import Predictor

_ENCODERS = ("encoder", "backbone")
_HEADS = (
    "segmentation_head.", "heads.box_predictor.", "heads.mask_predictor.inner.mask_fcn_logits.", "heads.predictor.",
)  # fmt: skip
"""The last layers, which know the classes: of semantic cores, of upright boxes, of their masks, of rotated boxes."""
_ANCHORS = ("anchor_sizes", "aspect_ratios", "angles")


@dataclass(frozen=True, eq=False)
class Start:
    """How a network starts.

    Attributes:
        facts: JSON values for the card and the identity of a run: ``start`` (kind), and for all but random ones
            ``source``, ``sha256``, ``proof`` (what it was compared with), ``loaded``, ``of`` (tensors).
        notes: for the user, in words; what did not match among them.
        state: name in the network → tensor; None where nothing is to be put in.
    """

    facts: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    state: Mapping[str, torch.Tensor] | None = field(default=None, repr=False)

    def record(self) -> dict[str, Any]:
        """Facts and notes as JSON values, for the identity of a run; :func:`of_run` reads them."""
        return {**self.facts, "notes": list(self.notes)}


def prepare(
    start: str, core: Predictor, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> Start:
    """Fetch, check and fit start weights; everything that can go wrong does so here, before the first epoch.

    Args:
        start: ``random``; ``imagenet``; a file or an https address of an encoder's or a whole network's state dict
            (``#sha256=`` behind it: required of an address); or a TEMJ model by name or folder.
        core: of the settings of the one that is to start. Its network is built, to know names and shapes, but the
            state of the random generators stays as it is; :func:`apply` puts the weights into another core's.
        progress: called with (message, bytes so far, bytes in all) while something is fetched.
        cancelled: polled meanwhile.

    Raises:
        BadValue: ``start``, ``sha256``, ``no-imagenet``, ``no-encoder``.
        BadModel: ``weights``, ``sha256``, ``nonfinite``; ``architecture``: nothing or too little fits.
        Refused: ``pickle``, ``torchscript``, ``url``, ``too-big``.
        Unreachable: no net, or the file is not there; says which file, and where to put it.
    """
    source = read_source(start)
    if source.kind == "random":
        return Start({"start": "random"})
    if source.kind == "model":
        return _from_model(source, core)
    places = _places(_network(core))  # an unknown encoder is told before anything is fetched
    held, told = _held(source, core, progress or _silent, cancelled)
    state = decode(held.data, held.path)
    found = _fit(core, state, ("", *places))
    _require_enough(found, core, str(held.path), whole_encoder=source.kind == "imagenet")
    facts = {"start": source.kind, "source": told, "sha256": held.sha256, "proof": held.proof}
    return _start(facts, found, core, words.of_file(told, held, found))


def apply(start: Start, network: torch.nn.Module) -> None:
    """Put prepared weights into a network; what they do not say stays as it is.

    Every process of a training applies the same state, so that all start alike.
    """
    if start.state is not None:
        network.load_state_dict({**network.state_dict(), **start.state}, strict=True)


def of_run(record: Mapping[str, Any] | None) -> Start:
    """The start of a run that is resumed: its weights are in the checkpoint, and the file is not asked for again.

    Args:
        record: of :meth:`Start.record`; None for a run of random weights.
    """
    facts = dict(record or {"start": "random"})
    return Start(facts, tuple(facts.pop("notes", ())))


def encoder_of(network: torch.nn.Module) -> str:
    """The name of the part of a network that start weights are for and that can be frozen: ``encoder``, ``backbone``.

    Raises:
        BadValue: ``no-encoder``.
    """
    for name in _ENCODERS:
        if hasattr(network, name):
            return name
    raise BadValue(
        "no-encoder", where=type(network).__name__, expected="a network with an encoder", found="none",
        remedy="Train this one with start=random and freeze=0.",
    )  # fmt: skip


def _network(core: Predictor) -> torch.nn.Module:
    """The network of a core; drawing its random weights leaves the generators as they were."""
    import torch

    with torch.random.fork_rng(devices=[]):
        return core.network


def _silent(message: str, current: int, maximum: int) -> None:
    """Progress for nobody."""


def _places(network: torch.nn.Module) -> tuple[str, ...]:
    """Where in a network a file of an encoder may belong: ``encoder.``, and ``encoder.model.`` for one of timm."""
    name = encoder_of(network)
    inner = [child for child, _ in getattr(network, name).named_children()]
    return (f"{name}.", *([f"{name}.{inner[0]}."] if len(inner) == 1 else []))


def _held(
    source: Source, core: Predictor, progress: Progress, cancelled: Callable[[], bool] | None
) -> tuple[cache.Held, str]:
    """The file of a start, and what it is called in a card."""
    if source.kind == "file":
        return cache.read(Path(source.text).expanduser(), source.sha256, "as given"), source.name
    if source.kind == "url":
        name = PurePosixPath(urlsplit(source.text).path).name or "weights"
        target = cache.folder() / f"{source.sha256[:12]}-{name}"
        wanted = Wanted(name, source.text, target, source.sha256, words.by_hand(source.text, target))
        return cache.obtain(wanted, cache.torch_hub_file(name), progress, cancelled), source.name
    encoder = str(_setting(core, "encoder"))
    found = offer(encoder)
    target = cache.folder() / found.name
    label = f"ImageNet weights of {encoder}"
    wanted = Wanted(label, found.url, target, source.sha256, words.by_hand(found.url, target))
    library = cache.hugging_face_file(found.repository, found.revision, found.file)
    return cache.obtain(wanted, library, progress, cancelled), str(found)


def _fit(core: Predictor, state: Mapping[str, torch.Tensor], places: tuple[str, ...]) -> Match:
    return match(state, core.network.state_dict(), places, len(core.channels.names))


def _require_enough(found: Match, core: Predictor, where: str, whole_encoder: bool) -> None:
    """Prove that a file is about this encoder: nothing of it has another shape, and at least half of it is there.

    Names alone prove nothing: half of ResNet-50's tensors have a namesake of the same shape in ResNet-18.

    Raises:
        BadModel: ``architecture``, with the first ten differences.
    """
    encoder = f"{encoder_of(core.network)}."
    loaded, of = words.counts(found, core.network, encoder)
    other = any(text.startswith(encoder) for text in found.differing)
    if loaded == of or (2 * loaded >= of and not other and not whole_encoder):
        return
    raise BadModel(
        "architecture",
        where=where,
        expected=f"weights of the encoder {getattr(core.settings, 'encoder', '')}".rstrip(),
        found=f"{loaded} of its {of} tensors; {words.differences(found)}",
        remedy="Choose the encoder that the file is of (--encoder), or another file.",
    )


def _from_model(source: Source, core: Predictor) -> Start:
    """Another model: all that fits where the network is of the same kind, else its encoder."""
    model = open_start(source.text)
    encoder = encoder_of(_network(core))
    where = model.folder / WEIGHTS
    state = decode_weights(model.read(WEIGHTS), where)
    theirs = build_core(model.card, model.folder / CARD)
    alike = _alike(theirs, core)
    if not alike:
        state = {name: value for name, value in state.items() if name.startswith(f"{encoder}.")}
    found = _fit(core, state, ("",) if alike else (f"{encoder}.",))
    new_head = words.why_new_head(theirs, core) if alike else ""
    for head in _HEADS if new_head else ():
        found = found.without(head)
    _require_enough(found, core, str(model.folder), whole_encoder=False)
    facts = {"start": "model", "source": model.name, "sha256": model.sha256, "proof": "its card"}
    return _start(facts, found, core, words.of_model(model, theirs, core, found, new_head))


def _alike(theirs: Predictor, core: Predictor) -> bool:
    """Whether two networks are of the same parts: of one architecture, or detectors of the same kind of boxes."""
    if isinstance(core, Detector):
        return isinstance(theirs, Detector) and theirs.columns == core.columns
    return type(theirs) is type(core) and _setting(theirs, "architecture") == _setting(core, "architecture")


def anchors_of(start: str, core: Predictor) -> dict[str, Any]:
    """The anchors of the detector that a detector starts from, whose weights mean nothing with others.

    Args:
        start: as for :func:`prepare`; only the card of a model is read.
        core: the one that is to start.

    Returns:
        Settings; empty where the start is no detector of the same kind of boxes.

    Raises:
        BadValue, BadModel: there is no such model, or it is damaged.
    """
    source = read_source(start)
    if source.kind != "model" or not isinstance(core, Detector):
        return {}
    model = open_start(source.text)
    if not _alike(build_core(model.card, model.folder / CARD), core):
        return {}
    return {name: value for name in _ANCHORS if (value := model.card.core.settings.get(name))}


def _setting(core: Predictor, name: str) -> object:
    return getattr(core.settings, name, None)


def _start(facts: dict[str, Any], found: Match, core: Predictor, notes: tuple[str, ...]) -> Start:
    require_finite(found.state, facts["source"])
    loaded, of = words.counts(found, core.network)
    return Start({**facts, "loaded": loaded, "of": of}, notes, found.state)
