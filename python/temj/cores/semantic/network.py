"""The network of a semantic core, with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temj.cores.encoders import drop_unused, require_encoder
from temj.cores.semantic.settings import U_NET_FAMILY, SemanticSettings
from temj.errors import BadValue

if TYPE_CHECKING:
    import torch


def build(settings: SemanticSettings, inputs: int) -> torch.nn.Module:
    """The network with random weights (seed torch before), in channels_last, evaluation mode.

    Its output (n, o, h, w) are logits: the background where the classes share a softmax, the classes, and the channel
    that tells objects apart where there is one.

    Args:
        settings: of the core.
        inputs: number of input channels.

    Raises:
        BadValue: ``unknown-encoder``, or ``encoder``: it does not go with this architecture, depth or input.
    """
    import segmentation_models_pytorch as smp
    import torch

    require_encoder(settings.encoder)
    outputs = len(settings.classes) + settings.softmax + settings.learns_objects
    try:
        network = getattr(smp, settings.architecture)(
            encoder_name=settings.encoder,
            encoder_weights=None,
            in_channels=inputs,
            classes=outputs,
            **_options(settings),
        )
    except (KeyError, RuntimeError, ValueError, TypeError, AssertionError, NotImplementedError) as error:
        raise BadValue(
            "encoder",
            where=settings.encoder,
            expected=f"an encoder that goes with {settings.architecture}, encoder_depth {settings.encoder_depth} "
            f"and {inputs} input channel{'s' if inputs > 1 else ''}",
            found=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            remedy="Use another encoder such as resnet18, encoder_depth=5, or channels=gray:3 for encoders of "
            "three channels (mit_b0 …).",
        ) from error
    network.eval()
    if settings.encoder_depth < 5:
        drop_unused(network.encoder, inputs, 2**settings.encoder_depth)
    return network.to(memory_format=torch.channels_last)


def _options(settings: SemanticSettings) -> dict[str, Any]:
    """What an architecture takes besides."""
    options: dict[str, Any] = {}
    if settings.architecture in (*U_NET_FAMILY, "Linknet", "FPN") and settings.encoder_depth != 5:
        options["encoder_depth"] = settings.encoder_depth
    if settings.architecture in U_NET_FAMILY:
        options["decoder_channels"] = settings.stages
    return options
