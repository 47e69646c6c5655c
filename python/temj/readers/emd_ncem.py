"""What stands in EMD files of the Berkeley kind (NCEM, Prismatic): groups of data with a vector for each axis.

A group whose attribute ``emd_group_type`` is 1 has a dataset (``data``) and ``dim1``, ``dim2`` … (from ``dim0`` in
version 1.0), one for each axis, whose values are its coordinates and whose attributes ``name`` and ``units`` (also
written ``[n_m]``) say what they are. Facts: emdatasets.com and real files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import h5py
import numpy as np

from temj.data import Acquisition
from temj.data.calibration import round_size
from temj.readers.emd_hdf5 import H5Planes, dataset, text
from temj.readers.maker_scale import Axis

_DEEPEST, _MOST_GROUPS = 8, 10_000
_LONGEST_AXIS = 10_000_000


def data_groups(file: h5py.File) -> list[h5py.Group]:
    """The groups of data, wherever they stand."""
    return [found for found in _groups(file, 0, [0]) if _is_data(found)]


def _groups(parent: h5py.Group, depth: int, seen: list[int]) -> Iterator[h5py.Group]:
    """A group and those in it; links in circles end at the bounds."""
    seen[0] += 1
    if depth > _DEEPEST or seen[0] > _MOST_GROUPS:
        return
    yield parent
    for name in parent:
        hard = isinstance(parent.get(name, getlink=True), h5py.HardLink)
        if hard and parent.get(name, getclass=True) is h5py.Group:
            yield from _groups(parent[name], depth + 1, seen)


def _is_data(found: h5py.Group) -> bool:
    kind = found.attrs.get("emd_group_type")
    return text(kind) == "array" or (isinstance(kind, int | np.integer) and kind == 1)


def data_of(found: h5py.Group) -> h5py.Dataset | None:
    """The dataset of a group of data: ``data``, or the only one that is no axis."""
    names = ["data"] if "data" in found else [name for name in found if not name.startswith("dim")]
    sets = [one for one in (dataset(found, name) for name in names) if one is not None and one.ndim > 1]
    return sets[0] if len(sets) == 1 else None


def axes_of(found: h5py.Group, data: h5py.Dataset) -> list[tuple[str, Axis]]:
    """(name, axis) of each axis of the data."""
    first = 0 if "dim0" in found else 1
    return [_axis(dataset(found, f"dim{first + axis}"), size) for axis, size in enumerate(data.shape)]


def _axis(vector: h5py.Dataset | None, size: int) -> tuple[str, Axis]:
    """An axis by its vector: all coordinates, or the first two of them."""
    if vector is None:
        return "", Axis()
    name, unit = text(vector.attrs.get("name")), plain_unit(text(vector.attrs.get("units")))
    if vector.ndim != 1 or vector.dtype.kind not in "iuf" or not 2 <= vector.shape[0] <= _LONGEST_AXIS:
        return name, Axis(math.nan, unit)
    ends = [float(vector[0]), float(vector[1 if vector.shape[0] != size else -1])]
    steps = 1 if vector.shape[0] != size else size - 1
    scale = (ends[1] - ends[0]) / steps
    return name, Axis(scale, unit, -ends[0] / scale if scale else 0.0)


def plain_unit(unit: str) -> str:
    """``[n_m^-1]`` as ``nm^-1``."""
    return unit.strip("[] ").replace("_", "")


def planes_of(data: h5py.Dataset, axes: list[tuple[str, Axis]]) -> tuple[H5Planes | None, str]:
    """Where the planes are, or why the data are no image or stack, in words.

    Rows and columns are the axes named y and x (``R_y``, ``Q_x`` too); where the names do not tell, the last two.
    """
    sizes = data.shape
    if data.dtype.kind not in "iufb" or data.dtype.itemsize > 8:
        return None, f"numbers of the type {data.dtype}"
    if any(axis.is_energy for _, axis in axes):
        return None, "a spectrum or spectrum image"
    names = [name.lower().removeprefix("r_").removeprefix("q_") for name, _ in axes]
    named = names.count("x") == 1 == names.count("y")
    y, x = (names.index("y"), names.index("x")) if named else (len(sizes) - 2, len(sizes) - 1)
    others = [axis for axis in range(len(sizes)) if axis not in (x, y) and sizes[axis] != 1]
    if len(others) > 1 or names.count("x") > 1:
        return None, f"data of {len(sizes)} dimensions (such as 4D-STEM)"
    if 0 in sizes:
        return None, "empty"
    return H5Planes(data.name.strip("/"), sizes, y, x, others[0] if others else None), ""


def acquisition_of(file: h5py.File, mode: str | None) -> Acquisition:
    """The settings in the attributes of the group ``microscope``, in SI units as NCEM's microscopes write them."""
    attributes: Mapping[str, object] = {}
    if "microscope" in file and isinstance(file.get("microscope", getlink=True), h5py.HardLink):
        attributes = dict(file["microscope"].attrs)

    def number(name: str, factor: float) -> float | None:
        value = attributes.get(name)
        good = isinstance(value, int | float | np.number) and math.isfinite(value) and value
        return round_size(float(value) * factor) if good else None

    return Acquisition(
        microscope=text(attributes.get("name")) or None,
        mode=mode,
        voltage_kV=number("high tension", 1e-3),
        magnification=number("magnification", 1),
        defocus_nm=number("defocus", 1e9),
        camera_length_mm=number("camera length", 1e3),
    )
