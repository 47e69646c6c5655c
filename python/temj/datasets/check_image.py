"""What is wrong with the pixels and the scale of the images of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from temj.data import Micrograph
from temj.datasets.description import FILE
from temj.datasets.folder import Dataset, Item
from temj.datasets.problems import Problem, counted, listed, within

_TOLERANCE = 0.02
"""Share by which two pixel sizes may differ and still count as one."""
_FEW_GREYS = 4
_SAMPLED = 2**19
_LEAVE_OUT = "Leave it out, or take it again from the microscope's own file."


def of_pixels(item: Item, micrograph: Micrograph, dataset: Dataset) -> Iterator[Problem]:
    """Values that are no numbers, parts that were never written, images that show next to nothing."""
    where, pixels = within(item.image, dataset.folder), micrograph.pixels
    sparse = micrograph.metadata.get("sparse")
    if sparse:
        told = "" if sparse is True else f" ({sparse})"
        yield Problem(
            "error", "pixels/sparse", where, f"parts of the file were never written{told}",
            "Copy the file again from the microscope's computer, or leave it out.",
        )  # fmt: skip
    finite = pixels
    if pixels.dtype == np.float32:
        good = np.isfinite(pixels)
        wrong = pixels.size - int(np.count_nonzero(good))
        if wrong:
            yield Problem(
                "error", "pixels/nonfinite", where, f"has {wrong:,} pixels that are NaN or infinite",
                "Replace these pixels (in ImageJ: Process > Noise > Remove NaNs), or leave the image out.",
            )  # fmt: skip
            finite = pixels[good]
    if finite.size:
        yield from _of_contrast(item, finite, where)


def _of_contrast(item: Item, pixels: np.ndarray, where: str) -> Iterator[Problem]:
    low, high = float(pixels.min()), float(pixels.max())
    if low == high:
        severity = "error" if item.part else "warning"
        yield Problem(severity, "pixels/constant", where, f"all its pixels are {low:g}: it shows nothing", _LEAVE_OUT)
        return
    sample = pixels.reshape(-1)[:: max(1, pixels.size // _SAMPLED)]
    first, last = (float(value) for value in np.percentile(sample, (0.1, 99.9)))
    greys = last - first
    scale = max(abs(first), abs(last), 1e-30)
    if greys < _FEW_GREYS if pixels.dtype.kind == "u" else greys < 1e-4 * scale:
        what = f"is nearly constant: 99.8 % of its pixels are between {first:g} and {last:g}"
        yield Problem("warning", "pixels/near-constant", where, what, _LEAVE_OUT)


def of_scales(dataset: Dataset, own: Mapping[str, tuple[float, float] | None]) -> Iterator[Problem]:
    """Pixel sizes that are missing, or differ by more than 2 % from dataset.json or among the images.

    Args:
        dataset: the dataset.
        own: image file name → pixel width and height in nm as its file says them; None where it says none.
    """
    known = {name: size for name, size in own.items() if size is not None}
    missing = [name for name in own if name not in known]
    said = dataset.pixel_size.nm
    if said is None and missing:
        what = "no pixel size is known" if not known else f"the pixel size of {counted(len(missing), 'image')} is not "
        what += "" if not known else f"known: {listed(missing)}"
        yield Problem(
            "warning", "scale/missing", FILE, what, "Write 'pixel_size' (nm) into dataset.json: a model without it "
            "cannot rescale other micrographs, and gives lengths in pixels.",
        )  # fmt: skip
    if said is not None:
        other = {name: size for name, size in known.items() if _differ(size, said)}
        if other:
            what = f"dataset.json has {_text(said)}, but the files of {counted(len(other), 'image')} another pixel size"
            yield Problem(
                "warning", "scale/differs", FILE, f"{what}: {listed([f'{n} {_text(s)}' for n, s in other.items()])}",
                "The file's own counts, and training rescales it; correct the file where it is wrong.",
            )  # fmt: skip
    elif known:
        first = next(iter(known.values()))
        if any(_differ(size, first) for size in known.values()):
            shown = listed([f"{name} {_text(size)}" for name, size in known.items()])
            yield Problem(
                "warning", "scale/several", FILE, f"the images have different pixel sizes: {shown}",
                "Write the one to train at as 'pixel_size' into dataset.json; the others are rescaled to it.",
            )  # fmt: skip


def _differ(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return any(abs(a / b - 1) > _TOLERANCE for a, b in zip(one, other, strict=True))


def _text(size: tuple[float, float]) -> str:
    sizes = dict.fromkeys(f"{value:.6g}" for value in size)
    return f"{' x '.join(sizes)} nm"
