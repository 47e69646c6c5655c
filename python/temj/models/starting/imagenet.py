"""What segmentation-models-pytorch and timm offer of an encoder trained on ImageNet, and where it lies."""

from __future__ import annotations

import os
from dataclasses import dataclass

from temj.errors import BadValue

_FILE = "model.safetensors"


@dataclass(frozen=True)
class Offer:
    """A file of Hugging Face, where both libraries keep their weights.

    Attributes:
        repository: such as ``smp-hub/resnet18.imagenet``.
        revision: the commit that the library names, else ``main``.
    """

    repository: str
    revision: str

    @property
    def url(self) -> str:
        """Address of the file (``HF_ENDPOINT`` is honoured)."""
        server = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        return f"{server}/{self.repository}/resolve/{self.revision}/{_FILE}"

    @property
    def name(self) -> str:
        """Its name in TEMJ's cache; the revision is part of it, so that another one is another file."""
        return f"{self.repository.replace('/', '--')}--{self.revision[:12]}.safetensors"

    @property
    def file(self) -> str:
        """Its name there."""
        return _FILE

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision[:12]}"


def offer(encoder: str) -> Offer:
    """The ImageNet weights of an encoder by its name in segmentation-models-pytorch.

    Raises:
        BadValue: ``no-imagenet``: the library has none for this encoder.
    """
    found = _of_timm(encoder.removeprefix("tu-")) if encoder.startswith("tu-") else _of_smp(encoder)
    if found is None:
        raise BadValue(
            "no-imagenet",
            where=encoder,
            expected="an encoder for which the libraries offer weights of ImageNet",
            found="none for this one",
            remedy="Use another encoder such as resnet18 or efficientnet-b0, use --start random, or name a file.",
        )
    return found


def _of_smp(encoder: str) -> Offer | None:
    from segmentation_models_pytorch.encoders import encoders

    offers = encoders.get(encoder, {}).get("pretrained_settings", {})
    name = next((name for name in ("imagenet", "imagenet+5k") if "repo_id" in offers.get(name, {})), None)
    return Offer(offers[name]["repo_id"], offers[name]["revision"]) if name else None


def _of_timm(model: str) -> Offer | None:
    import timm

    config = timm.get_pretrained_cfg(model)
    if config is None or not config.hf_hub_id or config.custom_load or (config.hf_hub_filename or _FILE) != _FILE:
        return None
    return Offer(config.hf_hub_id, "main")
