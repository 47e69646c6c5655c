"""The network of a detector: encoder, feature pyramid, boxes that may hold something, a close look at each of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import nn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from temj.cores.detection.settings import DetectionSettings
from temj.cores.encoders import drop_unused, require_encoder
from temj.errors import BadModel, BadValue

_GROUP = 16
"""Channels of a group of group norm, about."""
PROPOSALS_FOR = 1024 * 1024
"""Pixels of an image for which the proposals of the settings suffice: in a larger one as many times more are looked at.
Measured with 500 discs in 1536²: 457 of them found with the 2,000 of a small image, 496 with 4,500."""


class RCNN(nn.Module):
    """In training mode the losses by name, else for each image what was found (tensors by name).

    Args:
        settings: of the core.
        inputs: number of input channels.
        proposals: ``(settings, channels of a level) -> module (images, features, targets) -> boxes, losses``.
        heads: ``(settings, channels of a level) -> module (features, boxes, sizes, targets) -> found, losses``.
    """

    def __init__(self, settings: DetectionSettings, inputs: int, rpn: nn.Module, heads: nn.Module):
        super().__init__()
        self.encoder = make_encoder(settings, inputs)
        self.neck = Neck(settings, self.encoder.out_channels)
        self.rpn, self.heads = rpn, heads
        if settings.norm == "group":
            in_groups(self)

    def forward(
        self, images: torch.Tensor, targets: Sequence[Mapping[str, torch.Tensor]] | None = None
    ) -> dict[str, torch.Tensor] | list[dict[str, torch.Tensor]]:
        """Images (n, c, h, w); targets one mapping an image (:func:`temj.cores.detection.targets.tensors`)."""
        features = self.neck(self.encoder(images))
        # coordinates and losses are computed in float32, whatever the layers compute in
        features = OrderedDict((name, level.float()) for name, level in features.items())
        if not self.training:
            _require_finite(features.values())
        sizes = [tuple(images.shape[-2:])] * len(images)
        self.rpn.times = max(1.0, images.shape[-2] * images.shape[-1] / PROPOSALS_FOR)
        boxes, losses = self.rpn(ImageList(images, sizes), features, targets)
        found, more = self.heads(features, boxes, sizes, targets)
        return {**losses, **more} if self.training else found


def _require_finite(levels: Iterable[torch.Tensor]) -> None:
    """Prove that nothing that is not a number is taken for an image without objects.

    Raises:
        BadModel: ``nonfinite``.
    """
    if not all(bool(torch.isfinite(level.sum())) for level in levels):
        raise BadModel(
            "nonfinite", expected="finite features", found="NaN or infinity in the network's answer",
            remedy="Try device=cpu; if it stays, the model is not fit for this micrograph.",
        )  # fmt: skip


class Neck(nn.Module):
    """From the stages of an encoder to the levels where objects are looked for: a pyramid, or the last stage alone."""

    def __init__(self, settings: DetectionSettings, channels: Sequence[int]):
        super().__init__()
        self._first, self._last = settings.finest.bit_length() - 1, settings.encoder_depth
        self._levels, self._pyramid = len(settings.strides), settings.pyramid
        norm = _group_norm if settings.norm == "group" else None
        if settings.pyramid:
            # one more than the stages there are
            extra = LastLevelMaxPool() if self._levels > self._last - self._first + 1 else None
            inner = list(channels[self._first : self._last + 1])
            self.pyramid = FeaturePyramidNetwork(inner, settings.width, extra, norm)
        else:
            self.narrow = nn.Conv2d(channels[self._last], settings.width, 1)

    def forward(self, stages: Sequence[torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
        """Level number as text → (n, width, h / stride, w / stride), fine to coarse."""
        if not self._pyramid:
            return OrderedDict([("0", torch.relu(self.narrow(stages[self._last])))])
        named = OrderedDict((str(n), stage) for n, stage in enumerate(stages[self._first : self._last + 1]))
        return OrderedDict(list(self.pyramid(named).items())[: self._levels])


class InFloat(nn.Module):
    """A module whose answers are float32 in mixed precision too: coordinates need more than 8 bits."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: object) -> object:
        """The inner answer, in float32."""
        return _floats(self.inner(*inputs))


def _floats(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.float()
    return type(value)(_floats(each) for each in value) if isinstance(value, list | tuple) else value


def make_encoder(settings: DetectionSettings, inputs: int) -> nn.Module:
    """An encoder with random weights.

    Raises:
        BadValue: ``unknown-encoder``, or ``encoder``: it does not go with this depth or input.
    """
    from segmentation_models_pytorch.encoders import get_encoder

    require_encoder(settings.encoder)
    try:
        encoder = get_encoder(settings.encoder, in_channels=inputs, depth=settings.encoder_depth, weights=None)
        encoder.eval()
        drop_unused(encoder, inputs, 2**settings.encoder_depth)
    except (KeyError, RuntimeError, ValueError, TypeError, AssertionError, NotImplementedError) as error:
        raise BadValue(
            "encoder",
            where=settings.encoder,
            expected=f"an encoder that takes {inputs} channels and has {settings.encoder_depth} stages",
            found=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            remedy="Use another encoder such as resnet18, or encoder_depth=5.",
        ) from error
    return encoder


def _group_norm(channels: int) -> nn.GroupNorm:
    groups = next(count for count in range(max(1, channels // _GROUP), 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels)


def in_groups(network: nn.Module) -> None:
    """Put group norm (Wu and He 2018) in the place of every batch norm of a network, with the activation in it."""
    for name, part in list(network.named_children()):
        if isinstance(part, nn.BatchNorm2d):
            norm, activation = _group_norm(part.num_features), getattr(part, "act", None)  # timm's has one inside
            setattr(network, name, norm if activation is None else nn.Sequential(norm, activation))
        else:
            in_groups(part)
