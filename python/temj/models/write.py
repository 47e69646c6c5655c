"""Making a model folder: weights, card, self-test and preview, ``model.json`` last."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from temj import storage
from temj.data import Micrograph
from temj.errors import BadModel, Refused
from temj.imagej_tiff import Header, write
from temj.models.card import CARD, EXPECTED, PREVIEW, SAMPLE, WEIGHTS, Card, FileFact
from temj.models.folder import Model
from temj.models.selftest import answer, as_map, asked, encode_answer
from temj.models.weights import build_core, decode_weights, encode_weights, fill

if TYPE_CHECKING:
    import torch

    from temj.cores.base import Predictor
    from temj.cores.detection import Detections

PREVIEW_SIDE, SAMPLE_SIDE = 512, 256
"""Largest sides of the picture and of the stored sample, in pixels of the model."""


def write_model(
    folder: str | os.PathLike[str],
    card: Card,
    state: Mapping[str, torch.Tensor],
    sample: Micrograph,
    *,
    extra: Mapping[str, bytes] | None = None,
    overwrite: bool = False,
) -> Model:
    """Write a model folder.

    All files are complete under temporary names before the first one gets its own, and the card gets its name
    last: a folder that was interrupted is never a valid model, and an older model there stays whole when the disk
    is full.

    Args:
        folder: made if it is not there; other files in it stay as they are.
        card: without ``files``, which are filled in here.
        state: the state dict of the core's network, stored as float16.
        sample: a micrograph at the trained pixel size and of the training data's licence. Its middle, at most 512 x 512
            pixels, makes the preview; the part of that with most found in it, at most 256 x 256, is stored with the
            answer of the stored weights on the CPU in float32.
        extra: other files of the model, by name, such as the training curve.
        overwrite: whether a model that is there may be replaced.

    Returns:
        The model, opened.

    Raises:
        Refused: the folder holds a model and ``overwrite`` is false.
        BadModel: weights that are not finite, do not fit the core, or a sample smaller than the core's stride.
        StorageError: a file could not be written.
    """
    folder = Path(folder)
    if not overwrite and (folder / CARD).exists():
        raise Refused("exists", where=folder / CARD, remedy="Choose another folder, or allow overwriting.")
    weights = encode_weights(state, folder / WEIGHTS)
    core = build_core(card, folder / CARD)
    fill(core, decode_weights(weights, folder / WEIGHTS), folder / WEIGHTS)
    core.network.eval()
    shown = _middle(sample, core.stride)
    detectors = core.channels.planes
    raw = asked(core, shown.of_detectors(detectors))
    levels = as_map(core, raw, shown.pixels.shape)
    sample = _richest(shown, levels.max(axis=0) > card.threshold()[0], core.stride)
    files = {
        WEIGHTS: weights,
        SAMPLE: _encode_sample(sample, detectors),
        EXPECTED: encode_answer(answer(core, sample.of_detectors(detectors))),
        PREVIEW: _preview(card, core, shown, raw),
    }
    taken = set(extra or ()) & {CARD, *files}
    if taken:
        raise ValueError(f"write_model: {', '.join(sorted(taken))} cannot be among the other files")
    files |= extra or {}
    facts = {name: fact_of(data) for name, data in files.items()}
    card = Card.model_validate(card.model_dump() | {"files": facts})
    text = card.model_dump_json(indent=2, exclude_none=True) + "\n"
    write_together(storage.make_folder(folder), {CARD: text.encode("utf-8"), **files})
    return Model(folder.absolute(), card)


def fact_of(data: bytes) -> FileFact:
    """What a card says of a file with these bytes."""
    return FileFact(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files under temporary names, then rename them, the first of the mapping last."""
    with contextlib.ExitStack() as stack:
        for name, data in files.items():
            stack.enter_context(storage.writing(folder / name)).write(data)


def _middle(sample: Micrograph, stride: int) -> Micrograph:
    """The middle of a micrograph, its sides multiples of ``stride`` up to :data:`PREVIEW_SIDE`."""
    height, width = (min(side, PREVIEW_SIDE) // stride * stride for side in sample.pixels.shape)
    if not height or not width:
        raise BadModel(
            "sample",
            where=sample.name,
            expected=f"a sample of at least {stride} x {stride} pixels",
            found=f"{sample.width} x {sample.height}",
            remedy="Give a larger micrograph of the training data.",
        )
    top, left = (sample.height - height) // 2, (sample.width - width) // 2
    return _part(sample, np.s_[top : top + height, left : left + width])


def _richest(sample: Micrograph, found: np.ndarray, stride: int) -> Micrograph:
    """The part of a micrograph with most true pixels in ``found``, its sides at most :data:`SAMPLE_SIDE`."""
    height, width = (min(side, SAMPLE_SIDE // stride * stride) for side in sample.pixels.shape)
    windows = np.lib.stride_tricks.sliding_window_view(found, (height, width))[::stride, ::stride]
    row, column = np.unravel_index(int(windows.sum(axis=(2, 3)).argmax()), windows.shape[:2])
    top, left = row * stride, column * stride
    return _part(sample, np.s_[top : top + height, left : left + width])


def _part(sample: Micrograph, window: tuple[slice, slice]) -> Micrograph:
    """A part of a micrograph, of all its detectors."""
    others = None if sample.others is None else sample.others[:, *window]
    return replace(sample, pixels=sample.pixels[window], others=others)


def _encode_sample(sample: Micrograph, detectors: int) -> bytes:
    """The sample as an ImageJ TIFF with its pixel size; several detectors are channels."""
    planes, file = sample.of_detectors(detectors), io.BytesIO()
    planes = planes if planes.ndim == 3 else planes[np.newaxis]
    display = float(planes.min()), float(planes.max())
    header = Header(planes.shape[1:], planes.dtype, display, sample.calibration, (detectors, 1, 1))
    write(file, planes, header)
    return file.getvalue()


def _preview(card: Card, core: Predictor, sample: Micrograph, raw: np.ndarray | Detections) -> bytes:
    """A picture (PNG) of the sample with what the model finds in it at the default threshold."""
    from temj.geometry.order import in_reading_order
    from temj.plots import overlay, png_bytes

    found = in_reading_order(core.decode(raw, card.threshold()[0]))
    return png_bytes(overlay(sample, found, card.colours))
