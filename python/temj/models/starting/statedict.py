"""The bytes of a weights file → tensors by name. Nothing in the file is ever run."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from temj.errors import BadModel, Refused
from temj.models.starting.download import MOST_BYTES

if TYPE_CHECKING:
    import torch

_NESTS = ("state_dict", "model_state_dict", "model_state", "model", "network", "net", "encoder", "weights", "params")
"""Under these names training programs keep the state dict, beside epoch, optimiser and so on."""


def decode(data: bytes, where: object) -> dict[str, torch.Tensor]:
    """Tensors by name from safetensors, or from what ``torch.save`` made of a state dict.

    The latter is a pickle; it is read by ``torch.load(weights_only=True)``, which knows tensors, numbers, texts and
    containers and runs nothing.

    Raises:
        Refused: ``pickle``: it holds other things than tensors; ``torchscript``: it is a program; ``too-big``.
        BadModel: ``weights``: neither kind of file, or damaged.
    """
    if _is_safetensors(data):
        found: Any = _safetensors(data, where)
    elif data[:2] == b"PK" or data[:1] == b"\x80":
        found = _torch(data, where)
    else:
        kind = "a web page" if data.lstrip()[:1] == b"<" else "an empty file" if not data else "another kind of file"
        raise _bad(where, kind)
    tensors = _tensors(found)
    if not tensors:
        raise _bad(where, "no tensors in it")
    return tensors


def _is_safetensors(data: bytes) -> bool:
    if len(data) < 9:
        return False
    (length,) = struct.unpack("<Q", data[:8])
    return length <= len(data) and data[8:9] == b"{"


def _safetensors(data: bytes, where: object) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _bad(where, f"damaged safetensors ({error})") from None


def _torch(data: bytes, where: object) -> Any:
    import torch

    _require_small(data, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on the protocol of a pickle: what cannot be read is told by an error
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise Refused(
            "pickle",
            where=where,
            expected="a file of tensors only",
            found=_first_line(error),
            remedy="Files of this kind can run any program when they are opened, so it was not. Where you trust it, "
            "open it with the software that made it and save its state dict with safetensors.torch.save_file(...).",
        ) from None
    except Exception as error:
        # torch has no error of its own for a damaged file: RuntimeError, EOFError, KeyError, struct.error …
        if "TorchScript" in str(error):
            raise Refused(
                "torchscript", where=where, expected="a file of tensors only", found="a TorchScript program",
                remedy="It was not run. Save the state dict of the network in it as safetensors.",
            ) from None  # fmt: skip
        raise _bad(where, f"damaged or cut off ({_first_line(error)})") from None


def _require_small(data: bytes, where: object) -> None:
    """Prove that a zip does not unpack to more than a file of weights may have."""
    if data[:2] != b"PK":
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise _bad(where, f"damaged or cut off ({error})") from None
    if size > MOST_BYTES:
        raise Refused(
            "too-big",
            where=where,
            expected=f"at most {MOST_BYTES / 1e9:.1f} GB unpacked",
            found=f"{size / 1e9:.1f} GB",
            remedy="This is no file of an encoder's weights.",
        )


def _tensors(found: Any) -> dict[str, torch.Tensor]:
    """The tensors of a mapping, taken out of the containers that training programs put around them."""
    import torch

    for _ in range(3):
        if not isinstance(found, Mapping):
            return {}
        tensors = {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}
        if tensors:
            return tensors
        found = next((found[name] for name in _NESTS if isinstance(found.get(name), Mapping)), None)
    return {}


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


def _bad(where: object, found: str) -> BadModel:
    return BadModel(
        "weights",
        where=where,
        expected="safetensors, or a state dict that torch.save wrote (.pth, .pt, .pth.tar)",
        found=found,
        remedy="Fetch the file again, or name another one.",
    )
