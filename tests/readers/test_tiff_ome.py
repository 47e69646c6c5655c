"""OME-TIFF: any order of axes, several files, pages that are not where one would think; nothing missing is silent."""

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import readers
from temj.data import Acquisition
from temj.errors import BadImage

RNG = np.random.default_rng(8)
STACK = RNG.integers(0, 60_000, (2, 3, 2, 10, 16), np.uint16)  # frames, slices, channels
PLANES = STACK.reshape(-1, 10, 16)
HEAD = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{}">'
ONE, TWO = "urn:uuid:11111111-1111-1111-1111-111111111111", "urn:uuid:22222222-2222-2222-2222-222222222222"
SIZES = {"SizeX": 16, "SizeY": 10, "SizeC": 2, "SizeZ": 3, "SizeT": 2, "Type": "uint16", "DimensionOrder": "XYCZT"}


def text(data: str, uuid: str = ONE, more: str = "", before: str = "", **sizes: object) -> str:
    attributes = " ".join(f'{key}="{value}"' for key, value in (SIZES | sizes).items())
    pixels = f'<Pixels ID="Pixels:0" {attributes}>{data}{more}</Pixels>'
    return HEAD.format(uuid) + f'{before}<Image ID="Image:0" Name="first">{pixels}</Image></OME>'


def part(name: str, uuid: str, first: int, pages: int, **more: int) -> str:
    """TiffData of a file with one frame."""
    numbers = " ".join(f'{key}="{value}"' for key, value in more.items())
    return f'<TiffData IFD="{first}" PlaneCount="{pages}" {numbers}><UUID FileName="{name}">{uuid}</UUID></TiffData>'


def write(path: Path, planes: np.ndarray, description: str) -> Path:
    tifffile.imwrite(path, planes, description=description.encode(), metadata=None, photometric="minisblack")
    return path


def two_files(folder: Path, names: tuple = ("a.ome.tif", "b.ome.tif")) -> Path:
    data = part(names[0], ONE, 0, 6) + part(names[1], TWO, 0, 6, FirstT=1)
    write(folder / names[0], PLANES[:6], text(data))
    write(folder / names[1], PLANES[6:], text(data, TWO))
    return folder / names[0]


def check(path: Path) -> None:
    film = readers.open_film(path)
    assert film.dimensions == (2, 3, 2)
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, PLANES[index])
        frame, plane, channel = np.unravel_index(index, (2, 3, 2))
        assert micrograph.position == (channel + 1, plane + 1, frame + 1)
        assert micrograph.name == path.name


@pytest.mark.parametrize("order", ["XYCZT", "XYZCT", "XYTCZ", "XYCTZ", "XYZTC", "XYTZC"])
@pytest.mark.parametrize("data", ["", "<TiffData/>", '<TiffData IFD="0" PlaneCount="12"/>'])
def test_all_orders_of_axes(tmp_path: Path, order: str, data: str):
    axes = [("TZC".index(axis)) for axis in reversed(order[2:])]
    stored = STACK.transpose([*axes, 3, 4]).reshape(-1, 10, 16)
    check(write(tmp_path / "a.ome.tif", stored, text(data, DimensionOrder=order)))


def test_first_plane_not_in_the_first_page(tmp_path: Path):
    order = RNG.permutation(12)
    data = "".join(
        f'<TiffData IFD="{np.flatnonzero(order == k)[0]}" FirstC="{k % 2}" FirstZ="{k // 2 % 3}" FirstT="{k // 6}"/>'
        for k in range(12)
    )
    check(write(tmp_path / "a.ome.tif", PLANES[order], text(data)))


def test_several_files(tmp_path: Path):
    check(two_files(tmp_path))
    check(tmp_path / "b.ome.tif")


def test_renamed_files_are_known_by_their_number(tmp_path: Path):
    two_files(tmp_path, ("a.ome.tif", "b.ome.tif"))
    (tmp_path / "a.ome.tif").rename(tmp_path / "renamed.tif")
    check(tmp_path / "renamed.tif")
    write(tmp_path / "c.tif", PLANES, text(part("old name.tif", ONE, 0, 12)))
    check(tmp_path / "c.tif")


def test_missing_files_are_named(tmp_path: Path):
    path = two_files(tmp_path)
    (tmp_path / "b.ome.tif").unlink()
    with pytest.raises(BadImage, match=rf"missing-files: {re.escape(str(path))}.*2 files.*1 missing: b\.ome\.tif"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert film.partial == (6, 12)
    assert film.dimensions == (2, 3, 1)
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], PLANES[:6])
    assert "partial: the file was cut off, 6 of 12 planes are there" in film[0].metadata["notes"]


@pytest.mark.parametrize("name", ["../b.ome.tif", "/etc/b.tif", "C:\\b.tif", "http://x/b.tif", "sub/b.tif", ".."])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str):
    path = write(
        tmp_path / "a.ome.tif", PLANES[:6], text(part("a.ome.tif", ONE, 0, 6) + part(name, TWO, 0, 6, FirstT=1))
    )
    with pytest.raises(BadImage, match="ome-path"):
        readers.open_film(path)
    binary = HEAD.format(ONE) + f'<BinaryOnly MetadataFile="{name}" UUID="{TWO}"/></OME>'
    with pytest.raises(BadImage, match="ome-path"):
        readers.open_film(write(tmp_path / "b.ome.tif", PLANES[:6], binary))


@pytest.mark.parametrize("companion", ["all.companion.ome", "a.ome.tif"])
def test_text_in_a_companion(tmp_path: Path, companion: str):
    full = text(part("a.ome.tif", ONE, 0, 6) + part("b.ome.tif", TWO, 0, 6, FirstT=1))
    binary = HEAD + f'<BinaryOnly MetadataFile="{companion}" UUID="{ONE}"/></OME>'
    own = companion == "a.ome.tif"
    write(tmp_path / "a.ome.tif", PLANES[:6], full if own else binary.format(ONE))
    write(tmp_path / "b.ome.tif", PLANES[6:], binary.format(TWO))
    if not own:
        with pytest.raises(BadImage, match=r"missing-files.*all\.companion\.ome"):
            readers.open_film(tmp_path / "b.ome.tif")
        (tmp_path / companion).write_text(full)
    check(tmp_path / "a.ome.tif")
    check(tmp_path / "b.ome.tif")


def test_pages_that_are_not_there(tmp_path: Path):
    path = write(tmp_path / "a.ome.tif", PLANES[:5], text(""))
    with pytest.raises(BadImage, match="found 5 of 12"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert (film.partial, film.dimensions) == ((5, 12), (1, 5, 1))
    path = write(tmp_path / "b.ome.tif", PLANES, text('<TiffData IFD="0"/>'))
    with pytest.raises(BadImage, match="found 1 of 12"):
        readers.open_film(path)
    path = write(tmp_path / "c.ome.tif", PLANES, text("", SizeT=10**9))
    with pytest.raises(BadImage, match=f"found .* of {6 * 10**9}"):
        readers.open_film(path)


def test_companions_of_another_size(tmp_path: Path):
    path = two_files(tmp_path)
    write(tmp_path / "b.ome.tif", PLANES[6:, :5], "")
    with pytest.raises(BadImage, match=r"b\.ome\.tif \(page 1\).*10 x 16.*5 x 16"):
        readers.open_film(path)


def test_size_time_and_settings(tmp_path: Path):
    before = (
        '<Instrument ID="i"><Microscope Manufacturer="Thermo" Model="Talos"/><Detector ID="d" Model="Ceta"/>'
        '<Objective ID="o" NominalMagnification="98000"/></Instrument>'
    )
    more = '<Plane TheC="0" TheZ="0" TheT="0" ExposureTime="250" ExposureTimeUnit="ms"/>'
    sizes = {"PhysicalSizeX": 1.5, "PhysicalSizeXUnit": "\u00c5", "PhysicalSizeY": 2e-4, "PhysicalSizeYUnit": "\u03bcm",
             "TimeIncrement": 40, "TimeIncrementUnit": "ms"}  # fmt: skip
    film = readers.open_film(write(tmp_path / "a.ome.tif", PLANES, text("", more=more, before=before, **sizes)))
    assert film.frame_interval == 0.04
    assert film[0].calibration.nm == (0.15, 0.2)
    assert film[0].metadata["pixel_size_source"] == "OME's PhysicalSizeX"
    assert Acquisition(**film[0].metadata["acquisition"]) == Acquisition(
        microscope="Thermo Talos", magnification=98_000, exposure_s=0.25, detector="Ceta"
    )


@pytest.mark.parametrize(
    ("sizes", "nm"),
    [({"X": 0.5, "XUnit": "nm"}, (0.5, 0.5)), ({"Y": 2, "YUnit": "nm"}, (2, 2)), ({"X": 0.5}, (500, 500)),
     ({"X": 0.5, "XUnit": "nm", "Y": 0.0006}, (0.5, 0.6)), ({"X": 1, "XUnit": "mm", "Y": 1, "YUnit": "pixel"}, None),
     ({"X": 5, "XUnit": "pixel"}, None), ({"X": 0}, None), ({"X": 3, "XUnit": "reference frame"}, None)],
)  # fmt: skip
def test_pixel_sizes(tmp_path: Path, sizes: dict, nm: tuple | None):
    full = text("", **{f"PhysicalSize{key}": value for key, value in sizes.items()})
    calibration = readers.open_film(write(tmp_path / "a.ome.tif", PLANES, full))[0].calibration
    assert calibration.nm == (pytest.approx(nm) if nm else None)


def test_other_images_and_wrong_sizes_are_told(tmp_path: Path):
    full = text("", SizeX=17).replace("</OME>", '<Image ID="Image:1"><Pixels SizeX="1"/></Image></OME>')
    notes = readers.open_film(write(tmp_path / "a.ome.tif", PLANES, full))[0].metadata["notes"]
    assert notes == (
        "2 images in the file: the first is read (first)",
        "OME's text says 17 x 10 pixels, the pages have 16 x 10: these are used",
    )


def test_colour_planes(tmp_path: Path):
    colours = RNG.integers(0, 255, (3, 10, 16, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.ome.tif", colours, photometric="rgb", metadata={"axes": "TYXS"})
    film = readers.open_film(tmp_path / "a.ome.tif")
    assert film.dimensions == (1, 1, 3)
    np.testing.assert_array_equal(film[2].pixels, np.floor(colours[2].astype(float).mean(axis=2) + 0.5))


def test_text_that_is_no_xml_leaves_a_plain_tiff(tmp_path: Path):
    film = readers.open_film(write(tmp_path / "a.ome.tif", PLANES[:2], text("").replace("</OME>", "<")))
    assert film.dimensions == (1, 2, 1)
    assert "2 pages without axes" in film[0].metadata["notes"][0]


def test_many_small_files(tmp_path: Path):
    """A file for each plane, more than may be open at once on some systems."""
    names = [f"p{k:04}.ome.tif" for k in range(300)]
    data = "".join(part(name, f"urn:uuid:{k}", 0, 1, FirstT=k) for k, name in enumerate(names))
    full = text(data, "urn:uuid:0", SizeC=1, SizeZ=1, SizeT=300)
    binary = HEAD + f'<BinaryOnly MetadataFile="{names[0]}" UUID="urn:uuid:0"/></OME>'
    for k, name in enumerate(names):
        write(tmp_path / name, PLANES[k % 12], full if k == 0 else binary.format(f"urn:uuid:{k}"))
    film = readers.open_film(tmp_path / names[7])
    assert film.dimensions == (1, 1, 300)
    np.testing.assert_array_equal(film[299].pixels, PLANES[299 % 12])
    for name in names[200:]:
        (tmp_path / name).unlink()
    with pytest.raises(BadImage, match=r"the 300 files.*100 missing: p0200\.ome\.tif.*…"):
        readers.open_film(tmp_path / names[7])
    assert readers.open_film(tmp_path / names[7], allow_partial=True).partial == (200, 300)
