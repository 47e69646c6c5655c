"""EMD files for the tests, written with h5py as Velox and NCEM's programs lay them out."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

SETTINGS = {
    "Instrument": {"InstrumentClass": "Titan", "InstrumentModel": "Themis"},
    "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1575540224"}},
    "Optics": {
        "AccelerationVoltage": "300000", "Defocus": "-2.5e-07", "OperatingMode": "2", "ProjectorMode": "1",
        "CameraLength": "0.115", "NominalMagnification": "27000",
    },
    "Stage": {"AlphaTilt": "0.5", "BetaTilt": "-0.25"},
    "Scan": {"FrameTime": "0.25"},
    "Detectors": {
        "Detector-0": {
            "DetectorName": "BM-Ceta", "DetectorType": "ImagingDetector", "Binning": {"width": "2", "height": "2"},
            "ExposureTime": "0.8",
        },
        "Detector-1": {"DetectorName": "HAADF", "DetectorType": "ScanningDetector"},
    },
    "BinaryResult": {
        "Detector": "HAADF", "DetectorIndex": "1", "PixelSize": {"width": "2e-10", "height": "3e-10"},
        "PixelUnitX": "m", "PixelUnitY": "m", "Offset": {"x": "-4e-10", "y": "-9e-10"},
    },
    "CustomProperties": {"StemMagnification": {"type": "double", "value": "910000"}},
}  # fmt: skip
"""JSON as Velox writes it: all values are text, in SI units."""


def settings(**changes: object) -> dict:
    """:data:`SETTINGS` with other values: ``settings(Optics__OperatingMode="1")``; None takes one away."""
    result = copy.deepcopy(SETTINGS)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = result
        for parent in parents:
            target = target.setdefault(parent, {})
        target.pop(last, None) if value is None else target.update({last: value})
    return result


@dataclass(frozen=True)
class VeloxImage:
    """One image: (frames, height, width), the settings of each frame (the last for the rest)."""

    pixels: np.ndarray
    settings: Sequence[dict] = field(default_factory=lambda: (SETTINGS,))
    name: str = "0" * 32
    options: dict = field(default_factory=dict)


def velox(path: Path, *images: VeloxImage, others: Sequence[str] = ()) -> Path:
    """A file of Velox; ``others`` are further groups under /Data."""
    with h5py.File(path, "w") as file:
        file["Version"] = np.array([json.dumps({"format": "Velox", "version": "11"})], h5py.string_dtype())
        file.create_group("Data")
        for name in others:
            file.create_group(f"Data/{name}")
        for image in images:
            group = file.create_group(f"Data/Image/{image.name}")
            stored = np.moveaxis(image.pixels, 0, -1)
            height, width, frames = stored.shape
            group.create_dataset("Data", data=stored, **{"chunks": (height, width, 1), **image.options})
            texts = [json.dumps(one).encode() for one in image.settings]
            table = np.zeros((max(map(len, texts)) + 100, frames), np.uint8)
            for frame in range(frames):
                text = texts[min(frame, len(texts) - 1)]
                table[: len(text), frame] = np.frombuffer(text, np.uint8)
            group.create_dataset("Metadata", data=table)
    return path


def ncem(path: Path, data: np.ndarray, axes: Sequence[tuple[str, str, object]], **options: object) -> Path:
    """A file of the Berkeley kind with one group ``data/picture``; axes (name, units, coordinates) of each axis."""
    with h5py.File(path, options.pop("mode", "w")) as file:
        group = file.create_group(options.pop("group", "data/picture"))
        group.attrs["emd_group_type"] = options.pop("kind", 1)
        group.create_dataset(options.pop("dataset", "data"), data=data, **options)
        for number, (name, units, coordinates) in enumerate(axes, start=1):
            vector = group.create_dataset(f"dim{number}", data=np.asarray(coordinates))
            vector.attrs["name"], vector.attrs["units"] = np.bytes_(name), np.bytes_(units)
    return path
