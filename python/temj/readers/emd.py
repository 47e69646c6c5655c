"""EMD (HDF5): Velox' files and those of the Berkeley kind, read plane by plane.

Of several images the largest is read (number of pixels in all planes; of equal ones whole numbers, as detectors give
them, before fractions, which are computed; then the first by the name of its detector or group, then by its place),
and a note names all. Complex numbers (Fourier transforms, DPC), spectra and
scans of diffraction patterns are refused in words. Rows come in the file's order, top row first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import h5py

from temj.data import Acquisition, Calibration, Film, Micrograph
from temj.errors import BadImage
from temj.readers import emd_ncem, emd_velox
from temj.readers.convert import to_pixels
from temj.readers.emd_hdf5 import H5Planes, dataset, group, opened
from temj.readers.files import first_bytes, not_an_image
from temj.readers.maker_scale import Axis, calibration_of, in_microscope_units, is_diffraction
from temj.readers.raw_planes import partial_note, position, truncated

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MOST_NAMED = 20


@dataclass(frozen=True)
class _Image:
    """One image or stack of a file; ``refusal`` says in words why it is none."""

    name: str
    place: str
    sizes: tuple[int, ...]
    refusal: str = ""
    planes: H5Planes | None = None
    axes: tuple[Axis, Axis] = (Axis(), Axis())
    step: float | None = None
    source: str = ""
    velox: str = ""
    computed: bool = False

    @property
    def text(self) -> str:
        """``'HAADF' (512 x 512 x 10)``."""
        told = f"'{self.name or self.place}' ({' x '.join(map(str, self.sizes))})"
        return f"{told}, {self.refusal}" if self.refusal else told


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The planes of the largest image in an EMD file.

    Raises:
        BadImage: no such file, no EMD, cut off, damaged, not all of it written, or without a micrograph.
    """
    if not first_bytes(path, 8).startswith(_HDF5):
        raise not_an_image(path, "an EMD file (HDF5)")
    notes: list[str] = []
    with opened(path) as file:
        velox = emd_velox.is_velox(file)
        image = _choose(list(_velox(file) if velox else _ncem(file)), path, notes)
        if velox and any(kind in file["Data"] for kind in ("SpectrumStream", "SpectrumImage", "EelsSpectrumImage")):
            notes.append("the spectra in the file are left out")
        there = image.planes.whole(dataset(file, image.planes.dataset))
        acquisition = _acquisition(file, image, notes)
    announced = image.planes.count
    if there < announced and (there == 0 or not allow_partial):
        raise truncated(path, f"{announced} planes, as the file announces", f"{there} of {announced}")
    if there < announced:
        notes.append(partial_note(there, announced))
    calibration = calibration_of(*in_microscope_units(*image.axes), notes)
    metadata: dict[str, object] = {"acquisition": acquisition.known()}
    if calibration.known:
        metadata["pixel_size_source"] = image.source
    dimensions = (1, there, 1) if image.step is None else (1, 1, there)
    reader = _Reader(path, image.planes, dimensions, calibration, metadata, tuple(notes), image.velox)
    partial = (there, announced) if there < announced else None
    return Film(path.name, dimensions, reader, image.step, partial)


@dataclass(frozen=True)
class _Reader:
    """Reads one plane; a plain value, so that it can be sent to other processes. The file is opened each time."""

    path: Path
    planes: H5Planes
    dimensions: tuple[int, int, int]
    calibration: Calibration
    metadata: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    velox: str = ""

    def __call__(self, index: int) -> Micrograph:
        """The plane at ``index``, from 0."""
        notes, metadata = list(self.notes), dict(self.metadata)
        with opened(self.path) as file:
            samples = self.planes.samples(file, index)
            if self.velox and index:  # each frame has settings of its own
                facts = emd_velox.facts_of(file, self.velox, index)
                metadata["acquisition"] = emd_velox.acquisition_of(facts).known()
        pixels = to_pixels(samples, self.path, notes)
        metadata["notes"] = tuple(notes)
        place = position(index, self.dimensions)
        return Micrograph(pixels, self.calibration, self.path.name, place, metadata=metadata)


def _velox(file: h5py.File) -> Iterator[_Image]:
    """The images of Velox."""
    images = group(file, emd_velox.IMAGES)
    for name in images or ():
        data = dataset(images, f"{name}/Data")
        if data is None:
            raise ValueError(f"the image {name} has no data")
        facts = emd_velox.facts_of(file, name, 0)
        sizes = data.shape
        refusal = "" if data.dtype.kind in "iufb" else "complex numbers (a Fourier transform or DPC)"
        if data.ndim != 3 or 0 in sizes:
            raise ValueError(f"the image {name} has the size {' x '.join(map(str, sizes))}")
        planes = H5Planes(data.name.strip("/"), sizes, 0, 1, 2 if sizes[2] > 1 else None)
        step = emd_velox.frame_time(facts) if sizes[2] > 1 else None
        source = f"Velox BinaryResult.PixelSize of {emd_velox.detector_name(facts) or name}"
        axes = emd_velox.axes_of(facts)
        computed = data.dtype.kind not in "iub"
        yield _Image(emd_velox.detector_name(facts), name, sizes, refusal, planes, axes, step, source, name, computed)


def _ncem(file: h5py.File) -> Iterator[_Image]:
    """The images of a file of the Berkeley kind."""
    for found in emd_ncem.data_groups(file):
        name = found.name.strip("/")
        data = emd_ncem.data_of(found)
        if data is None:
            yield _Image(name.split("/")[-1], name, (), "without data that can be read")
            continue
        axes = emd_ncem.axes_of(found, data)
        planes, refusal = emd_ncem.planes_of(data, axes)
        pair, step = (Axis(), Axis()), None
        if planes is not None:
            pair = axes[planes.x][1], axes[planes.y][1]
            step = None if planes.stack is None else axes[planes.stack][1].seconds
        yield _Image(name.split("/")[-1], name, data.shape, refusal, planes, pair, step, f"EMD axes of {name}")


def _choose(images: list[_Image], path: Path, notes: list[str]) -> _Image:
    """The largest image that can be read; the others are named in a note."""
    usable = [image for image in images if not image.refusal]
    if not usable:
        told = "; ".join(image.text for image in images[:_MOST_NAMED])
        raise BadImage(
            "not-a-micrograph",
            where=path,
            expected="an image or a stack of images, written by Velox or in the Berkeley layout of EMD",
            found=told or "none (spectra alone, or another kind of HDF5 file)",
            remedy="Export what you need as an image from the program that wrote it.",
        )
    chosen = min(usable, key=lambda image: (-prod(image.sizes), image.computed, image.name, image.place))
    others = [image.text for image in images if image is not chosen]
    if others:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        listed = ", ".join(others[:_MOST_NAMED])
        notes.append(f"image {chosen.text} of {len(images)} in the file is used; left out: {listed}{more}")
    return chosen


def _acquisition(file: h5py.File, image: _Image, notes: list[str]) -> Acquisition:
    """The settings of the first plane."""
    if not image.velox:
        return emd_ncem.acquisition_of(file, "diffraction" if is_diffraction(image.axes) else None)
    facts = emd_velox.facts_of(file, image.velox, 0)
    if not facts:
        notes.append("the settings of the image (Metadata) are missing or damaged: no pixel size, no acquisition")
    return emd_velox.acquisition_of(facts)
