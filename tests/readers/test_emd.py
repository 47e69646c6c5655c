"""EMD: Velox' images of several detectors and the Berkeley layout; files by write_emd.py with h5py."""

import importlib.util
import pickle
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from temj import readers
from temj.data import Calibration
from temj.errors import BadImage, ResourceError

_spec = importlib.util.spec_from_file_location("write_emd", Path(__file__).with_name("write_emd.py"))
write_emd = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(write_emd)
VeloxImage, velox, ncem, settings = write_emd.VeloxImage, write_emd.velox, write_emd.ncem, write_emd.settings

STACK = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7)


@pytest.mark.parametrize(
    "options",
    [
        {}, {"compression": "gzip"}, {"chunks": (4, 4, 3), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": None},
    ],
)  # fmt: skip
def test_velox_stacks(tmp_path: Path, options: dict):
    film = readers.open_film(velox(tmp_path / "a.emd", VeloxImage(STACK, options=options)))
    assert (film.dimensions, film.frame_interval, film.partial) == ((1, 1, 5), 0.25, None)
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, STACK[index])
        assert micrograph.position == (1, 1, index + 1)
        assert micrograph.calibration == Calibration(0.2, 0.3, "nm", 2.0, 3.0)
        assert micrograph.metadata["pixel_size_source"] == "Velox BinaryResult.PixelSize of HAADF"
        assert micrograph.metadata["notes"] == ()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(film.read))(3).pixels, STACK[3])


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_velox_numbers_of_all_kinds(tmp_path: Path, dtype: str):
    micrograph = readers.open(velox(tmp_path / "a.emd", VeloxImage(STACK[:1].astype(dtype))))
    np.testing.assert_array_equal(micrograph.pixels, STACK[0].astype(dtype))
    assert micrograph.position == (0, 0, 0)


def test_only_the_plane_asked_for_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film = readers.open_film(velox(tmp_path / "a.emd", VeloxImage(STACK)))
    read = []
    get = h5py.Dataset.__getitem__

    def seen(self: h5py.Dataset, key: object, *rest: object) -> object:
        found = get(self, key, *rest)
        read.append((self.name.split("/")[-1], np.shape(found)))
        return found

    monkeypatch.setattr(h5py.Dataset, "__getitem__", seen)
    np.testing.assert_array_equal(film[3].pixels, STACK[3])
    assert [shape for name, shape in read if name == "Data"] == [(6, 7)]


def test_velox_settings_of_a_scan(tmp_path: Path):
    path = velox(tmp_path / "a.emd", VeloxImage(STACK, [settings(), settings(Stage__AlphaTilt="0")]))
    expected = {
        "microscope": "Themis", "mode": "STEM", "voltage_kV": 300.0, "magnification": 910000.0, "defocus_nm": -250.0,
        "tilt_alpha_deg": 28.6478898, "tilt_beta_deg": -14.3239449, "exposure_s": 0.25, "camera_length_mm": 115.0,
        "detector": "HAADF", "date": "2019-12-05T10:03:44Z",
    }  # fmt: skip
    film = readers.open_film(path)
    assert film[0].metadata["acquisition"] == expected
    assert film[1].metadata["acquisition"] == {**expected, "tilt_alpha_deg": 0.0}  # each frame has its own


def test_velox_settings_of_a_camera_and_of_diffraction(tmp_path: Path):
    camera = {
        "BinaryResult__Detector": "BM-Ceta", "BinaryResult__DetectorIndex": "0", "Optics__OperatingMode": "1",
        "Optics__ProjectorMode": "2",
    }  # fmt: skip
    film = readers.open_film(velox(tmp_path / "a.emd", VeloxImage(STACK, [settings(**camera)])))
    assert (film.dimensions, film.frame_interval) == ((1, 5, 1), None)
    told = film[0].metadata["acquisition"]
    assert (told["mode"], told["magnification"], told["exposure_s"], told["binning"]) == ("TEM", 27000.0, 0.8, 2)
    assert "camera_length_mm" not in told
    size = {"width": "4e7", "height": "4e7"}
    units = {"BinaryResult__PixelUnitX": "1/m", "BinaryResult__PixelUnitY": "1/m", "BinaryResult__PixelSize": size}
    pattern = settings(**{**camera, **units, "Optics__ProjectorMode": "1"})
    micrograph = readers.open(velox(tmp_path / "b.emd", VeloxImage(STACK[:1], [pattern])))
    assert not micrograph.calibration.known
    assert micrograph.metadata["notes"] == (
        "this is a diffraction pattern (a pixel is 0.04 1/nm): pixel size not used",
    )
    assert micrograph.metadata["acquisition"]["mode"] == "diffraction"
    assert micrograph.metadata["acquisition"]["camera_length_mm"] == 115.0


@pytest.mark.parametrize(
    "facts",
    [
        {}, {"BinaryResult": "x", "Optics": 5, "Detectors": [1]}, settings(BinaryResult__PixelSize={"width": "nan"}),
        settings(BinaryResult__PixelSize={"width": "inf", "height": "1e999"}), settings(BinaryResult__PixelUnitX=None),
        settings(BinaryResult__PixelSize={"width": "0", "height": "0"}),
    ],
)  # fmt: skip
def test_velox_settings_that_cannot_be_right(tmp_path: Path, facts: dict):
    micrograph = readers.open(velox(tmp_path / "a.emd", VeloxImage(STACK[:1], [facts])))
    np.testing.assert_array_equal(micrograph.pixels, STACK[0])
    assert not micrograph.calibration.known
    if not facts:
        assert "the settings of the image (Metadata) are missing or damaged" in micrograph.metadata["notes"][0]


@pytest.mark.parametrize("text", [b"{", b"[1]", b"\xff\xfe", b"[" * 200_000, b"", b'{"a": NaN}'])
def test_velox_settings_that_are_no_json(tmp_path: Path, text: bytes):
    path = velox(tmp_path / "a.emd", VeloxImage(STACK[:1]))
    with h5py.File(path, "a") as file:
        group = file["Data/Image"][next(iter(file["Data/Image"]))]
        del group["Metadata"]
        group["Metadata"] = np.frombuffer(text, np.uint8).reshape(-1, 1)
    micrograph = readers.open(path)
    np.testing.assert_array_equal(micrograph.pixels, STACK[0])
    assert not micrograph.calibration.known


def named(detector: str) -> dict:
    return settings(BinaryResult__Detector=detector, BinaryResult__DetectorIndex=None)


def test_velox_several_detectors(tmp_path: Path):
    images = [
        VeloxImage(STACK[:1].astype(np.float32), [named("ABF")], "1" * 32),
        VeloxImage(STACK[:1], [named("HAADF")], "2" * 32),
        VeloxImage(STACK[1:2], [named("BF")], "3" * 32), VeloxImage(STACK[2:3, :3], [named("AAA")], "4" * 32),
        VeloxImage(STACK[3:4], [named("BF")], "0" * 32),
    ]  # fmt: skip
    micrograph = readers.open(velox(tmp_path / "a.emd", *images, others=["SpectrumStream"]))
    np.testing.assert_array_equal(micrograph.pixels, STACK[3])  # whole numbers first, then the name, then the place
    assert micrograph.metadata["acquisition"]["detector"] == "BF"
    assert micrograph.metadata["notes"] == (
        "image 'BF' (6 x 7 x 1) of 5 in the file is used; left out: 'ABF' (6 x 7 x 1), 'HAADF' (6 x 7 x 1), "
        "'BF' (6 x 7 x 1), 'AAA' (3 x 7 x 1)",
        "the spectra in the file are left out",
    )
    micrograph = readers.open_film(velox(tmp_path / "b.emd", *images, VeloxImage(STACK, [named("Z")], "9" * 32)))[2]
    np.testing.assert_array_equal(micrograph.pixels, STACK[2])


def test_complex_numbers_of_velox_are_left_out(tmp_path: Path):
    kind = [("realFloat", "<f4"), ("imagFloat", "<f4")]
    fourier = VeloxImage(np.zeros((1, 9, 9), kind), [named("HAADF")], "1" * 32)
    with pytest.raises(BadImage, match=r"not-a-micrograph: .*'HAADF' \(9 x 9 x 1\), complex numbers"):
        readers.open(velox(tmp_path / "a.emd", fourier))
    micrograph = readers.open(velox(tmp_path / "b.emd", fourier, VeloxImage(STACK[:1])))
    np.testing.assert_array_equal(micrograph.pixels, STACK[0])


def test_files_without_images(tmp_path: Path):
    with pytest.raises(BadImage, match=r"not-a-micrograph: .*spectra alone"):
        readers.open(velox(tmp_path / "a.emd", others=["SpectrumStream"]))
    with h5py.File(tmp_path / "b.emd", "w") as file:
        file["other"] = STACK
    with pytest.raises(BadImage, match=r"not-a-micrograph: .*b\.emd"):
        readers.open(tmp_path / "b.emd")


T, Y, X = (
    ("time", "[s]", np.arange(5) * 0.5),
    ("y", "[n_m]", np.arange(6) * 3.0),
    ("x", "[n_m]", np.arange(7) * 2.0 - 4),
)


def test_berkeley_stacks(tmp_path: Path):
    film = readers.open_film(ncem(tmp_path / "a.emd", STACK, [T, Y, X]))
    assert (film.dimensions, film.frame_interval) == ((1, 1, 5), 0.5)
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, STACK[index])
        assert micrograph.calibration == Calibration(2.0, 3.0, "nm", 2.0, 0.0)
        assert micrograph.metadata["pixel_size_source"] == "EMD axes of data/picture"
        assert micrograph.metadata["notes"] == ()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(film.read))(3).pixels, STACK[3])


@pytest.mark.parametrize(
    ("order", "axes"),
    [((1, 2, 0), [Y, X, T]), ((2, 1, 0), [X, Y, T]), ((0, 2, 1), [T, X, Y]), ((2, 0, 1), [X, T, Y])],
)
def test_berkeley_axes_in_any_order(tmp_path: Path, order: tuple, axes: list):
    film = readers.open_film(ncem(tmp_path / "a.emd", STACK.transpose(order), axes))
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK)
    assert film[0].calibration == Calibration(2.0, 3.0, "nm", 2.0, 0.0)
    assert film.frame_interval == 0.5


def test_berkeley_axes_of_prismatic_and_without_names(tmp_path: Path):
    r_x, r_y = ("R_x", "[n_m]", np.arange(7) * 2.0), ("R_y", "[n_m]", np.arange(6) * 3.0)
    micrograph = readers.open(ncem(tmp_path / "a.emd", STACK[0].T, [r_x, r_y], dataset="realslice"))
    np.testing.assert_array_equal(micrograph.pixels, STACK[0])
    micrograph = readers.open(ncem(tmp_path / "b.emd", STACK[0], [("", "nm", np.arange(2) * 3.0), ("", "nm", [0, 2])]))
    np.testing.assert_array_equal(micrograph.pixels, STACK[0])
    assert micrograph.calibration == Calibration(2.0, 3.0, "nm")
    film = readers.open_film(ncem(tmp_path / "c.emd", STACK[:, None], []))
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK)
    assert not film[0].calibration.known


@pytest.mark.parametrize(
    ("data", "axes", "words"),
    [
        (np.zeros((2, 3, 4, 5)), [], r"\(2 x 3 x 4 x 5\), data of 4 dimensions \(such as 4D-STEM\)"),
        (np.zeros((4, 5), np.complex64), [], "numbers of the type complex64"),
        (np.zeros((4, 5), "S3"), [], r"numbers of the type \|S3"),
        (np.zeros((4, 5)), [("y", "nm", [0, 1]), ("energy", "[e_V]", [0, 1])], "a spectrum or spectrum image"),
        (np.zeros(5), [], "without data that can be read"),
    ],
)
def test_what_is_no_micrograph_is_refused_in_words(tmp_path: Path, data: np.ndarray, axes: list, words: str):
    with pytest.raises(BadImage, match=rf"not-a-micrograph: .*'picture'.*{words}"):
        readers.open(ncem(tmp_path / "a.emd", data, axes))


@pytest.mark.parametrize("unit", ["[n_m^-1]", "1/nm", "[mrad]"])
def test_berkeley_diffraction(tmp_path: Path, unit: str):
    axes = [("Q_y", unit, [0.0, 0.1]), ("Q_x", unit, [0.0, 0.1])]
    micrograph = readers.open(ncem(tmp_path / "a.emd", STACK[0], axes))
    assert not micrograph.calibration.known
    assert "diffraction pattern" in micrograph.metadata["notes"][0]
    assert micrograph.metadata["acquisition"] == {"mode": "diffraction"}


def test_berkeley_settings_and_several_groups(tmp_path: Path):
    path = ncem(tmp_path / "a.emd", STACK[0], [Y, X])
    ncem(path, STACK, [T, Y, X], mode="a", group="deep/er/film")
    ncem(path, STACK, [T, Y, X], mode="a", group="deep/er/array", kind="array")
    with h5py.File(path, "a") as file:
        file.create_group("microscope").attrs.update(
            {"name": "TEAM", "high tension": 80000.0, "magnification": np.nan, "defocus": -1e-7}
        )
        file["circle"] = file["/"]
    film = readers.open_film(path)
    assert film.dimensions == (1, 1, 5)
    assert film[0].metadata["acquisition"] == {"microscope": "TEAM", "voltage_kV": 80.0, "defocus_nm": -100.0}
    assert film[0].metadata["notes"][0].startswith("image 'array' (5 x 6 x 7) of ")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.8, 0.99])
def test_files_cut_off(tmp_path: Path, share: float):
    path = velox(tmp_path / "a.emd", VeloxImage(STACK))
    data = path.read_bytes()
    there = int(len(data) * share)
    path.write_bytes(data[:there])
    for allow_partial in (False, True):
        with pytest.raises(BadImage, match=r"truncated: .*a\.emd") as caught:
            readers.open_film(path, allow_partial=allow_partial)
        assert f"{there} of {len(data)}" in caught.value.message


def unwritten(path: Path, frames: int, chunks: tuple = (6, 7, 1)) -> Path:
    """A film of which only the first ``frames`` were written; HDF5 itself gives zeros for the others."""
    path = velox(path, VeloxImage(STACK[:1]))
    with h5py.File(path, "a") as file:
        group = file["Data/Image"][next(iter(file["Data/Image"]))]
        del group["Data"]
        data = group.create_dataset("Data", (6, 7, 5), np.uint16, chunks=chunks)
        data[:, :, :frames] = np.moveaxis(STACK[:frames], 0, -1)
    return path


@pytest.mark.parametrize("chunks", [(6, 7, 1), (3, 4, 1), (6, 7, 3)])
def test_frames_that_were_never_written_are_not_read_as_zeros(tmp_path: Path, chunks: tuple):
    path = unwritten(tmp_path / "a.emd", 3, chunks)
    with pytest.raises(BadImage, match=r"truncated: .*Expected 5 planes, as the file announces, found 3 of 5"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert (film.partial, film.dimensions) == ((3, 5), (1, 1, 3))
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK[:3])
    assert "partial: the file was cut off and holds 3 of 5 planes" in film[0].metadata["notes"]
    with pytest.raises(BadImage, match=r"found 0 of 5"):
        readers.open_film(unwritten(tmp_path / "b.emd", 0, chunks), allow_partial=True)


def test_a_size_far_above_the_file_is_refused_before_memory_is_taken(tmp_path: Path):
    for options in ({"chunks": (1000, 1000)}, {"chunks": (1000, 1000), "compression": "gzip"}, {}):
        with h5py.File(tmp_path / "a.emd", "w") as file:
            group = file.create_group("data/big")
            group.attrs["emd_group_type"] = 1
            group.create_dataset("data", (60_000, 60_000), np.float64, **options)
        with pytest.raises(BadImage, match=r"truncated: .*0 of 1"):
            readers.open_film(tmp_path / "a.emd")


def test_planes_that_do_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film = readers.open_film(velox(tmp_path / "a.emd", VeloxImage(STACK)))
    monkeypatch.setenv("TEMJ_MEMORY_GB", "1e-7")
    with pytest.raises(ResourceError, match=r"ResourceError/memory: .*a\.emd.*plane 2 of 42 pixels"):
        film[1]


def test_data_in_other_files_are_not_followed(tmp_path: Path):
    target = ncem(tmp_path / "target.emd", STACK[0], [Y, X])
    for name in ("link.emd", "external.emd", "virtual.emd"):
        with h5py.File(tmp_path / name, "w") as file:
            if name == "link.emd":
                file["data"] = h5py.ExternalLink(target, "data")
                continue
            group = file.create_group("data/picture")
            group.attrs["emd_group_type"] = 1
            if name == "external.emd":
                group.create_dataset("data", (6, 7), np.uint16, external=[(tmp_path / "raw.bin", 0, 84)])
                continue
            layout = h5py.VirtualLayout((6, 7), np.uint16)
            layout[:] = h5py.VirtualSource(target, "data/picture/data", (6, 7))
            group.create_virtual_dataset("data", layout)
    for name in ("link.emd", "external.emd", "virtual.emd"):
        with pytest.raises(BadImage, match="not-a-micrograph"):
            readers.open(tmp_path / name)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path):
    film = readers.open_film(velox(tmp_path / "a.emd", VeloxImage(STACK)))
    velox(tmp_path / "a.emd", VeloxImage(STACK[:, :3]))
    with pytest.raises(BadImage, match=r"BadImage/emd: .*has changed since"):
        film[0]
    (tmp_path / "a.emd").unlink()
    with pytest.raises(BadImage, match="missing"):
        film[0]


def test_a_damaged_chunk_is_named(tmp_path: Path):
    path = velox(tmp_path / "a.emd", VeloxImage(STACK, options={"fletcher32": True}))
    data = bytearray(path.read_bytes())
    data[data.index(STACK[2].tobytes()) + 5] ^= 4
    path.write_bytes(data)
    film = readers.open_film(path)
    np.testing.assert_array_equal(film[1].pixels, STACK[1])
    with pytest.raises(BadImage, match=r"BadImage/emd: .*a\.emd"):
        film[2]
