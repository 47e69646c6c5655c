"""The makers' own tags and text files: pixel size with its source, settings of the microscope, contradictions."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import readers
from temj.data import Acquisition, Calibration
from temj.readers.vendors.text import date, number, quantity

_spec = importlib.util.spec_from_file_location("tiff_samples", Path(__file__).with_name("tiff_samples.py"))
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
GREY = samples.GREY


def read(path: Path, **options: object) -> tuple[Calibration, str, Acquisition, tuple]:
    if options:
        tifffile.imwrite(path, GREY, **({"metadata": None} | options))
    micrograph = readers.open(path)
    np.testing.assert_array_equal(micrograph.pixels, GREY)
    told = json.loads(json.dumps(dict(micrograph.metadata), allow_nan=False)) | {"notes": micrograph.metadata["notes"]}
    acquisition = Acquisition(**told.get("acquisition", {}))
    return micrograph.calibration, told.get("pixel_size_source", ""), acquisition, told["notes"]


def test_fei_text(tmp_path: Path):
    found = read(tmp_path / "a.tif", extratags=[samples.bytes_tag(34682, samples.FEI_TEXT)])
    assert found[0] == Calibration(1.25, 1.5, "nm")
    assert found[0].nm == (1.25, 1.5)
    assert found[1] == "FEI tag PixelWidth"
    assert found[2] == Acquisition(
        microscope="Helios NanoLab", mode="SEM", voltage_kV=5, exposure_s=12.5, tilt_alpha_deg=52.0016,
        detector="TLD SE", date="2021-03-25T14:11:12",
    )  # fmt: skip
    assert found[3] == ()
    kept = readers.open(tmp_path / "a.tif").metadata["maker"]["FEI tag PixelWidth"]
    assert kept["EBeam"]["WD"] == "0.0041"


def test_fei_text_without_a_pixel_size_has_the_field_of_view(tmp_path: Path):
    text = samples.FEI_TEXT.replace("PixelWidth", "Other").replace("HFW=6.4e-006", "HFW=6.4e-006\r\nVFW=4.8e-006")
    calibration, source, *_ = read(tmp_path / "a.tif", extratags=[samples.bytes_tag(34680, text)])
    assert calibration.nm == (100, 100)
    assert "field width" in source


def test_thermo_xml(tmp_path: Path):
    tags = [samples.bytes_tag(34682, " "), samples.text_tag(34683, samples.FEI_XML)]
    found = read(tmp_path / "a.tif", extratags=tags)
    assert found[0].nm == (0.15, 0.15)
    assert found[1] == "FEI tag PixelSize"
    assert found[2] == Acquisition(
        microscope="Talos F200X", voltage_kV=200, magnification=98000, defocus_nm=-120, detector="BM-Ceta",
        date="2022-05-06T07:08:09",
    )  # fmt: skip


def test_tia_labels(tmp_path: Path):
    rows = {"Microscope": ("Titan", ""), "Magnification": ("71000", "x"), "High tension": ("300", "kV")}
    data = "".join(f"<Data><Label>{k}</Label><Value>{v}</Value><Unit>{u}</Unit></Data>" for k, (v, u) in rows.items())
    found = read(tmp_path / "a.tif", extratags=[samples.text_tag(34683, f"<Root>{data}</Root>")])
    assert not found[0].known
    assert found[2] == Acquisition(microscope="Titan", magnification=71000, voltage_kV=300)


def test_zeiss(tmp_path: Path):
    found = read(tmp_path / "a.tif", extratags=[samples.bytes_tag(34118, samples.ZEISS_TEXT, "cp1252")])
    assert found[0] == Calibration(0.5582, 0.5582, "nm")
    assert found[1] == "Zeiss tag AP_IMAGE_PIXEL_SIZE"
    assert found[2] == Acquisition(
        mode="SEM", voltage_kV=15, magnification=10_000, tilt_alpha_deg=36, detector="InLens",
        date="2021-03-25T14:11:12",
    )  # fmt: skip


def test_zeiss_without_names_has_the_screens_pixel_size(tmp_path: Path):
    text = samples.ZEISS_TEXT.replace("AP_IMAGE_PIXEL_SIZE", "AP_OTHER")
    calibration, source, *_ = read(tmp_path / "a.tif", extratags=[samples.bytes_tag(34118, text, "cp1252")])
    assert calibration.nm == (7.5 * 1024 / 64,) * 2
    assert "unnamed" in source


@pytest.mark.parametrize(("unit", "nm"), [("nm", (0.25, 0.5)), ("\u00b5m", (250, 500)), ("um", (250, 500))])
def test_gatan(tmp_path: Path, unit: str, nm: tuple):
    options = {"extratags": samples.gatan("nm"), "resolution": (72, 72), "resolutionunit": 2}
    tifffile.imwrite(tmp_path / "a.tif", GREY, metadata=None, **options)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data.replace(b"nm\0", unit.encode("latin-1") + b"\0"))
    calibration, source, _, notes = read(tmp_path / "a.tif")
    assert calibration.nm == nm
    assert source == "Gatan tag 65009"
    assert notes == ()


def test_diffraction_patterns_have_no_length(tmp_path: Path):
    calibration, source, _, notes = read(tmp_path / "a.tif", extratags=samples.gatan("1/nm"))
    assert not calibration.known
    assert source == ""
    assert notes == (
        "this is a diffraction pattern (Gatan tag 65009: '1/nm'): its pixel size is not a length, not used",
    )


def test_olympus(tmp_path: Path):
    (tmp_path / "a.tif").write_bytes(samples.olympus(GREY))
    found = read(tmp_path / "a.tif")
    assert found[0].nm == (0.75, 0.8)
    assert found[1] == "Olympus SIS tag pixelsizex"
    assert found[2] == Acquisition(magnification=50_000, detector="Morada", date="2021-03-25T11:12:00")


def test_tvips(tmp_path: Path):
    found = read(tmp_path / "a.tif", extratags=samples.tvips(1))
    assert found[0] == Calibration(0.5, 0.625, "nm")
    assert found[2] == Acquisition(
        mode="TEM", voltage_kV=120, magnification=50_000, exposure_s=0.4, tilt_alpha_deg=12.5, tilt_beta_deg=-3,
        binning=2, detector="F416",
    )  # fmt: skip


def test_tvips_diffraction(tmp_path: Path):
    calibration, _, acquisition, notes = read(tmp_path / "a.tif", extratags=samples.tvips(3))
    assert not calibration.known
    assert acquisition.mode == "diffraction"
    assert acquisition.camera_length_mm == 50_000
    assert "diffraction pattern" in notes[0]


def test_tescan_tag_and_file(tmp_path: Path):
    text = (
        "[MAIN]\r\nDate=2012-03-05\r\nTime=14:11:12\r\nDevice=VEGA3\r\nMagnification=20000\r\n"
        "PixelSizeX=1.04167e-008\r\nPixelSizeY=1.04167e-008\r\n[SEM]\r\nHV=30000.0\r\nDetector=SE\r\n"
    )
    found = read(
        tmp_path / "a.tif", extratags=[(50431, 7, len(text) + 8, b"\1\2\3\4" + text.encode() + b"\xff" * 4, True)]
    )
    expected = Acquisition(
        microscope="VEGA3", mode="SEM", voltage_kV=30, magnification=20_000, detector="SE", date="2012-03-05T14:11:12"
    )
    assert found[:3] == (Calibration(10.4167, 10.4167, "nm"), "Tescan tag PixelSizeX", expected)
    (tmp_path / "b-tif.hdr").write_text(text)
    assert read(tmp_path / "b.tif", compression="zlib")[1] == "Tescan .hdr file PixelSizeX"


HITACHI = (
    "[SemImageFile]\r\nInstructName=SU8000\r\nImageName=a.tif\r\nDate=03/25/2021\r\nTime=14:11:12\r\nDataSize=64x48\r\n"
    "PixelSize=24.8\r\nSignalName=SE(U)\r\nAcceleratingVoltage=15000 Volt\r\nMagnification=4000\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@pytest.mark.parametrize("extension", [".tif", ".png"])
def test_hitachi(tmp_path: Path, encoding: str, extension: str):
    (tmp_path / "a.txt").write_bytes(HITACHI.encode(encoding))
    path = tmp_path / f"a{extension}"
    if extension == ".tif":
        tifffile.imwrite(path, GREY, metadata=None)
    else:
        path.write_bytes(samples.picture_files()["grey.png"])
    found = read(path)
    assert found[0] == Calibration(24.8, 24.8, "nm")
    assert found[1] == "Hitachi text file PixelSize"
    assert found[2] == Acquisition(
        microscope="SU8000", mode="SEM", voltage_kV=15, magnification=4000, detector="SE(U)", date="2021-03-25T14:11:12"
    )


JEOL = (
    "$CM_FORMAT JEOL-SEM\r\n$CM_INSTRUMENT JSM-7600F\r\n$CM_DATE 3/25/2021\r\n$CM_TIME 2:11:12 PM\r\n"
    "$CM_ACCEL_VOLT 5.00\r\n$CM_MAG 5000\r\n$CM_SIGNAL LEI\r\n$CM_FULL_SIZE 64 48\r\n"
    "$$SM_MICRON_BAR 160\r\n$$SM_MICRON_MARKER 5um\r\n"
)


def test_jeol_sem(tmp_path: Path):
    (tmp_path / "a.txt").write_text(JEOL)
    found = read(tmp_path / "a.tif", compression="zlib")
    assert found[0] == Calibration(0.03125, 0.03125, "µm")
    assert found[1] == "JEOL text file $$SM_MICRON_BAR"
    assert found[2] == Acquisition(
        microscope="JSM-7600F", mode="SEM", voltage_kV=5, magnification=5000, detector="LEI", date="2021-03-25T14:11:12"
    )


@pytest.mark.parametrize(("text", "maker"), [(JEOL, "JEOL"), (HITACHI, "Hitachi")])
def test_text_files_of_another_size_are_not_believed(tmp_path: Path, text: str, maker: str):
    (tmp_path / "a.txt").write_text(text.replace("64 48", "1280 960").replace("64x48", "1280x960"))
    calibration, _, acquisition, notes = read(tmp_path / "a.tif", compression="zlib")
    assert not calibration.known
    assert acquisition.mode == "SEM"
    assert f"{maker}'s text file is for an image 1280 pixels wide, this one is 64" in notes[0]


def test_other_text_files_mean_nothing(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(bytes(range(256)) * 10)
    assert read(tmp_path / "a.tif", compression="zlib") == (Calibration(), "", Acquisition(), ())


SIGHTX = (
    "<?xml version='1.0'?><TemReporter><Instruments>JEM-F200</Instruments><ElectronGun><AccelerationVoltage>200000"
    "</AccelerationVoltage></ElectronGun><Eos><EosMode>eosTEM</EosMode></Eos><ImageFormingSystem><ModeString>{}</ModeString>"
    "<SelectorValue>{}</SelectorValue><SelectorUnitString>{}</SelectorUnitString></ImageFormingSystem></TemReporter>"
)


def test_jeol_sightx(tmp_path: Path):
    options = {"resolution": (1 / 15e-4,) * 2, "resolutionunit": 3}  # 15 µm pixels of the camera
    found = read(tmp_path / "a.tif", description=SIGHTX.format("MAG", 100_000, "X"), **options)
    assert found[0].nm == pytest.approx((0.15, 0.15), rel=1e-6)
    assert found[1].startswith("JEOL magnification")
    assert found[2] == Acquisition(microscope="JEM-F200", mode="TEM", voltage_kV=200, magnification=100_000)
    found = read(tmp_path / "b.tif", description=SIGHTX.format("DIFF", 80, "cm"), **options)
    assert found[2].camera_length_mm == 800
    assert any("diffraction pattern" in note for note in found[3])


def test_metamorph_text(tmp_path: Path):
    rows = {"spatial-calibration-state": "on", "spatial-calibration-x": "0.5", "spatial-calibration-y": "0.5",
            "spatial-calibration-units": "um", "acquisition-time-local": "20210325 14:11:12.687"}  # fmt: skip
    text = "".join(f'<prop id="{key}" type="x" value="{value}"/>' for key, value in rows.items())
    found = read(tmp_path / "a.tif", description=f"<MetaData><PlaneInfo>{text}</PlaneInfo></MetaData>")
    assert found[0] == Calibration(0.5, 0.5, "µm")
    assert found[2].date == "2021-03-25T14:11:12"


def test_sources_that_disagree_are_both_told(tmp_path: Path):
    tags = [samples.bytes_tag(34682, samples.FEI_TEXT)]
    description = "ImageJ=1.54p\nunit=nm\n"
    near = read(tmp_path / "a.tif", extratags=tags, description=description, resolution=(1 / 1.26, 1 / 1.5))
    assert near[0].unit == "nm"
    assert near[1] == "ImageJ's text"
    assert near[3] == ()
    far = read(tmp_path / "b.tif", extratags=tags, description=description, resolution=(1 / 1.3, 1 / 1.5))
    assert far[3] == ("pixel size 1.3 x 1.5 nm (ImageJ's text) is used; FEI tag PixelWidth says 1.25 x 1.5 nm",)
    (tmp_path / "c.txt").write_text(HITACHI)
    other = read(tmp_path / "c.tif", extratags=tags)
    assert other[3] == ("pixel size 1.25 x 1.5 nm (FEI tag PixelWidth) is used; "
                        "Hitachi text file PixelSize says 24.8 nm",)  # fmt: skip
    plain = read(tmp_path / "d.tif", extratags=tags, resolution=(2e7, 2e7), resolutionunit=3)
    assert "TIFF resolution says 0.0005 µm" in plain[3][0]


@pytest.mark.parametrize("size", ["0", "-1e-9", "1e-2", "1e-14", "nan", "?"])
def test_absurd_sizes_in_tags_are_not_used(tmp_path: Path, size: str):
    text = samples.FEI_TEXT.replace("1.25e-009", size)
    calibration, _, acquisition, notes = read(tmp_path / "a.tif", extratags=[samples.bytes_tag(34682, text)])
    assert not calibration.known
    assert acquisition.voltage_kV == 5
    assert notes == () if size in ("nan", "?") else "cannot be right: not used" in notes[0]


def test_tags_that_cannot_be_read_lose_no_pixels(tmp_path: Path):
    found = read(tmp_path / "a.tif", extratags=[samples.text_tag(34683, "<Root><broken")])
    assert "the tags of FEI/Thermo cannot be read" in found[3][0]


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [("3/17/2032", "", "2032-03-17"), ("17/3/2032", "", "2032-03-17"), ("25.03.2021", "14:11", "2021-03-25T14:11:00"),
     ("25 Mar 2021", "nonsense", "2021-03-25"), ("", "14:11:12", None), ("yesterday", "", None)],
)  # fmt: skip
def test_dates(day: str, time: str, expected: str | None):
    assert date(day, time) == expected


def test_numbers_and_quantities():
    assert number("1,5") == 1.5
    assert number(" -3e-4 m") == -3e-4
    assert number("e") is None
    assert number(float("inf")) is None
    assert quantity("5um") == (5.0, "um")
    assert quantity("558.2 pm") == (558.2, "pm")
    assert quantity("pm") is None
