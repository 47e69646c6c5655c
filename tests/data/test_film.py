"""What one can do with a film: cut it, sub-sample it, average it; where each plane came from stays known."""

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj import readers
from temj.data import Calibration, Film, Instances, Micrograph, RoiType, Shape
from temj.data.detectors import together
from temj.data.frames import read_frames
from temj.data.notes import merged_notes
from temj.errors import BadImage, BadValue
from temj.measurement import measure
from temj.measurement.summary import summarise


class Planes:
    """Reads planes whose grey value is their 1-based number in the stack; counts what is read."""

    def __init__(self, dimensions: tuple[int, int, int], **details: object) -> None:
        self.dimensions, self.details, self.seen = dimensions, details, []

    def __call__(self, index: int) -> Micrograph:
        self.seen.append(index)
        channels, slices, _ = self.dimensions
        place = (index % channels + 1, index // channels % slices + 1, index // (channels * slices) + 1)
        return Micrograph(np.full((4, 5), index + 1, np.uint8), name="f.tif", position=place, **self.details)


def film(*dimensions: int, interval: float | None = None) -> Film:
    return Film("f.tif", dimensions, Planes(dimensions), interval)


def values(made: Film) -> list[float]:
    return [float(micrograph.pixels[0, 0]) for micrograph in made]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("2-14", range(2, 15)), ("2-14-3", [2, 5, 8, 11, 14]), ("2-14:3", [2, 5, 8, 11, 14]),
        ("7,9,12", [7, 9, 12]), ("1-3, 8-12-2", [1, 2, 3, 8, 10, 12]), ("18-", [18, 19, 20]), ("1-:7", [1, 8, 15]),
        ("20", [20]), ("3-3", [3]),
    ],
)  # fmt: skip
def test_frames_are_written_as_in_imagejs_substack_maker(text: str, numbers: list[int]) -> None:
    assert read_frames(text, 20) == list(numbers)
    assert values(film(1, 1, 20).choose(text)) == list(numbers)


@pytest.mark.parametrize("text", ["0-3", "3-21", "21", "5-2", "1-3-0", "a", "1..3", "-4", "3,2", "2,2", "1-4,3", "1e3"])
def test_frames_that_make_no_sense_are_refused_in_words(text: str) -> None:
    with pytest.raises(BadValue, match="BadValue/frames"):
        film(1, 1, 20).choose(text)


def test_a_huge_number_is_refused_without_a_huge_list() -> None:
    with pytest.raises(BadValue, match="found frame 99999999999"):
        film(1, 1, 20).choose("1-99999999999")


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5))
def test_a_cut_is_pythons_slice_with_both_ends(start: int, stop: int, step: int) -> None:
    whole = film(1, 1, 12)
    if stop < start:
        with pytest.raises(BadValue):
            whole.cut(start, stop, step)
        return
    assert values(whole.cut(start, stop, step)) == list(range(start, stop + 1))[::step]


def test_planes_keep_their_position_and_number_in_the_file() -> None:
    made = film(2, 3, 5).cut(2, 5, 3)
    assert made.dimensions == (2, 3, 2)
    assert [micrograph.position for micrograph in made] == [made.position(index) for index in range(len(made))]
    assert [made.plane_number(index) for index in range(len(made))] == values(made)
    assert made.position(0) == (1, 1, 2)
    assert made.position(6) == (1, 1, 5)
    one = film(2, 3, 5).choose("4")
    assert (one.dimensions, one.axis, one.position(0), one.plane_number(5)) == ((2, 3, 1), 2, (1, 1, 4), 24)


def test_slices_are_the_frames_of_a_stack_without_frames() -> None:
    made = film(1, 9, 1).choose("8")
    assert (made.dimensions, made.axis, made.position(0), made[0].position) == ((1, 1, 1), 1, (1, 8, 1), (1, 8, 1))
    assert values(film(1, 9, 1).average(3)) == [2, 5, 8]
    with pytest.raises(BadValue, match="slices from 1 to 9"):
        film(1, 9, 1).choose("10")


def test_cutting_twice_counts_as_in_the_file() -> None:
    made = film(1, 1, 20).choose("10-20").choose("12,15")
    assert values(made) == [12, 15]
    with pytest.raises(BadValue, match="frames that can be read"):
        film(1, 1, 20).choose("10-20").choose("1-3")


def test_the_frame_interval_follows_the_step() -> None:
    whole = film(1, 1, 20, interval=0.5)
    assert whole.cut(1, 20, 4).frame_interval == 2.0
    assert whole.choose("1,2,5").frame_interval is None
    assert whole.cut(1, 20, 2).average(3).frame_interval == 3.0


def test_an_average_is_the_mean_as_float_with_position_of_its_first_frame() -> None:
    made = film(1, 1, 10, interval=0.1).average(4)
    assert made.dimensions == (1, 1, 2)
    assert values(made) == [2.5, 6.5]
    first, second = made
    assert first.pixels.dtype == np.float32
    assert (second.position, second.slice_label, second.metadata["averaged"]) == ((1, 1, 5), "5-8", [5, 6, 7, 8])
    notes = second.metadata["notes"]
    assert any("mean of 4 frames each" in note for note in notes)
    assert any("the last 2 of 10 frames" in note and "left out" in note for note in notes)
    assert made.frame_interval == pytest.approx(0.4)


def test_channels_and_slices_are_averaged_apart() -> None:
    made = film(2, 2, 4).average(2)
    assert values(made) == [3, 4, 5, 6, 11, 12, 13, 14]
    assert [micrograph.position for micrograph in made] == [made.position(index) for index in range(8)]


def test_averages_of_a_cut_film_name_the_frames_of_the_file() -> None:
    made = film(1, 1, 20).choose("3-20:4").average(2)
    assert [micrograph.slice_label for micrograph in made] == ["3-7", "11-15"]
    assert [micrograph.position[2] for micrograph in made] == [3, 11]


@pytest.mark.parametrize("count", [0, 11, -1])
def test_averaging_more_than_there_is_is_refused(count: int) -> None:
    with pytest.raises(BadValue, match="average"):
        film(1, 1, 10).average(count)


def test_averaging_one_is_the_film_itself() -> None:
    whole = film(1, 1, 10)
    assert whole.average(1) is whole


def test_nan_and_infinity_do_not_spread_and_are_told() -> None:
    planes = np.array([[1, np.nan, np.nan], [3, 5, np.inf], [5, 7, -np.inf]], np.float32)
    whole = Film("f.tif", (1, 1, 3), lambda index: Micrograph(planes[index][None], position=(1, 1, index + 1)))
    mean = whole.average(3)[0]
    np.testing.assert_array_equal(mean.pixels, [[3, 6, np.nan]])
    assert any("2 px are NaN or infinite in some frames" in note for note in mean.metadata["notes"])


def test_the_analysed_area_of_an_average_counts_in_all_its_frames() -> None:
    areas = [np.array([[True, True, False]]), None, np.array([[False, True, True]])]
    pixels = np.ones((1, 3), np.uint8)
    whole = Film("f.tif", (1, 1, 3), lambda index: Micrograph(pixels, area=areas[index]))
    np.testing.assert_array_equal(whole.average(3)[0].area, [[False, True, False]])


def test_other_detectors_are_averaged_too() -> None:
    whole = together(film(3, 1, 4)).average(2)
    assert whole.dimensions == (1, 1, 2)
    assert [micrograph.others[1, 0, 0] for micrograph in whole] == [4.5, 10.5]
    assert whole[1].position == whole.position(1) == (1, 1, 3)


def test_a_size_that_changes_is_named_with_its_frame() -> None:
    whole = Film("f.tif", (1, 1, 3), lambda index: Micrograph(np.ones((2, 2 + index // 2), np.uint8), name="f.tif"))
    with pytest.raises(BadImage, match=r"size-changes: f\.tif \(frame 3\).*2 x 2.*3 x 2"):
        whole.average(3)[0]


def test_nothing_is_read_before_it_is_asked_for() -> None:
    reader = Planes((1, 1, 100))
    made = Film("f.tif", (1, 1, 100), reader).choose("11-90:2").average(5).with_pixel_size(Calibration(1, 1, "nm"))
    assert reader.seen == []
    assert made[1].pixels[0, 0] == np.mean([21, 23, 25, 27, 29])
    assert reader.seen == [20, 22, 24, 26, 28]


def test_one_plane_of_a_group_is_in_memory_at_a_time() -> None:
    def plane(index: int) -> Micrograph:
        return Micrograph(np.full((512, 512), index, np.float32))

    made = Film("f.tif", (1, 1, 64), plane).average(32)
    made[0]
    tracemalloc.start()
    try:
        made[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * 512 * 512 * 4


def test_films_can_be_sent_to_other_processes() -> None:
    made = film(1, 1, 20, interval=1.0).choose("3-18").average(4).with_pixel_size(Calibration(2, 2, "nm"))
    again = pickle.loads(pickle.dumps(made))
    assert values(again) == values(made)
    assert again[0].calibration == Calibration(2, 2, "nm")
    assert Film.of(film(1, 1, 3)[1])[0].pixels[0, 0] == 2


def test_a_partial_film_gives_what_can_be_read() -> None:
    whole = Film("f.tif", (1, 1, 22), Planes((1, 1, 22)), partial=(22, 60))
    assert values(whole.choose("20-30")) == [20, 21, 22]
    assert whole.choose("20-30").partial == (22, 60)
    assert whole.choose("1-22").partial is None
    with pytest.raises(BadValue, match="frames that can be read: 22"):
        whole.choose("30-40")
    with pytest.raises(BadValue, match="from 1 to 60"):
        whole.choose("1-61")


def test_objects_of_a_cut_film_are_measured_and_counted_in_their_own_frame() -> None:
    whole = film(1, 1, 20)
    square = Shape(RoiType.RECT, params=(1, 1, 2, 2, 0), subpixel=False)
    found = Instances.of([square] * 3, class_name="loop", name=["a", "b", "c"], position=[(1, 1, 9)] * 2 + [(1, 1, 12)])
    for made in (whole.choose("9-15:3"), whole.choose("9-15").choose("9,12")):
        results = measure(made, found)
        assert results["Mean"].tolist() == [9, 9, 12]
        assert results["Frame"].tolist() == [9, 9, 12]
        assert results["Label"].tolist() == ["f.tif:a:9", "f.tif:b:9", "f.tif:c:12"]
        summary = summarise(results, made, ["loop"])
        assert summary["Count"].tolist() == [2, 1, 0][: len(made)]
        assert summary["Slice"].tolist() == ["f.tif:9", "f.tif:12", "f.tif:15"][: len(made)]
    with pytest.raises(BadValue, match="position"):
        measure(whole.choose("9-11"), found)


def test_a_single_frame_cut_out_says_which_one_it_is() -> None:
    made = film(1, 1, 20).choose("12")
    found = Instances.of([Shape(RoiType.RECT, params=(1, 1, 2, 2, 0), subpixel=False)], position=(1, 1, 12))
    results = measure(made, found)
    assert results["Frame"].tolist() == [12]
    assert summarise(results, made, ["loop"])["Slice"][0] == "f.tif:12"


def test_notes_of_some_planes_name_them() -> None:
    assert merged_notes([("a", "b"), ("a",), ("a", "b")], [4, 8, 12]) == ["a", "b (planes 4, 12)"]


def test_a_film_larger_than_any_memory_costs_none(tmp_path: Path) -> None:
    """A 12 GB stack as ImageJ writes it (one directory, planes behind each other), sparse on the disk."""
    import tifffile

    side, count, far = 2048, 3000, 2980
    path = tmp_path / "large.tif"
    small = np.zeros((2, side, side), np.uint8)
    tifffile.imwrite(path, small, imagej=True, metadata={"axes": "TYX"})
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        start, text = page.dataoffsets[0], page.tags["ImageDescription"]
        told = text.value.replace("images=2", f"images={count}").replace("frames=2", f"frames={count}")
        room, at = text.count, text.valueoffset
    head = bytearray(path.read_bytes()[: start + side * side])
    wanted = "\n".join(line for line in told.splitlines() if line.split("=")[0] in ("ImageJ", "images", "frames"))
    assert len(wanted) < room
    head[at : at + room] = wanted.encode().ljust(room, b"\0")
    head = head[:start]
    with path.open("wb") as file:
        file.write(head)
        file.truncate(start + count * side * side)
        file.seek(start + far * side * side)
        file.write(np.full(side * side, 7, np.uint8).tobytes())
    assert path.stat().st_size > 12e9
    if path.stat().st_blocks * 512 > 100e6:
        pytest.skip("this disk has no sparse files")
    tracemalloc.start()
    try:
        whole = readers.open_film(path)
        plane = whole[far]
        last = whole.cut(far - 8, far + 11).average(10)[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(whole) == count
    assert (plane.pixels == 7).all()
    assert plane.position[1:] in ((1, far + 1), (far + 1, 1))
    assert last.pixels[0, 0] == 0
    assert whole.cut(far - 8, far + 1).average(10)[0].pixels[0, 0] == pytest.approx(0.7)
    assert peak < 30 * side * side
