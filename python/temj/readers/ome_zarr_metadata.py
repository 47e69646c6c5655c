"""Which array of a Zarr folder is the image, and what its axes mean (OME-NGFF multiscales)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from pathlib import Path
from types import ModuleType
from typing import Any

from temj.data import UNCALIBRATED, Calibration
from temj.errors import BadImage
from temj.readers import maker_scale

SECONDS = {
    "nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0,
    "day": 86400.0,
}  # fmt: skip
_PLANES = "czt"
"""Axes that planes are counted along, as in ImageJ: channel fastest, then slice, then frame."""


@dataclass(frozen=True)
class Image:
    """One image in a Zarr folder.

    Attributes:
        folder: of the array.
        axes: a letter for each axis: t, c, z, y, x; ``-`` for one of length 1 that has no meaning here.
        shape: of the array.
        calibration: size of a pixel.
        frame_interval: seconds; None where it is not known.
        metadata: JSON values for the micrographs.
        notes: for the user.
    """

    folder: Path
    axes: str
    shape: tuple[int, ...] = ()
    calibration: Calibration = UNCALIBRATED
    frame_interval: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def dimensions(self) -> tuple[int, int, int]:
        """(channels, slices, frames)."""
        return tuple(self.shape[self.axes.index(axis)] if axis in self.axes else 1 for axis in _PLANES)

    @property
    def time(self) -> int:
        """Which of the dimensions frames are counted along: frames, or slices where there are no frames."""
        return 1 if self.dimensions[2] == 1 and self.dimensions[1] > 1 else 2

    @property
    def plane_shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.shape[self.axes.index("y")], self.shape[self.axes.index("x")]

    @property
    def transposed(self) -> bool:
        """Whether columns come before rows."""
        return self.axes.index("x") < self.axes.index("y")

    def place(self, index: int) -> tuple[int, int, int]:
        """0-based (channel, slice, frame) of a plane."""
        channels, slices, _frames = self.dimensions
        return index % channels, index // channels % slices, index // (channels * slices)

    def selection(self, place: tuple[int, int, int]) -> tuple[int | slice, ...]:
        """What to ask of the array for one plane."""
        at = dict(zip(_PLANES, place, strict=True))
        return tuple(slice(None) if axis in "yx" else at.get(axis, 0) for axis in self.axes)


def find_image(zarr: ModuleType, path: Path) -> Image:
    """The image in a folder.

    Raises:
        BadImage: none, several, or one whose axes cannot be understood.
    """
    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        return _plain(node, path)
    attributes = dict(node.attrs)
    said = attributes.get("ome", attributes)
    said = said if isinstance(said, Mapping) else {}
    if said.get("multiscales"):
        return _multiscale(zarr, path, said)
    series = sorted(name for name, _ in node.groups()) if "bioformats2raw.layout" in said else []
    if len(series) == 1:
        return find_image(zarr, path / series[0])
    raise BadImage(
        "no-images" if not series else "several-images",
        where=path,
        expected="one OME-Zarr image (multiscales)",
        found=f"images {', '.join(series[:10])}" if series else "a Zarr group without multiscales",
        remedy=f"Name one of them, e.g. {path / series[0]}." if series else "Name the folder of the image in it.",
    )


def _multiscale(zarr: ModuleType, path: Path, said: Mapping[str, Any]) -> Image:
    """The finest level of the first pyramid."""
    pyramid = said["multiscales"][0]
    finest = pyramid["datasets"][0]
    folder = path / str(finest["path"])
    if ".." in Path(str(finest["path"])).parts or not folder.resolve().is_relative_to(path.resolve()):
        raise _bad_axes(path, f"the path {finest['path']!r} of level 0, which leads out of the folder")
    shape = tuple(zarr.open_array(str(folder), mode="r").shape)
    stated = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in pyramid.get("axes", ())]
    notes: list[str] = []
    if not stated and len(shape) == 5:  # OME-NGFF 0.1 and 0.2
        stated = [{"name": name} for name in "tczyx"]
    axes = _letters(path, [(str(axis.get("name", "")), str(axis.get("type", ""))) for axis in stated], shape)
    levels = (finest, pyramid)
    scale = [prod(_factor(level, number, len(shape)) for level in levels) for number in range(len(shape))]
    units = [str(axis.get("unit") or "") for axis in stated]
    calibration = _calibration(axes, scale, units, notes)
    time = axes.find("t")
    seconds = SECONDS.get(units[time]) if time >= 0 else None
    interval = scale[time] * seconds if seconds is not None and scale[time] > 0 else None
    metadata = {"ome_zarr": {"version": str(said.get("version", pyramid.get("version", ""))), "axes": axes}}
    if calibration.known:
        metadata["pixel_size_source"] = "OME-Zarr scale"
    if len(said["multiscales"]) > 1:
        notes.append(f"the first of {len(said['multiscales'])} pyramids is used")
    return Image(folder, axes, shape, calibration, interval, metadata, tuple(notes))


def _plain(array: Any, path: Path) -> Image:
    """An array without OME's metadata: its axes by their names (Zarr 3), or slices of rows of columns."""
    shape = tuple(array.shape)
    names = getattr(array.metadata, "dimension_names", None)
    notes = ("no OME metadata: the pixel size is not known",)
    if names and all(names):
        return Image(path, _letters(path, [(str(name), "") for name in names], shape), shape, notes=notes)
    if len(shape) not in (2, 3):
        raise _bad_axes(path, f"an array of {len(shape)} axes without names")
    axes = "zyx"[-len(shape) :]
    if len(shape) == 3:
        notes = ("no OME metadata: the axes are taken to be slices, rows and columns; the pixel size is not known",)
    return Image(path, axes, shape, notes=notes)


def _letters(path: Path, stated: Sequence[tuple[str, str]], shape: tuple[int, ...]) -> str:
    """A letter for each axis from its name and type.

    Raises:
        BadImage: not as many as the array has, no y and x, one twice, or one that means nothing here.
    """
    told = ", ".join(name for name, _type in stated) or "none"
    if len(stated) != len(shape) or 0 in shape:
        raise _bad_axes(path, f"axes {told} for an array of {' x '.join(map(str, shape))}")
    letters = ""
    for (name, kind), size in zip(stated, shape, strict=True):
        letter = {"time": "t", "channel": "c"}.get(kind) or name.lower()[:1]
        known = letter in "tczyx" and letter != ""
        if not known and size > 1:
            raise _bad_axes(path, f"the axis {name!r} of length {size}")
        letters += letter if known else "-"
    repeated = [letter for letter in "tczyx" if letters.count(letter) > 1]
    if repeated or "y" not in letters or "x" not in letters:
        raise _bad_axes(path, f"axes {told}")
    return letters


def _factor(level: Mapping[str, Any], axis: int, count: int) -> float:
    """The scale along one axis that a level or pyramid states; 1 where it states none."""
    for change in level.get("coordinateTransformations") or ():
        scale = change.get("scale") if change.get("type") == "scale" else None
        if isinstance(scale, Sequence) and len(scale) == count:
            value = float(scale[axis])
            return value if isfinite(value) else 0.0
    return 1.0


def _calibration(axes: str, scale: Sequence[float], units: Sequence[str], notes: list[str]) -> Calibration:
    x, y = (maker_scale.Axis(scale[axes.index(axis)], units[axes.index(axis)]) for axis in "xy")
    if not x.unit and not y.unit:
        if (x.scale, y.scale) != (1.0, 1.0):
            notes.append(f"the file's pixel size of {x.scale:g} x {y.scale:g} has no unit: not used")
        return UNCALIBRATED
    return maker_scale.calibration_of(x, y, notes)


def _bad_axes(path: Path, found: str) -> BadImage:
    return BadImage(
        "axes",
        where=path,
        expected="an image with the axes y and x and at most t, c and z",
        found=found,
        remedy="Export it again as OME-Zarr 0.4 or 0.5.",
    )
