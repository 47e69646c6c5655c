"""What a model is, in words, with the references of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from temj.models import Card
from temj.report.blocks import Sentence
from temj.report.wording import number

_ARCHITECTURES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType({
    "Unet": ("a U-Net", ("unet",)),
    "UnetPlusPlus": ("a U-Net++", ("unetplusplus",)),
    "MAnet": ("a MA-Net", ("manet",)),
    "Segformer": ("a SegFormer", ("segformer",)),
    "FPN": ("a feature pyramid network", ("fpn",)),
})  # fmt: skip
"""segmentation-models-pytorch's name → words and references; others are told by name."""
_DETECTORS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType({
    "boxes": ("a Faster R-CNN", ("fasterrcnn",)),
    "masks": ("a Mask R-CNN", ("maskrcnn", "fasterrcnn")),
    "rotated": ("a Faster R-CNN with rotated boxes", ("fasterrcnn",)),
})  # fmt: skip
_ENCODERS = (
    ("resnet", "resnet"),
    ("efficientnet", "efficientnet"),
    ("timm-efficientnet", "efficientnet"),
    ("mit_", "segformer"),
)
"""How the name of an encoder begins → reference."""
_CLASSICAL: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType({
    "forest": ("a random forest on features of the pixels", ("forest",)),
    "threshold": ("a classical method: a threshold of grey values", ()),
    "watershed": ("a classical method: a threshold, parted by a watershed", ()),
    "blobs": ("a classical method: detection of blobs", ()),
})  # fmt: skip


def network_words(card: Card) -> Sentence:
    """What the core of a model is: no full sentence, such as ``a U-Net with a resnet18 encoder``."""
    name, members = card.core.name, ""
    if name == "ensemble":
        name = str(card.core.settings.get("core", ""))
        members = f"the mean of {number(card.core.settings.get('members'))} networks, each "
    if name in _CLASSICAL:
        words, cite = _CLASSICAL[name]
        return Sentence(members + words, cite)
    if name == "semantic":
        called = str(card.core.setting("architecture", "Unet"))
        words, cite = _ARCHITECTURES.get(called, (f"a network {called}", ()))
        cite = (*cite, "smp")
    else:
        words, cite = _DETECTORS.get(name, (f"a core '{name}'", ()))
        if card.core.setting("pyramid"):
            words, cite = f"{words} on a feature pyramid", (*cite, "fpn")
    encoder = str(card.core.setting("encoder", "") or "")
    if encoder:
        words += f" with a {encoder} encoder"
        cite = (*cite, *(key for begin, key in _ENCODERS if encoder.startswith(begin)))
    return Sentence(members + words, (*cite, "torch"))
