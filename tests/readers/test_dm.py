"""Gatan DM3 and DM4: pixels of all kinds, calibration, choice of the image, what is refused; files by write_dm.py."""

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from temj import readers
from temj.data import Calibration
from temj.errors import BadImage
from temj.readers.convert import COLOUR_NOTE
from temj.readers.dm_tags import read_tags

_spec = importlib.util.spec_from_file_location("write_dm", Path(__file__).with_name("write_dm.py"))
write_dm = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(write_dm)
Gatan, Image, THUMBNAIL, Writer = write_dm.Gatan, write_dm.Image, write_dm.THUMBNAIL, write_dm.Writer

KINDS = [(version, little) for version in (3, 4) for little in (True, False)]
GREY = np.arange(30, dtype=np.uint16).reshape(5, 6) * 1000
STACK = np.arange(120, dtype=np.int16).reshape(4, 5, 6) - 60
NM = ((0.0, 0.5, "nm"), (0.0, 0.5, "nm"))


def write(path: Path, *images: Image, thumbnails: tuple = (0,), writer: Writer | None = None) -> Path:
    writer = writer or Writer(int(path.suffix[-1]))
    path.write_bytes(Gatan((THUMBNAIL, *images), thumbnails).bytes(writer))
    return path


@pytest.mark.parametrize(("version", "little"), KINDS)
@pytest.mark.parametrize("dtype", ["i2", "f4", "u1", "i4", "i1", "u2", "u4", "f8"])
def test_numbers_of_all_kinds(tmp_path: Path, version: int, little: bool, dtype: str):
    values = np.array([[0, 1, 100], [7, 3, 127]]).astype(dtype)
    path = write(tmp_path / f"a.dm{version}", Image(values), writer=Writer(version, little))
    micrograph = readers.open(path)
    np.testing.assert_array_equal(micrograph.pixels, values)
    assert micrograph.pixels.dtype == (dtype if dtype in ("u1", "u2") else "f4")
    assert micrograph.position == (0, 0, 0)
    assert micrograph.metadata["title"] == "image"


@pytest.mark.parametrize(("version", "little"), KINDS)
def test_black_and_white_and_colours(tmp_path: Path, version: int, little: bool):
    path, writer = tmp_path / f"a.dm{version}", Writer(version, little)
    write(path, Image(np.array([[True, False, True]] * 2)), writer=writer)
    np.testing.assert_array_equal(readers.open(path).pixels, [[255, 0, 255]] * 2)
    colours = np.array([[0x00102030, 0x00FF0001], [0x7F000000, 0x00030405]], np.int32)
    write(path, Image(colours, data_type=23), thumbnails=(0,), writer=writer)
    micrograph = readers.open(path)
    np.testing.assert_array_equal(micrograph.pixels, [[32, 85], [0, 4]])
    assert COLOUR_NOTE in micrograph.metadata["notes"]


@pytest.mark.parametrize(("version", "little"), KINDS)
def test_stacks_calibration_and_time(tmp_path: Path, version: int, little: bool):
    axes = ((1.5, 0.5, "nm"), (-2.0, 0.0006, "µm"), (0.0, 250.0, "ms"))
    path = write(tmp_path / f"a.dm{version}", Image(STACK, axes), writer=Writer(version, little))
    film = readers.open_film(path)
    assert film.dimensions == (1, 1, 4)
    assert film.frame_interval == 0.25
    assert film.partial is None
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, STACK[index])
        assert micrograph.position == (1, 1, index + 1)
        assert micrograph.calibration == Calibration(0.5, 0.6, "nm", 1.5, -2.0)
        assert micrograph.metadata["pixel_size_source"] == "Gatan ImageList.2.ImageData.Calibrations"
        assert micrograph.metadata["notes"] == ()
    again = pickle.loads(pickle.dumps(film.read))
    np.testing.assert_array_equal(again(2).pixels, STACK[2])


def test_stacks_without_time_are_slices_and_missing_axes_are_allowed(tmp_path: Path):
    film = readers.open_film(write(tmp_path / "a.dm3", Image(STACK, NM)))
    assert film.dimensions == (1, 4, 1)
    assert film.frame_interval is None
    assert film[0].calibration.width == 0.5
    assert not readers.open(write(tmp_path / "b.dm3", Image(GREY))).calibration.known


def test_planes_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film = readers.open_film(write(tmp_path / "a.dm4", Image(np.tile(STACK, (1, 100, 100)))))
    read = []
    fromfile = np.fromfile
    monkeypatch.setattr(np, "fromfile", lambda *a, **k: read.append(a[2]) or fromfile(*a, **k))
    np.testing.assert_array_equal(film[3].pixels, np.tile(STACK[3], (100, 100)))
    assert read == [300_000]


@pytest.mark.parametrize("unit", ["1/nm", "nm^-1", "mrad", "1/A"])
def test_diffraction_patterns_have_no_pixel_size(tmp_path: Path, unit: str):
    micrograph = readers.open(write(tmp_path / "a.dm4", Image(GREY, ((0.0, 0.02, unit),) * 2)))
    assert not micrograph.calibration.known
    assert any(note.startswith("this is a diffraction pattern") for note in micrograph.metadata["notes"])
    assert micrograph.metadata["acquisition"]["mode"] == "diffraction"
    assert "pixel_size_source" not in micrograph.metadata


@pytest.mark.parametrize(
    ("axes", "note"),
    [
        (((0.0, 1.0, "furlong"),) * 2, "unit 'furlong'"),
        (((0.0, 1.0, "nm"), (0.0, 1.0, "")), "only one axis"),
        (((0.0, float("inf"), "nm"),) * 2, "cannot be right"),
        (((0.0, float("nan"), "nm"),) * 2, "cannot be right"),
        (((0.0, 0.0, "nm"),) * 2, "cannot be right"),
        (((0.0, 5.0, "m"),) * 2, "cannot be right"),
    ],
)
def test_calibrations_that_cannot_be_right_are_dropped_and_told(tmp_path: Path, axes: tuple, note: str):
    micrograph = readers.open(write(tmp_path / "a.dm3", Image(GREY, axes)))
    np.testing.assert_array_equal(micrograph.pixels, GREY)
    assert not micrograph.calibration.known
    assert note in micrograph.metadata["notes"][0]


def test_infinite_origin_and_negative_scale(tmp_path: Path):
    axes = ((float("inf"), 0.5, "nm"), (3.0, -0.5, "nm"))
    assert readers.open(write(tmp_path / "a.dm3", Image(GREY, axes))).calibration == Calibration(0.5, 0.5, "nm", 0, 3)


def test_the_largest_image_that_is_no_thumbnail(tmp_path: Path):
    small, large = Image(GREY[:2], NM, "survey"), Image(STACK, NM, "film")
    micrograph = readers.open_film(write(tmp_path / "a.dm4", small, large, small))[1]
    np.testing.assert_array_equal(micrograph.pixels, STACK[1])
    assert micrograph.metadata["notes"][0] == (
        "image 3 'film' (6 x 5 x 4) of 4 in the file is used; left out: 2 'survey' (6 x 2), 4 'survey' (6 x 2)"
    )
    assert micrograph.metadata["pixel_size_source"] == "Gatan ImageList.3.ImageData.Calibrations"


def test_of_a_series_of_one_size_the_first_is_used(tmp_path: Path):
    images = [Image(GREY + number, name=f"n{number}") for number in range(3)]
    micrograph = readers.open(write(tmp_path / "a.dm3", *images))
    np.testing.assert_array_equal(micrograph.pixels, GREY)
    assert micrograph.metadata["notes"][0].startswith("image 2 'n0' (6 x 5) of 4 in the file is used")


def test_thumbnails_are_left_out_even_where_the_file_does_not_list_them_or_they_are_larger(tmp_path: Path):
    path = write(tmp_path / "a.dm4", Image(GREY[:2, :3]), thumbnails=())
    np.testing.assert_array_equal(readers.open(path).pixels, GREY[:2, :3])
    path = write(tmp_path / "b.dm4", Image(GREY[:2, :3]))
    np.testing.assert_array_equal(readers.open(path).pixels, GREY[:2, :3])
    assert readers.open(path).metadata["notes"] == ()


def test_a_wrong_list_of_thumbnails_hides_no_image(tmp_path: Path):
    path = write(tmp_path / "a.dm4", Image(GREY), thumbnails=(0, 1))
    np.testing.assert_array_equal(readers.open(path).pixels, GREY)


REFUSALS = [
    (Image(np.ones((3, 4), np.complex64)), "complex numbers of 8 bytes"),
    (Image(np.ones((3, 4), np.complex128)), "complex numbers of 16 bytes"),
    (Image(np.ones((4, 4), np.float32), data_type=5), "packed complex numbers"),
    (Image(np.ones((4, 4), np.float32), data_type=27), "packed complex numbers of 8 bytes"),
    (Image(np.ones((4, 4), np.float32), data_type=99), "unknown data type 99"),
    (Image(np.ones(9, np.float32)), "spectrum or line profile"),
    (Image(np.ones((1, 9), np.float32)), "spectrum or line profile"),
    (Image(STACK, (*NM, (0.0, 1.0, "eV"))), "spectrum or spectrum image"),
    (
        Image(STACK, NM, tags=(("Meta Data", [("Format", "Spectrum image"), ("Signal", "EELS")]),)),
        r"spectrum or spectrum image \(EELS\)",
    ),
    (Image(np.ones((2, 2, 3, 3), np.float32)), "4D-STEM"),
]


@pytest.mark.parametrize(("image", "words"), REFUSALS, ids=[words for _, words in REFUSALS])
def test_what_is_no_micrograph_is_refused_in_words(tmp_path: Path, image: Image, words: str):
    path = write(tmp_path / "a.dm4", image)
    with pytest.raises(BadImage, match=rf"not-a-micrograph: .*a\.dm4.*image 2 'image' \(.*{words}"):
        readers.open(path)
    micrograph = readers.open(write(tmp_path / "b.dm4", image, Image(GREY)))
    np.testing.assert_array_equal(micrograph.pixels, GREY)
    assert "left out: 2 'image'" in micrograph.metadata["notes"][0]


@pytest.mark.parametrize(("version", "little"), KINDS)
def test_tags_of_all_types(tmp_path: Path, version: int, little: bool):
    writer = Writer(version, little)
    order = writer.order
    code = {kind: np.array([number], order + kind).tobytes() for kind, number in (("f4", 1.5), ("i8", -(2**40)))}
    tags = [
        ("text", "Ångström µm"), ("old text", write_dm.Raw((18, 5), b"ab\xe9cd")), ("struct", (1, 2.5, -3)),
        ("single", write_dm.Raw((6,), code["f4"])), ("long", write_dm.Raw((11,), code["i8"])),
        ("flag", True), ("array", writer.array(np.array([1.5, 2.5]))),
        ("structs", write_dm.Raw((20, 15, 0, 2, 0, 4, 0, 2, 3), bytes(12))),
        ("arrays", write_dm.Raw((20, 20, 4, 2, 3), bytes(12))), ("group", [("", 5), ("", [("deep", 6)])]),
        ("long array", writer.array(np.zeros(70_000, np.uint8))), ("empty", ""), ("", 7),
    ]  # fmt: skip
    path = tmp_path / f"a.dm{version}"
    path.write_bytes(writer.file(tags))
    found = read_tags(path)
    assert (found.faults, found.complete, found.little, found.version) == ([], True, little, version)
    assert found.announced == path.stat().st_size
    root = found.root
    assert root.text("text") == "Ångström µm"
    assert root["old text"] == "abécd"
    assert root["struct"] == (1, 2.5, -3)
    assert (root["single"], root["long"], root["flag"], root["12"]) == (1.5, -(2**40), 1, 7)
    assert root["array"] == (1.5, 2.5)
    assert [(root[name].count, root[name].nbytes) for name in ("structs", "arrays", "long array")] == [
        (3, 12), (3, 12), (70_000, 70_000),
    ]  # fmt: skip
    assert root.at("group/1/deep") == 6
    assert root.at("group/9/deep") is None


FULL = (
    ("DataBar", [
        ("Acquisition Date", "3/4/2021"), ("Acquisition Time", "10:11:12 AM"),
        ("Acquisition Time (OS)", 132593118720000000.0), ("Device Name", "OneView"), ("Exposure Time (s)", 0.5),
    ]),
    ("Microscope Info", [
        ("Name", "FEI Tecnai"), ("Voltage", 200000.0), ("Indicated Magnification", 50000.0),
        ("Illumination Mode", "TEM"), ("Imaging Mode", "MAG1"), ("Defocus (um)", -1.5), ("STEM Camera Length", 100.0),
        ("Stage Position", [("Stage Alpha", 12.5), ("Stage Beta", 0.0)]),
    ]),
    ("Acquisition", [("Parameters", [("High Level", [("Binning", (2, 2))])])]),
)  # fmt: skip


def test_acquisition(tmp_path: Path):
    micrograph = readers.open(write(tmp_path / "a.dm4", Image(GREY, NM, tags=FULL)))
    assert micrograph.metadata["acquisition"] == {
        "microscope": "FEI Tecnai", "mode": "TEM", "voltage_kV": 200.0, "magnification": 50000.0,
        "defocus_nm": -1500.0, "tilt_alpha_deg": 12.5, "tilt_beta_deg": 0.0, "exposure_s": 0.5, "binning": 2,
        "detector": "OneView", "date": "2021-03-04T10:11:12",
    }  # fmt: skip
    assert micrograph.metadata["notes"] == ()


def test_acquisition_of_scanned_images_and_diffraction(tmp_path: Path):
    scan = (("DigiScan", [("Sample Time", 4.0)]), ("Microscope Info", [
        ("Illumination Mode", "STEM NANOPROBE"), ("Imaging Mode", "DIFFRACTION"), ("STEM Camera Length", 135.0),
        ("Indicated Magnification", 225000.0), ("Voltage", 0.0),
    ]))  # fmt: skip
    told = readers.open(write(tmp_path / "a.dm3", Image(GREY, NM, tags=scan))).metadata["acquisition"]
    assert told == {"mode": "STEM", "magnification": 225000.0, "exposure_s": 120e-6, "camera_length_mm": 135.0}
    pattern = (("Microscope Info", [
        ("Illumination Mode", "TEM"), ("Imaging Mode", "DIFFRACTION"), ("Indicated Magnification", 320.0),
    ]),)  # fmt: skip
    told = readers.open(write(tmp_path / "b.dm3", Image(GREY, tags=pattern))).metadata["acquisition"]
    assert told == {"mode": "diffraction", "camera_length_mm": 320.0}


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        ("8/27/2016", "8:54:33 PM", "2016-08-27T20:54:33"), ("27.08.2016", "20:54:33", "2016-08-27T20:54:33"),
        ("27/08/2016", "20:54", "2016-08-27T20:54:00"), ("2016-08-27", "", "2016-08-27"),
        ("2016/08/27", "nonsense", "2016-08-27"), ("3/4/2021", "10:11:12", None), ("nonsense", "10:11:12", None),
    ],
)  # fmt: skip
def test_dates_of_all_countries_unless_ambiguous(tmp_path: Path, day: str, time: str, expected: str | None):
    tags = (("DataBar", [("Acquisition Date", day), ("Acquisition Time", time)]),)
    micrograph = readers.open(write(tmp_path / "a.dm3", Image(GREY, tags=tags)))
    assert micrograph.metadata["acquisition"].get("date") == expected
    assert any(repr(day) in note for note in micrograph.metadata["notes"]) == (expected is None)


def test_tags_that_cannot_be_true_are_dropped_and_told(tmp_path: Path):
    tags = (("Microscope Info", [("Voltage", float("inf")), ("Indicated Magnification", "much")]),)
    micrograph = readers.open(write(tmp_path / "a.dm4", Image(GREY, NM, tags=tags)))
    np.testing.assert_array_equal(micrograph.pixels, GREY)
    assert micrograph.calibration.known
    assert "voltage_kV" not in micrograph.metadata["acquisition"]
    assert micrograph.metadata["notes"][0] == "the tag 'Microscope Info/Voltage' holds 'inf' and is left out"
    assert len(micrograph.metadata["notes"]) == 2


def test_settings_of_a_stack_that_a_plugin_built(tmp_path: Path):
    tags = (("source", [("Tags at creation", list(FULL))]),)
    told = readers.open(write(tmp_path / "a.dm3", Image(GREY, tags=tags))).metadata["acquisition"]
    assert told["voltage_kV"] == 200.0
