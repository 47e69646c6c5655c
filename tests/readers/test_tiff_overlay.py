"""The ROI and the overlay in ImageJ's TIFFs, as bytes; what is damaged is told, never left out."""

from pathlib import Path

import numpy as np
import pytest
import roifile
import tifffile

from temj.errors import BadImage
from temj.readers.tiff_overlay import tiff_overlay

GREY = np.zeros((20, 30), np.uint8)
ROIS = [roifile.ImagejRoi.frompoints([[k, 1], [k + 5, 2], [k, 9.0]], name=f"r\u00f6i {k}").tobytes() for k in range(4)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_overlays(tmp_path: Path, order: str, own: int, count: int):
    metadata: dict = {"Info": "text", "Labels": ["first"]}
    metadata |= {"ROI": ROIS[3]} if own else {}
    metadata |= {"Overlays": ROIS[:count]} if count else {}
    tifffile.imwrite(tmp_path / "a.tif", GREY, imagej=True, byteorder=order, metadata=metadata)
    found = tiff_overlay(tmp_path / "a.tif")
    assert found == (*([ROIS[3]] * own), *ROIS[:count])
    names = [roifile.ImagejRoi.frombytes(data).name for data in found]
    assert names == [*(["r\u00f6i 3"] * own), *(f"r\u00f6i {k}" for k in range(count))]


def test_files_without_an_overlay(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    assert tiff_overlay(tmp_path / "a.tif") == ()
    (tmp_path / "b.tif").write_bytes(b"nothing of that kind")
    with pytest.raises(BadImage, match="not-an-image"):
        tiff_overlay(tmp_path / "b.tif")


@pytest.mark.parametrize("damage", ["head", "roi", "sizes", "cut"])
def test_damaged_overlays(tmp_path: Path, damage: str):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, imagej=True, metadata={"Overlays": ROIS})
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        sizes, block = tif.pages[0].tags[50838], tif.pages[0].tags[50839].valueoffset
    if damage == "head":
        data[block] ^= 255
    elif damage == "roi":
        data[data.index(b"Iout") + 1] = 0
    elif damage == "sizes":
        data[sizes.valueoffset] += 4
    else:
        del data[block + 30 :]
    path.write_bytes(data)
    with pytest.raises(BadImage, match=r"a\.tif"):
        tiff_overlay(path)
