from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import resources


@pytest.fixture(scope="session")
def field() -> np.ndarray:
    """A part of a real micrograph with loops in it, 192 x 256 pixels of 0.390625 nm."""
    return tifffile.imread(resources.folder("samples") / "316L_loops.tif")[600:792, 100:356]


@pytest.fixture
def micrograph(tmp_path: Path, field: np.ndarray):
    """Writes a calibrated ImageJ TIFF: ``micrograph("a.tif", pixels=..., nm=...)``."""

    def write(name: str, pixels: np.ndarray | None = None, nm: float | None = 0.390625) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = field if pixels is None else pixels
        axes = "YX" if pixels.ndim == 2 else "TYX"
        scale = {} if nm is None else {"resolution": (1 / nm, 1 / nm)}
        unit = {} if nm is None else {"unit": "nm"}
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes, **unit}, **scale)
        return path

    return write
