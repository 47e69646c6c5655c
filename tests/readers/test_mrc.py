"""MRC: modes, byte orders, pixel size, FEI's extended head; files by mrcfile, the reference library."""

import pickle
import struct
import tracemalloc
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from mrcfile.dtypes import get_ext_header_dtype

from temj import readers
from temj.data import Calibration
from temj.errors import BadImage, ResourceError
from temj.readers.mrc import ROWS_NOTE

STACK = (np.arange(4 * 5 * 6) % 100).reshape(4, 5, 6)


SMALL = STACK.astype(np.int16)


def write(path: Path, data: np.ndarray = SMALL, voxel: object = 2.0, **fields: object) -> Path:
    with mrcfile.new(path, data=data) as file:
        file.voxel_size = voxel
        for name, value in fields.items():
            file.header[name] = value
    return path


def patched(path: Path, place: int, kind: str, *values: object) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into(kind, data, place, *values)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["i1", "i2", "f4", "u2", "f2"])
@pytest.mark.parametrize("extension", [".mrc", ".mrcs", ".rec", ".st"])
def test_modes_orders_and_extensions_as_mrcfile_reads_them(tmp_path: Path, order: str, dtype: str, extension: str):
    path = write(tmp_path / f"a{extension}", STACK.astype(order + dtype))
    film = readers.open_film(path)
    assert film.dimensions == (1, 4, 1)
    with mrcfile.open(path) as file:
        np.testing.assert_array_equal([micrograph.pixels for micrograph in film], file.data[:, ::-1])
    assert film[2].position == (1, 3, 1)
    assert film[0].calibration == Calibration(2.0, 2.0, "Å")
    assert film[0].metadata["pixel_size_source"] == "MRC cell size"
    assert ROWS_NOTE not in film[0].metadata["notes"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(film.read))(3).pixels, STACK[3, ::-1])


def test_one_image_has_no_position(tmp_path: Path):
    micrograph = readers.open(write(tmp_path / "a.mrc", STACK[0].astype(np.float32)))
    np.testing.assert_array_equal(micrograph.pixels, STACK[0, ::-1])
    assert micrograph.position == (0, 0, 0)


def test_planes_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film = readers.open_film(write(tmp_path / "a.mrc"))
    read = []
    fromfile = np.fromfile
    monkeypatch.setattr(np, "fromfile", lambda *a, **k: read.append(a[2]) or fromfile(*a, **k))
    np.testing.assert_array_equal(film[3].pixels, STACK[3, ::-1])
    assert read == [30]


@pytest.mark.parametrize(
    ("voxel", "expected"),
    [
        ((2.5, 3.5, 9.0), Calibration(2.5, 3.5, "Å")), ((0.0, 0.0, 0.0), Calibration()),
        ((1.0, 1.0, 1.0), Calibration()),
        ((1.0, 1.5, 1.0), Calibration(1.0, 1.5, "Å")), ((np.nan, 1.0, 1.0), Calibration()),
        ((-2.0, 2.0, 2.0), Calibration()), ((1e9, 1e9, 1.0), Calibration()),
    ],
)  # fmt: skip
def test_pixel_size(tmp_path: Path, voxel: tuple, expected: Calibration):
    micrograph = readers.open(write(tmp_path / "a.mrc", voxel=voxel), plane=0)
    assert micrograph.calibration == expected
    assert ("pixel_size_source" in micrograph.metadata) == expected.known
    assert any("1 Å per pixel" in note for note in micrograph.metadata["notes"]) == (voxel == (1.0, 1.0, 1.0))


def test_pixel_size_of_exchanged_axes(tmp_path: Path):
    path = write(tmp_path / "a.mrc", mapc=2, mapr=1, mx=10, my=20, cella=(10.0, 40.0, 1.0))
    assert readers.open(path, plane=0).calibration == Calibration(2.0, 1.0, "Å")
    path = write(tmp_path / "b.mrc", mapc=0, mapr=0, maps=0)
    assert readers.open(path, plane=0).calibration == Calibration(2.0, 2.0, "Å")


@pytest.mark.parametrize(
    ("flags", "statistics", "signed"),
    [
        (1, (0, 200), True), (0, (-5, 5), False), (None, (-5, 100), True), (None, (0, 200), False),
        (None, (0, 100), True), (None, (0, -1), True), (None, (np.nan, np.nan), True),
    ],
)  # fmt: skip
def test_bytes_are_signed_unless_imod_or_the_statistics_say_otherwise(
    tmp_path: Path, flags: int | None, statistics: tuple, signed: bool
):
    path = write(tmp_path / "a.mrc", np.array([[-1, 1, 127, -128]], np.int8), dmin=statistics[0], dmax=statistics[1])
    if flags is not None:
        patched(path, 152, "<ii", 1146047817, flags)
    micrograph = readers.open(path)
    np.testing.assert_array_equal(micrograph.pixels, [[-1, 1, 127, -128] if signed else [255, 1, 127, 128]])
    assert any(f"read as {'signed' if signed else 'unsigned'}" in note for note in micrograph.metadata["notes"])


@pytest.mark.parametrize(
    ("mode", "words"), [(3, "complex 16-bit"), (4, "complex 32-bit"), (16, "colours"), (101, "4-bit")]
)
def test_other_modes_are_refused_in_words(tmp_path: Path, mode: int, words: str):
    path = patched(write(tmp_path / "a.mrc"), 12, "<i", mode)
    with pytest.raises(BadImage, match=rf"not-a-micrograph: .*a\.mrc.*found mode {mode}: {words}"):
        readers.open_film(path)


def fei(path: Path, kind: bytes = b"FEI1", order: str = "<", count: int = 4, **fields: object) -> Path:
    """A file with a record of settings for each plane."""
    dtype = get_ext_header_dtype(kind, order)
    records = np.zeros(count, dtype)
    records["Metadata size"] = dtype.itemsize
    for name in dtype.names:
        if name.startswith("Bitmask"):
            records[name] = 0xFFFFFFFF
    values = {
        "Pixel size X": 5e-10, "Pixel size Y": 6e-10, "HT": 300000.0, "Defocus": -1.5e-6, "Magnification": 29000.0,
        "Alpha tilt": np.arange(count) * 3.0, "Beta tilt": 0.0, "Instrument mode": 1, "Projection mode": 2,
        "Camera name": b"BM-Falcon", "Integration time": 0.5, "Binning Width": 2, "Binning Height": 2,
        "Microscope type": b"TITAN", "Camera length": 0.0,
    } | fields  # fmt: skip
    for name, value in values.items():
        records[name] = value
    with mrcfile.new(path, data=STACK.astype(order + "u2")) as file:
        file.voxel_size = 5.0
        file.set_extended_header(np.frombuffer(records.tobytes(), "V1"))
        file.header.exttyp = kind
    return path


@pytest.mark.parametrize("kind", [b"FEI1", b"FEI2"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_fei_records(tmp_path: Path, kind: bytes, order: str):
    film = readers.open_film(fei(tmp_path / "a.mrc", kind, order))
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK[:, ::-1])
    for index, micrograph in enumerate(film):
        assert micrograph.calibration == Calibration(0.5, 0.6, "nm")
        assert micrograph.metadata["pixel_size_source"] == f"{kind.decode()} extended header"
        assert micrograph.metadata["acquisition"] == {
            "microscope": "TITAN", "mode": "TEM", "voltage_kV": 300.0, "magnification": 29000.0, "defocus_nm": -1500.0,
            "tilt_alpha_deg": 3.0 * index, "tilt_beta_deg": 0.0, "exposure_s": 0.5, "binning": 2,
            "detector": "BM-Falcon",
        }  # fmt: skip
        assert any("instead of the head's 5 Å" in note or "0.5 x 0.6" in note for note in micrograph.metadata["notes"])
        assert ROWS_NOTE in micrograph.metadata["notes"]


def test_fei_records_of_a_scan_and_of_diffraction(tmp_path: Path):
    scan = {"Instrument mode": 2, "STEM Detector name": b"HAADF", "Frame time": 2.5}
    told = readers.open(fei(tmp_path / "a.mrc", **scan), plane=1).metadata["acquisition"]
    assert (told["mode"], told["detector"], told["exposure_s"], "binning" in told) == ("STEM", "HAADF", 2.5, False)
    pattern = {"Projection mode": 1, "Pixel size X": 4e7, "Pixel size Y": 4e7}
    micrograph = readers.open(fei(tmp_path / "b.mrc", **pattern), plane=0)
    assert not micrograph.calibration.known
    assert any("diffraction pattern (a pixel is 0.04 1/nm)" in note for note in micrograph.metadata["notes"])


@pytest.mark.parametrize(
    "fields",
    [{"Bitmask 1": 0}, {"Metadata size": 5}, {"Pixel size X": np.nan}, {"Pixel size X": 0.0}, {"Pixel size Y": -1.0}],
)
def test_fei_records_without_a_pixel_size_leave_that_of_the_head(tmp_path: Path, fields: dict):
    micrograph = readers.open(fei(tmp_path / "a.mrc", **fields), plane=0)
    assert micrograph.calibration == Calibration(5.0, 5.0, "Å")
    np.testing.assert_array_equal(micrograph.pixels, STACK[0, ::-1])


def test_too_few_fei_records_are_not_used(tmp_path: Path):
    assert readers.open(fei(tmp_path / "a.mrc", count=3), plane=3).metadata["acquisition"] == {}


def test_files_cut_off(tmp_path: Path):
    path = write(tmp_path / "a.mrc")
    data = path.read_bytes()
    path.write_bytes(data[: 1024 + 2 * 60 + 10])
    with pytest.raises(BadImage, match=r"truncated: .*a\.mrc\. Expected 4 planes in 1264 bytes.*found 2 of 4 in 1154"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert (film.partial, film.dimensions) == ((2, 4), (1, 2, 1))
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK[:2, ::-1])
    assert "partial: the file was cut off and holds 2 of 4 planes" in film[0].metadata["notes"]
    for length in (1024 + 10, 1024, 1000, 300):
        path.write_bytes(data[:length])
        with pytest.raises(BadImage, match="truncated"):
            readers.open_film(path, allow_partial=True)


def test_a_size_far_above_the_file_is_refused_before_memory_is_taken(tmp_path: Path):
    path = patched(write(tmp_path / "a.mrc"), 0, "<3i", 60_000, 60_000, 2**31 - 1)
    with pytest.raises(BadImage, match=r"truncated: .*found 0 of 2147483647"):
        readers.open_film(path, allow_partial=True)


def test_planes_that_do_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film = readers.open_film(write(tmp_path / "a.mrc"))
    monkeypatch.setenv("TEMJ_MEMORY_GB", "1e-7")
    with pytest.raises(ResourceError, match=r"ResourceError/memory: .*a\.mrc.*plane 3 of 30 pixels"):
        film[2]


def test_a_film_of_100_gb_costs_no_memory(tmp_path: Path):
    path = patched(write(tmp_path / "a.mrc"), 0, "<3i", 512, 512, 200_000)
    with path.open("r+b") as file:
        file.truncate(1024 + 200_000 * 512 * 512 * 2)  # a file with holes: nothing is stored
        file.seek(1024 + 199_999 * 512 * 512 * 2)
        file.write(np.full((512, 512), 7, np.int16).tobytes())
    tracemalloc.start()
    film = readers.open_film(path)
    assert (film[199_999].pixels == 7).all()
    assert len(pickle.dumps(film.read)) < 2000
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_more_bytes_than_announced_are_told(tmp_path: Path):
    path = patched(write(tmp_path / "a.mrc"), 8, "<i", 3)
    film = readers.open_film(path)
    assert len(film) == 3
    assert "the file holds 60 bytes more than the 3 planes that it announces" in film[0].metadata["notes"]


def test_wrong_and_missing_marks(tmp_path: Path):
    path = patched(write(tmp_path / "a.mrc"), 212, "4s", b"\x11\x11\0\0")  # says big-endian, is little-endian
    film = readers.open_film(path)
    np.testing.assert_array_equal(film[1].pixels, STACK[1, ::-1])
    assert "the file's mark of its byte order is wrong; the other one fits" in film[0].metadata["notes"]
    path = patched(write(tmp_path / "b.mrc"), 208, "8s", bytes(8))  # before the year 2000 there was no mark
    np.testing.assert_array_equal(readers.open_film(path)[1].pixels, STACK[1, ::-1])
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(BadImage, match="not-an-image"):
        readers.open_film(path)


@pytest.mark.parametrize(("place", "value"), [(0, 0), (4, -1), (8, 0), (12, 77), (92, -4)])
def test_heads_that_cannot_be_right(tmp_path: Path, place: int, value: int):
    path = patched(write(tmp_path / "a.mrc"), place, "<i", value)
    with pytest.raises(BadImage, match=rf"BadImage/mrc: .*a\.mrc.*{value}"):
        readers.open_film(path)
