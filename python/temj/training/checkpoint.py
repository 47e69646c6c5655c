"""Checkpoints: one safetensors file each, tensors plus JSON in its header, written whole or not at all.

No pickle. Random states and counters are JSON, so that a checkpoint is one file and one rename: after a
kill at any moment the old or the new one is there, never half of each.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temj import storage
from temj.errors import BadModel

if TYPE_CHECKING:
    import torch

FORMAT = 1


def save(path: Path, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
    """Write a checkpoint.

    Args:
        path: the file.
        tensors: name → tensor, of any device; they must be finite where it matters (the caller checks).
        state: JSON values.

    Raises:
        StorageError: the disk is full or fails; the checkpoint that was there is untouched.
    """
    from safetensors.torch import save as as_bytes

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, **state}, allow_nan=False)
    header = {"temj": text, "sha256": _digest(plain, text)}
    storage.write_bytes(path, as_bytes(plain, header))


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and state of a checkpoint.

    Raises:
        BadModel: it is not one, is damaged, or was written by a newer TEMJ.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    data = path.read_bytes()
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])["__metadata__"]
        state = json.loads(header["temj"])
        tensors = from_bytes(data)
    except (SafetensorError, struct.error, KeyError, TypeError, ValueError) as error:
        raise BadModel("checkpoint", where=path, found=str(error), remedy="Start the training anew.") from error
    if state.get("format") != FORMAT:
        raise BadModel(
            "newer-format",
            where=path,
            expected=f"a checkpoint of format {FORMAT}",
            found=f"format {state.get('format')}",
            remedy="Update TEMJ.",
        )
    if header.get("sha256") != _digest(tensors, header["temj"]):
        raise BadModel("sha256", where=path, found="other bytes than were written", remedy="Start the training anew.")
    return tensors, state


def _digest(tensors: Mapping[str, torch.Tensor], text: str) -> str:
    """sha256 over the state and the names, shapes, types and bytes of all tensors."""
    import torch

    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)} {tensors[name].dtype}".encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
