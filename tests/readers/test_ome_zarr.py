"""OME-Zarr: axes, scale and units of 0.4 and 0.5, and chunks that are not there."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from temj import readers
from temj.errors import BadImage, MissingSoftware, ResourceError

GREY = np.arange(2 * 3 * 2 * 30 * 40, dtype=np.uint16).reshape(2, 3, 2, 30, 40)
UNITS = {"t": ("time", "millisecond"), "c": ("channel", None), "z": ("space", "nanometer")}


def write(
    path: Path, pixels: np.ndarray, axes: str, version: str = "0.5", scale: dict | None = None, **options: object
) -> Path:
    """An OME-Zarr image with two levels, as the standard has it."""
    zarr_format = 3 if version == "0.5" else 2
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    scale = {"t": 250.0, "z": 2.0, "y": 0.5, "x": 0.25} | (scale or {})
    sizes = [scale.get(axis, 1.0) for axis in axes]
    stated = []
    for axis in axes:
        kind, unit = UNITS.get(axis, ("space", "nanometer"))
        stated.append({"name": axis, "type": kind} | ({"unit": unit} if unit else {}))
    levels = [
        {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": sizes}]} for level in range(2)
    ]
    pyramid = {"axes": stated, "datasets": levels, "name": "a"}
    if version == "0.5":
        group.attrs["ome"] = {"version": "0.5", "multiscales": [pyramid]}
    else:
        group.attrs["multiscales"] = [{"version": version, **pyramid}]
    for level in range(2):
        data = pixels if level == 0 else pixels[..., ::2, ::2]
        chunks = options.get("chunks") or tuple(1 if axis in "tcz" else 16 for axis in axes)
        given = {key: value for key, value in options.items() if key != "chunks"} if level == 0 else {}
        array = group.create_array(str(level), shape=data.shape, dtype=data.dtype, chunks=chunks, **given)
        array[...] = data
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_planes_come_in_imagejs_order_with_scale_and_time(tmp_path: Path, version: str) -> None:
    film = readers.open_film(write(tmp_path / "a.ome.zarr", GREY, "tczyx", version))
    assert film.name == "a.ome.zarr"
    assert film.dimensions == (3, 2, 2)
    assert film.frame_interval == 0.25
    for index, micrograph in enumerate(film):
        channel, piece, frame = micrograph.position
        assert micrograph.position == film.position(index)
        np.testing.assert_array_equal(micrograph.pixels, GREY[frame - 1, channel - 1, piece - 1])
    first = film[0]
    assert (first.calibration.width, first.calibration.height, first.calibration.unit) == (0.25, 0.5, "nm")
    assert first.metadata["pixel_size_source"] == "OME-Zarr scale"
    assert first.metadata["notes"] == ()
    again = pickle.loads(pickle.dumps(film))
    np.testing.assert_array_equal(again[7].pixels, film[7].pixels)


@pytest.mark.parametrize("axes", ["yx", "tyx", "zyx", "cyx", "xy", "txy"])
def test_axes_are_found_by_their_names(tmp_path: Path, axes: str) -> None:
    pixels = GREY[:, 0, 0] if len(axes) == 3 else GREY[0, 0, 0]
    film = readers.open_film(write(tmp_path / "a.zarr", pixels, axes))
    assert film.dimensions == tuple(2 if axis in axes else 1 for axis in "czt")
    expected = pixels[-1] if len(axes) == 3 else pixels
    last = film[len(film) - 1].pixels
    np.testing.assert_array_equal(last, expected.T if axes.endswith("xy") else expected)
    assert film[0].calibration.size_text == "0.25 x 0.5 nm"


def test_scales_of_level_and_pyramid_multiply(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", GREY[0, 0, 0], "yx")
    group = zarr.open_group(str(path), mode="a")
    said = dict(group.attrs["ome"])
    said["multiscales"][0]["coordinateTransformations"] = [{"type": "scale", "scale": [10.0, 10.0]}]
    group.attrs["ome"] = said
    assert readers.open_film(path)[0].calibration.size_text == "2.5 x 5 nm"


@pytest.mark.parametrize(
    ("unit", "nm", "note"),
    [("micrometer", 250.0, ""), ("angstrom", 0.025, ""), ("picometer", 2.5e-4, ""), (None, None, "has no unit")],
)
def test_units(tmp_path: Path, unit: str | None, nm: float | None, note: str) -> None:
    path = write(tmp_path / "a.zarr", GREY[0, 0, 0], "yx")
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text.replace('"nanometer"', json.dumps(unit)))
    micrograph = readers.open_film(path)[0]
    assert (micrograph.calibration.nm or (None,))[0] == nm
    assert (note == "") == (micrograph.metadata["notes"] == ())
    assert note in " ".join(micrograph.metadata["notes"])


@pytest.mark.parametrize("codec", [BloscCodec(cname="zstd"), BloscCodec(cname="lz4"), ZstdCodec(), GzipCodec(), None])
def test_codecs(tmp_path: Path, codec: object) -> None:
    path = write(tmp_path / "a.zarr", GREY[0, 0], "zyx", compressors=[codec] if codec else None)
    np.testing.assert_array_equal(readers.open_film(path)[1].pixels, GREY[0, 0, 1])


def test_shards(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", GREY[0, 0], "zyx", chunks=(1, 10, 16), shards=(2, 20, 16))
    film = readers.open_film(path)
    np.testing.assert_array_equal(film[1].pixels, GREY[0, 0, 1])
    assert film[1].metadata["notes"] == ()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_missing_chunks_are_counted(tmp_path: Path, version: str) -> None:
    path = write(tmp_path / "a.zarr", GREY[0], "czyx", version)
    chunk = path / "0" / ("c/1/0/1/2" if version == "0.5" else "1.0.1.2")
    if not chunk.exists():
        chunk = path / "0" / "1/0/1/2"
    chunk.unlink()
    film = readers.open_film(path)
    told = [note for micrograph in film for note in micrograph.metadata["notes"]]
    assert told == ["1 of the 6 chunks of this plane are not stored: they are filled with 0, as the standard says"]
    assert film[1].position == (2, 1, 1)
    assert not film[1].pixels[16:, 32:].any()


def test_missing_chunks_within_a_shard_are_counted(tmp_path: Path) -> None:
    pixels = np.ones((2, 32, 32), np.uint8)
    pixels[1, :16, :16] = 0  # the library does not store what is all fill value
    path = write(tmp_path / "a.zarr", pixels, "zyx", chunks=(1, 16, 16), shards=(2, 32, 32))
    film = readers.open_film(path)
    assert film[0].metadata["notes"] == ()
    assert film[1].metadata["notes"][0].startswith("1 of the 4 chunks of this plane")


@pytest.mark.parametrize("axes", ["tyx", "zyx"])
def test_frames_that_were_never_written_are_not_zeros(tmp_path: Path, axes: str) -> None:
    pixels = np.ones((6, 20, 20), np.uint8)
    pixels[4:] = 0
    path = write(tmp_path / "a.zarr", pixels, axes)
    with pytest.raises(BadImage, match=r"truncated: .*6 frames.*4 of 6.*--allow-partial"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert (len(film), film.partial) == (4, (4, 6))
    assert film[3].position == film.position(3)
    assert any("partial: 4 of 6" in note for note in film[0].metadata["notes"])
    with pytest.raises(BadImage, match="0 of 6"):
        readers.open_film(write(tmp_path / "b.zarr", pixels * 0, axes), allow_partial=True)


def test_one_image_of_a_bioformats_collection_is_found_and_several_are_named(tmp_path: Path) -> None:
    root = tmp_path / "a.zarr"
    zarr.open_group(str(root), mode="w").attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
    write(root / "0", GREY[0, 0, 0], "yx")
    np.testing.assert_array_equal(readers.open_film(root)[0].pixels, GREY[0, 0, 0])
    write(root / "1", GREY[0, 0, 1], "yx")
    with pytest.raises(BadImage, match=r"several-images: .*images 0, 1"):
        readers.open_film(root)
    np.testing.assert_array_equal(readers.open_film(root / "1")[0].pixels, GREY[0, 0, 1])


def test_arrays_without_ome_metadata_say_what_was_assumed(tmp_path: Path) -> None:
    zarr.create_array(store=str(tmp_path / "a.zarr"), data=GREY[0, 0])
    film = readers.open_film(tmp_path / "a.zarr")
    assert film.dimensions == (1, 2, 1)
    assert "taken to be slices, rows and columns" in film[0].metadata["notes"][0]
    zarr.create_array(store=str(tmp_path / "b.zarr"), data=GREY[0, 0], dimension_names=["time", "y", "x"])
    assert readers.open_film(tmp_path / "b.zarr").dimensions == (1, 1, 2)
    zarr.create_array(store=str(tmp_path / "c.zarr"), data=GREY)
    with pytest.raises(BadImage, match=r"axes: .*5 axes without names"):
        readers.open_film(tmp_path / "c.zarr")


@pytest.mark.parametrize("axes", ["tqyx", "ttyx", "tcz", "zyx"])
def test_axes_that_mean_nothing_are_refused(tmp_path: Path, axes: str) -> None:
    path = write(tmp_path / "a.zarr", GREY[0], "czyx")
    said = json.loads((path / "zarr.json").read_text())
    said["attributes"]["ome"]["multiscales"][0]["axes"] = [{"name": axis} for axis in axes]
    (path / "zarr.json").write_text(json.dumps(said))
    with pytest.raises(BadImage, match="axes"):
        readers.open_film(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: (path / "zarr.json").write_text("{"),
        lambda path: (path / "zarr.json").unlink(),
        lambda path: (path / "0" / "zarr.json").unlink(),
        lambda path: (path / "zarr.json").write_text((path / "zarr.json").read_text().replace('"0"', '"../../b"')),
        lambda path: (path / "zarr.json").write_text((path / "zarr.json").read_text().replace("datasets", "data")),
    ],
)
def test_damaged_metadata_is_an_error_in_words(tmp_path: Path, change) -> None:
    path = write(tmp_path / "a.zarr", GREY[0, 0], "zyx")
    change(path)
    with pytest.raises(BadImage, match=r"BadImage/\w"):
        readers.open_film(path)[0]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("seed", range(40))
def test_damaged_chunks_are_an_error_or_read(tmp_path: Path, version: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    path = write(tmp_path / "a.zarr", GREY[0, 0], "zyx", version)
    marks = ("zarr.json", ".zarray", ".zattrs")
    chunks = sorted(file for file in (path / "0").rglob("*") if file.is_file() and file.name not in marks)
    chunk = chunks[int(random.integers(len(chunks)))]
    data = bytearray(chunk.read_bytes())
    if seed % 2:
        data = data[: int(random.integers(len(data)))]
    else:
        for at in random.integers(0, len(data), 4):
            data[at] ^= int(random.integers(1, 256))
    chunk.write_bytes(data)
    film = readers.open_film(path)
    codes = set()
    for index in range(len(film)):
        try:
            assert film[index].pixels.shape == (30, 40)
        except BadImage as error:
            codes.add(error.code)
    assert codes in (set(), {"BadImage/corrupt"})
    assert codes or seed % 2 == 0, "a chunk that was cut off was read"


def test_planes_beyond_the_memory_stop_before_they_are_read(tmp_path: Path) -> None:
    huge = zarr.create_array(
        store=str(tmp_path / "a.zarr"), shape=(2, 10**6, 10**7), dtype="u2", chunks=(1, 10**6, 10**7)
    )
    assert huge.shape[2] == 10**7
    with pytest.raises(ResourceError, match="planes of 10000000 x 1000000 pixels"):
        readers.open_film(tmp_path / "a.zarr")


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.zarr", GREY[0, 0], "zyx")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingSoftware, match=r'pip install "temj\[zarr\]"'):
        readers.open_film(path)
