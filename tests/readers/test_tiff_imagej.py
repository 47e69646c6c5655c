"""Our readers see in a TIFF what the real ImageJ sees: planes, grey values, pixel size, origin, labels."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from temj import readers
from temj.annotations.masks import write_labels
from temj.data import Calibration
from temj.data.calibration import canonical_unit, round_size
from temj.readers.convert import DEEP_COLOUR_NOTE

RNG = np.random.default_rng(2)


def foreign(folder: Path) -> None:
    """Files that ImageJ did not write."""
    grey = RNG.integers(0, 60_000, (21, 33), np.uint16)
    tifffile.imwrite(folder / "plain.tif", grey, resolution=(2e7, 1e7), resolutionunit=3, metadata=None)
    tifffile.imwrite(folder / "white_is_zero.tif", (grey // 256).astype(np.uint8), photometric="miniswhite")
    tifffile.imwrite(folder / "bits.tif", grey > 30_000)
    tifffile.imwrite(folder / "int16.tif", (grey.astype(int) - 30_000).astype(np.int16))
    tifffile.imwrite(folder / "uint32.tif", grey.astype(np.uint32) * 17)
    tifffile.imwrite(folder / "big_endian.tif", grey.astype(">u2"), byteorder=">")
    tifffile.imwrite(folder / "pages.tif", np.stack([grey, grey // 2]), photometric="minisblack", metadata=None)
    metadata = {"axes": "TZCYX", "unit": "um"}
    stack = RNG.random((2, 3, 2, 21, 33)).astype(np.float32)
    tifffile.imwrite(folder / "hyper_float.tif", stack, imagej=True, resolution=(2.5, 2.5), metadata=metadata)
    write_labels(folder / "labels.tif", grey // 1000, Calibration(0.390625, 0.41, "nm", 2.5, 0))
    planes = np.stack([grey // (1000 + k) for k in range(6)])
    write_labels(folder / "label_slices.tif", planes, Calibration(0.5, 0.5, "nm"))
    write_labels(folder / "label_film.tif", planes, Calibration(0.5, 0.5, "nm"), dimensions=(1, 1, 6))
    write_labels(folder / "label_hyper.tif", planes * 10_000, Calibration(0.5, 0.5, "nm"), dimensions=(3, 1, 2))
    write_labels(folder / "many_labels.tif", grey.astype(int) * 3, Calibration(0.000390625, 0.41, "µm"))


def kinds(folder: Path) -> None:
    """More kinds of TIFF and pictures that ImageJ 1.54p opens by itself."""
    grey = np.add.outer(np.arange(21) * 5, np.arange(33) * 3).astype(np.uint8)
    colours = np.dstack([grey, grey[::-1], grey[:, ::-1]])
    for codec in ("lzw", "packbits", "zlib"):
        tifffile.imwrite(folder / f"{codec}.tif", grey, compression=codec, rowsperstrip=4)
        tifffile.imwrite(folder / f"{codec}_rgb.tif", colours, compression=codec, photometric="rgb")
    tifffile.imwrite(folder / "lzw_16.tif", grey.astype(np.uint16) * 200, compression="lzw", predictor=2)
    tifffile.imwrite(folder / "zlib_float.tif", grey.astype(np.float32) / 7, compression="zlib", metadata=None)
    tifffile.imwrite(folder / "rgb_planar.tif", np.moveaxis(colours, -1, 0), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(folder / "rgb_48.tif", colours.astype(np.uint16) * 257, photometric="rgb")
    tifffile.imwrite(folder / "rgba.tif", np.dstack([colours, grey]), photometric="rgb", extrasamples=["unassalpha"])
    tifffile.imwrite(folder / "bits_12.tif", grey.astype(np.uint16)[:, :32] * 16, bitspersample=12, metadata=None)
    tifffile.imwrite(folder / "float64.tif", grey.astype(np.float64) / 3, metadata=None)
    tifffile.imwrite(folder / "bits_white.tif", grey > 60, photometric="miniswhite")
    tifffile.imwrite(folder / "turned.tif", grey, extratags=[(274, 3, 1, 6, True)], metadata=None)
    tifffile.imwrite(folder / "tiled.tif", grey, tile=(16, 16))
    tifffile.imwrite(folder / "big.tif", grey, bigtiff=True)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(grey).save(folder / "turned.jpg", exif=exif, quality=95)
    Image.fromarray(colours).save(folder / "colours.png")
    Image.fromarray(grey.astype(np.uint16) * 250).save(folder / "grey16.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    foreign(folder)
    kinds(folder)
    command = [sys.executable, str(Path(__file__).with_name("imagej_images.py")), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.java
def test_our_readers_see_what_imagej_sees(folder: Path):
    everything = json.loads((folder / "seen.json").read_text())
    closed = {name for name, seen in everything.items() if seen is None}
    assert closed == {"big.tif", "tiled.tif", "float64.tif"}, "what ImageJ without plugins cannot open, and we can"
    assert len(everything) == 44
    for name in ("big.tif", "tiled.tif"):
        np.testing.assert_array_equal(readers.open(folder / name).pixels, readers.open(folder / "lzw.tif").pixels)
    # ImageJ opens 16 bits a colour as three channels; here it is one grey value, and the note says so.
    deep = everything.pop("rgb_48.tif")
    planes, micrograph = np.array(deep["values"]), readers.open(folder / "rgb_48.tif")
    np.testing.assert_array_equal(micrograph.pixels.ravel(), np.floor(planes.sum(axis=0) / 3 + 0.5))
    assert DEEP_COLOUR_NOTE in micrograph.metadata["notes"]
    for name, seen in everything.items():
        if seen is None:
            continue
        film = readers.open_film(folder / name)
        assert list(film.dimensions) == seen["dimensions"], name
        for index, micrograph in enumerate(film):
            assert list(micrograph.pixels.shape) == seen["size"], name
            np.testing.assert_array_equal(micrograph.pixels.ravel(), np.float32(seen["values"][index]), err_msg=name)
            if len(film) > 1:
                assert micrograph.slice_label == seen["labels"][index], name
        width, height, unit = seen["pixel"]
        calibration = film[0].calibration
        assert calibration.known == (canonical_unit(unit) is not None and name != "uncalibrated.tif"), name
        if calibration.known:
            assert calibration.unit == canonical_unit(unit), name
            assert (calibration.width, calibration.height) == (round_size(width), round_size(height)), name
        assert [calibration.x_origin, calibration.y_origin] == seen["origin"], name
