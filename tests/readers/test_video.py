"""Films: every frame exact and counted, whatever the header says; what is missing is said, never made up."""

import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from temj import readers
from temj.errors import BadImage, ResourceError
from temj.opencv import opencv
from temj.readers.convert import COLOUR_NOTE
from temj.readers.video import PLAYED

cv2 = opencv()

WIDTH, HEIGHT, COUNT = 48, 36, 30


def frame(number: int, dtype: type = np.uint8) -> np.ndarray:
    """A frame that no other number has."""
    blocks = np.random.default_rng(number).integers(0, 256, (HEIGHT // 6, WIDTH // 6), np.uint8)
    return blocks.repeat(6, 0).repeat(6, 1).astype(dtype) * (257 if dtype is np.uint16 else 1)


@pytest.fixture
def film(tmp_path: Path):
    """Writes ``COUNT`` frames: ``film("a.avi", "FFV1")``."""

    def write(name: str, codec: str, dtype: type = np.uint8, colour: bool = False) -> Path:
        path = tmp_path / name
        options = [] if colour else [cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
        options += [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U] if dtype is np.uint16 else []
        code = cv2.VideoWriter_fourcc(*codec)
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 20.0, (WIDTH, HEIGHT), options)
        assert writer.isOpened()
        for number in range(1, COUNT + 1):
            pixels = frame(number, dtype)
            writer.write(np.dstack([pixels] * 3) if colour else pixels)
        writer.release()
        return path

    return write


def raw_avi(path: Path, frames: list[bytes], codec: bytes, bits: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """An AVI of our own making, after Microsoft's AVI RIFF reference, so that the truth is not OpenCV's."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    def listing(name: bytes, data: bytes) -> bytes:
        return chunk(b"LIST", name + data)

    (width, height), count, largest = size, len(frames), max(map(len, frames))
    main = struct.pack("<14I", 100_000, 0, 0, 0x10, count, 0, 1, largest, width, height, 0, 0, 0, 0)
    stream = struct.pack("<4s4s8IiI4H", b"vids", codec, 0, 0, 0, 1, 10, 0, count, largest, -1, 0, 0, 0, *size)
    kind = bytes(4) if codec == b"DIB " else codec
    colours = 256 if bits == 8 else 0
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(colours))
    form = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, bits, kind, largest, 0, 0, colours, 0) + palette
    header = listing(b"hdrl", chunk(b"avih", main) + listing(b"strl", chunk(b"strh", stream) + chunk(b"strf", form)))
    pictures, index, at = b"", b"", 4
    for data in frames:
        pictures += chunk(b"00db", data)
        index += struct.pack("<4sIII", b"00db", 0x10, at, len(data))
        at = 4 + len(pictures)
    path.write_bytes(chunk(b"RIFF", b"AVI " + header + listing(b"movi", pictures) + chunk(b"idx1", index)))
    return path


def test_uncompressed_8_bit_as_imagej_writes_it_is_exact(tmp_path: Path) -> None:
    frames = [frame(number) for number in range(1, 8)]
    path = raw_avi(tmp_path / "a.avi", [pixels[::-1].tobytes() for pixels in frames], b"DIB ", 8)
    opened = readers.open_film(path)
    assert opened.dimensions == (1, 1, 7)
    assert opened.frame_interval == pytest.approx(0.1)
    for micrograph, pixels in zip(opened, frames, strict=True):
        np.testing.assert_array_equal(micrograph.pixels, pixels)
    assert [micrograph.position for micrograph in opened] == [(1, 1, number) for number in range(1, 8)]
    assert not opened[0].calibration.known
    assert opened[3].metadata["time_s"] == pytest.approx(0.3)


def test_jpeg_frames_are_those_of_opencvs_own_jpeg_reader(tmp_path: Path) -> None:
    jpegs = [cv2.imencode(".jpg", frame(number))[1].tobytes() for number in range(1, 8)]
    opened = readers.open_film(raw_avi(tmp_path / "a.avi", jpegs, b"MJPG", 24))
    for micrograph, data in zip(opened, jpegs, strict=True):
        expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.abs(micrograph.pixels.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_grey_films_are_exact_and_keep_16_bits(film, dtype: type) -> None:
    opened = readers.open_film(film("a.avi", "FFV1", dtype))
    assert len(opened) == COUNT
    for number, micrograph in enumerate(opened, start=1):
        assert micrograph.pixels.dtype == dtype
        np.testing.assert_array_equal(micrograph.pixels, frame(number, dtype))
    assert opened[0].metadata["notes"] == (PLAYED,)


def test_any_order_gives_the_same_frames(film) -> None:
    """Between key frames a picture is only what came before it: a jump would show."""
    path = film("a.mp4", "mp4v", colour=True)
    expected = [micrograph.pixels for micrograph in readers.open_film(path)]
    opened = readers.open_film(path)
    for index in np.random.default_rng(0).permutation(COUNT)[:12]:
        np.testing.assert_array_equal(opened[int(index)].pixels, expected[index])
    nearest = [np.abs(expected[20].astype(int) - frame(number)).mean() for number in range(1, COUNT + 1)]
    assert np.argmin(nearest) == 20


def test_frames_one_after_the_other_are_decoded_once(film, monkeypatch: pytest.MonkeyPatch) -> None:
    from temj.readers import video_decoder

    opened = readers.open_film(film("a.avi", "FFV1"))
    steps = []
    step = video_decoder.Decoder._step
    monkeypatch.setattr(video_decoder.Decoder, "_step", lambda self: (steps.append(1), step(self)))
    for _ in opened:
        pass
    assert len(steps) == COUNT
    opened[3], opened[9], opened[5]
    assert len(steps) == COUNT + 10 + 6


def test_colours_become_grey_as_in_imagej(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    opened = readers.open_film(raw_avi(tmp_path / "a.avi", [colours[::-1].tobytes()] * 2, b"DIB ", 24))
    np.testing.assert_array_equal(opened[1].pixels, np.floor(colours.mean(axis=2) + 0.5))
    assert COLOUR_NOTE in opened[1].metadata["notes"]


@pytest.mark.parametrize("upwards", [True, False])
def test_uncompressed_colours_of_either_direction_are_exact(tmp_path: Path, upwards: bool) -> None:
    """Upwards OpenCV 5.0 writes beyond its own memory: the rows are read from the file."""
    width, height = 50, 37
    grey = np.random.default_rng(1).integers(0, 256, (20, height, width), np.uint8)
    rows = [np.pad(np.dstack([pixels] * 3).reshape(height, -1), ((0, 0), (0, 2))) for pixels in grey]
    frames = [(row[::-1] if upwards else row).tobytes() for row in rows]
    path = raw_avi(tmp_path / "a.avi", frames, b"DIB ", 24, (width, height))
    data = bytearray(path.read_bytes())
    at = data.index(b"strf") + 16
    data[at : at + 4] = struct.pack("<i", height if upwards else -height)
    path.write_bytes(data)
    for micrograph, pixels in zip(readers.open_film(path), grey, strict=True):
        np.testing.assert_array_equal(micrograph.pixels, pixels)
    path.write_bytes(data[: len(data) // 2])
    opened = readers.open_film(path, allow_partial=True)
    assert 5 < len(opened) < 12
    np.testing.assert_array_equal(opened[len(opened) - 1].pixels, grey[len(opened) - 1])


def test_a_film_can_be_sent_to_another_process(film) -> None:
    opened = readers.open_film(film("a.avi", "FFV1"))
    opened[4]
    again = pickle.loads(pickle.dumps(opened))
    np.testing.assert_array_equal(again[7].pixels, frame(8))


@pytest.mark.parametrize("share", [0.5, 0.55, 0.8, 0.95])
@pytest.mark.parametrize("codec", ["MJPG", "FFV1"])
def test_a_film_cut_off_is_refused_or_told_as_so_many_of_so_many(film, share: float, codec: str) -> None:
    path = film("a.avi", codec, colour=codec == "MJPG")
    whole = [micrograph.pixels for micrograph in readers.open_film(path)]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadImage, match=r"truncated: .*a\.avi.*30 frames.*\d+ of 30.*--allow-partial"):
        readers.open_film(path)
    opened = readers.open_film(path, allow_partial=True)
    assert opened.partial == (len(opened), COUNT)
    assert 0 < len(opened) < COUNT
    assert f"partial: {len(opened)} of 30 frames could be read" in opened[0].metadata["notes"]
    for micrograph, pixels in zip(opened, whole, strict=False):  # never a frame that is half there
        np.testing.assert_array_equal(micrograph.pixels, pixels)


def test_frames_behind_one_that_cannot_be_decoded_keep_their_number(film) -> None:
    """PNG frames in MOV: each stands alone, and the index says when each is shown."""
    path = film("a.mov", "png ", colour=True)
    data = bytearray(path.read_bytes())
    places = [at for at in range(len(data)) if data.startswith(b"\x89PNG\r\n\x1a\n", at)]
    assert len(places) == COUNT
    data[places[11] : places[11] + 8] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(BadImage, match=r"truncated: .*29 of 30"):
        readers.open_film(path)
    opened = readers.open_film(path, allow_partial=True)
    assert (len(opened), opened.partial) == (29, (29, 30))
    numbers = [micrograph.position[2] for micrograph in opened]
    assert numbers == [number for number in range(1, 31) if number != 12]
    for number, micrograph in zip(numbers, opened, strict=True):
        np.testing.assert_array_equal(micrograph.pixels, frame(number))
    np.testing.assert_array_equal(opened.choose("13")[0].pixels, frame(13))


def test_frames_lost_in_the_middle_of_an_avi_are_never_counted_wrongly(tmp_path: Path) -> None:
    """The parts of an AVI have no times: after a loss nobody knows which frame comes next."""
    jpegs = [cv2.imencode(".jpg", frame(number))[1].tobytes() for number in range(1, 31)]
    path = raw_avi(tmp_path / "a.avi", jpegs, b"MJPG", 24)
    data = path.read_bytes()
    at = data.index(b"00db", len(data) // 2)
    path.write_bytes(data[:at] + bytes(300) + data[at + 300 :])
    for allow_partial in (False, True):
        with pytest.raises(BadImage, match=r"truncated: .*0 of 30 \(\d+ can be decoded, but not which ones they are\)"):
            readers.open_film(path, allow_partial=allow_partial)


def test_an_mp4_without_its_index_is_named_as_such(film) -> None:
    path = film("a.mp4", "mp4v", colour=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])
    for allow_partial in (False, True):
        with pytest.raises(BadImage, match=r"container: .*no index \(moov\)"):
            readers.open_film(path, allow_partial=allow_partial)


def test_a_header_without_a_number_of_frames_is_told(tmp_path: Path) -> None:
    path = raw_avi(tmp_path / "a.avi", [frame(number).tobytes() for number in range(1, 6)], b"DIB ", 8)
    data = bytearray(path.read_bytes())
    for name, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):
        at = data.index(name) + offset
        assert data[at : at + 4] == struct.pack("<I", 5)
        data[at : at + 4] = struct.pack("<I", 3)
    path.write_bytes(data)
    opened = readers.open_film(path)
    assert len(opened) == 5
    assert any("announces 3 frames, 5 were found" in note for note in opened[0].metadata["notes"])


def test_the_mere_beginning_of_a_film_is_named_as_such(film) -> None:
    path = film("a.avi", "FFV1")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(BadImage, match=r"container: .*it was cut off"):
        readers.open_film(path)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_time_per_frame_that_varies_and_frames_hidden_by_an_edit_are_told(tmp_path: Path, hidden: bool) -> None:
    path = tmp_path / "a.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"mp4v"), 20.0, (WIDTH, HEIGHT))
    for number in range(1, 9):
        writer.write(np.dstack([frame(number)] * 3))
    writer.release()
    data = bytearray(path.read_bytes())
    at = data.index(b"stts")
    entries, count, step = struct.unpack(">III", data[at + 8 : at + 20])
    assert (entries, count) == (1, 8)
    # two entries instead of one: the 8 bytes come from what follows, so the box and its parents grow
    grown = struct.pack(">III", 2, 5, step) + struct.pack(">II", 3, 4 * step)
    new = data[: at + 8] + grown + data[at + 20 :]
    for name in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = new.index(name) - 4
        new[place : place + 4] = struct.pack(">I", struct.unpack(">I", new[place : place + 4])[0] + 8)
    if hidden:  # the list of edits still has the old length: players do not show the last frames
        path.write_bytes(new)
        with pytest.raises(BadImage, match=r"truncated: .*6 of 8.*trimmed without being saved anew"):
            readers.open_film(path)
        assert readers.open_film(path, allow_partial=True).partial == (6, 8)
        return
    path.write_bytes(new.replace(b"edts", b"free"))
    opened = readers.open_film(path)
    assert len(opened) == 8
    assert opened.frame_interval is None
    assert any("the time per frame varies from 0.05 to 0.2 s" in note for note in opened[0].metadata["notes"])


def test_a_size_that_changes_in_the_middle_is_an_error_with_its_frame(tmp_path: Path) -> None:
    jpegs = [cv2.imencode(".jpg", frame(number))[1].tobytes() for number in range(1, 7)]
    jpegs[3] = cv2.imencode(".jpg", np.zeros((HEIGHT, 2 * WIDTH), np.uint8))[1].tobytes()
    path = raw_avi(tmp_path / "a.avi", jpegs, b"MJPG", 24)
    with pytest.raises(BadImage, match=r"size-changes: .*frame 4.*48 x 36.*96 x 36"):
        readers.open_film(path)


@pytest.mark.parametrize(
    "content", [b"#EXTM3U\nfile:///etc/hostname\n", b"ffconcat version 1.0\nfile a.tif\n", b"GIF89a"]
)
def test_what_is_no_film_never_reaches_ffmpeg(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(BadImage, match="not-an-image"):
        readers.open_film(tmp_path / "a.mp4")


def test_frames_beyond_the_memory_stop_before_they_are_decoded(film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMJ_MEMORY_GB", "0.00001")
    with pytest.raises(ResourceError, match="frames of 48 x 36 pixels"):
        readers.open_film(film("a.avi", "FFV1"))


def test_names_of_any_script_and_with_patterns_work(film) -> None:
    path = film("試 %03d [1] é.avi", "FFV1")
    np.testing.assert_array_equal(readers.open_film(path)[2].pixels, frame(3))


def test_nothing_is_printed_about_damaged_films(film, capfd: pytest.CaptureFixture) -> None:
    path = film("a.avi", "MJPG", colour=True)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path.write_bytes(data[:-2000])
    capfd.readouterr()
    with pytest.raises(BadImage):
        readers.open_film(path)
    assert capfd.readouterr() == ("", "")


_FUZZ = """
import collections, importlib.util, re, sys, time
from pathlib import Path
from temj import readers
from temj.errors import BadImage, ResourceError
tool, source, seed, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
spec = importlib.util.spec_from_file_location("mutations", tool)
mutations = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mutations)
target = source.with_name("mutated" + source.suffix)
seen = collections.Counter()
for number, data in enumerate(mutations.mutations(source.read_bytes(), seed, count)):
    target.write_bytes(data)
    begun = time.monotonic()
    for allow_partial in (False, True):
        try:
            film = readers.open_film(target, allow_partial=allow_partial)
            said = film[0].metadata["video"]
            short = len(film) < said["frames_announced"]
            assert allow_partial or not short, "frames lost in silence"
            if film.partial or short:
                read, announced = film.partial
                assert read == len(film) and announced >= max(said["frames_announced"], said["frames_decoded"])
            for micrograph in film:
                pass
            seen["read"] += 1
        except (BadImage, ResourceError):
            seen["refused"] += 1
    assert time.monotonic() - begun < 10, f"case {number} hangs"
# not ru_maxrss, in which Linux counts the parent that this process was forked from
peak = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024
assert peak < 600, f"{peak} MB"
assert seen["read"] > count / 10 and seen["refused"] > count / 10, seen
print(dict(seen))
"""


def fuzz(path: Path, seed: int, count: int) -> None:
    tool = Path(__file__).parents[1] / "mutations.py"
    words = [sys.executable, "-c", _FUZZ, str(tool), str(path), str(seed), str(count)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60 + count)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stderr == ""


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_mutated_films_are_read_or_refused(film, name: str, codec: str) -> None:
    fuzz(film(name, codec, colour=True), 1, 250)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "MJPG"), ("a.avi", "FFV1"), ("a.avi", "XVID"), ("a.mp4", "mp4v"), ("a.mov", "png ")]
)
def test_many_mutated_films_are_read_or_refused(film, name: str, codec: str) -> None:
    fuzz(film(name, codec, colour=True), 2, 2000)
