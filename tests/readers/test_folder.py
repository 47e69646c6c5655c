"""Folders of frames: natural order, one kind and size, and nothing that is left out in silence."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import readers
from temj.errors import BadImage
from temj.readers.folder import natural_key

SIDE = 12


def frame(number: int) -> np.ndarray:
    return np.full((SIDE, SIDE + 2), number, np.uint8)


def write(folder: Path, name: str, pixels: np.ndarray, nm: float = 0.5) -> None:
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / name, pixels, imagej=True, resolution=(1 / nm, 1 / nm), metadata={"unit": "nm"})


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """12 frames, img1.tif to img12.tif."""
    for number in range(1, 13):
        write(tmp_path / "run 1", f"img{number}.tif", frame(number))
    return tmp_path / "run 1"


def values(film) -> list[float]:
    return [float(micrograph.pixels[0, 0]) for micrograph in film]


def test_frames_come_in_natural_order_with_their_file_names(frames: Path) -> None:
    film = readers.open_film(frames)
    assert (film.name, film.dimensions) == ("run 1", (1, 1, 12))
    assert values(film) == list(range(1, 13))
    assert [micrograph.position for micrograph in film] == [(1, 1, number) for number in range(1, 13)]
    assert film[9].slice_label == "img10.tif"
    assert film[9].metadata["file"] == "img10.tif"
    assert film[9].calibration.nm == (0.5, 0.5)
    assert values(pickle.loads(pickle.dumps(film))) == values(film)
    assert values(film.choose("2-12:5").average(2)) == [4.5]


def test_natural_order() -> None:
    names = ["b1", "a10", "a9", "A2", "a02", "2", "10"]
    assert sorted(names, key=natural_key) == ["2", "10", "A2", "a02", "a9", "a10", "b1"]


def test_hidden_files_and_other_files_are_ignored_and_counted(frames: Path) -> None:
    for name in (".DS_Store", "._img1.tif", "Thumbs.db", "desktop.ini", "notes.txt", "log.csv"):
        (frames / name).write_bytes(b"x")
    (frames / "sub").mkdir()
    (frames / "loop").symlink_to(frames, target_is_directory=True)
    film = readers.open_film(frames)
    assert len(film) == 12
    notes = film[0].metadata["notes"]
    assert "4 hidden files or files of the operating system are ignored" in notes
    assert "2 files that are no images are ignored" in notes


@pytest.mark.parametrize(
    ("pixels", "nm", "expected"),
    [
        (np.zeros((SIDE, SIDE), np.uint8), 0.5, r"14 x 12 pixels as in the first frame, found 12 x 12 pixels"),
        (frame(5).astype(np.uint16), 0.5, r"uint8 as in the first frame, found uint16"),
        (frame(5), 0.52, r"a pixel size of 0\.5 nm as in the first frame, found 0\.52 nm"),
    ],
)
def test_a_frame_unlike_the_first_is_named(frames: Path, pixels: np.ndarray, nm: float, expected: str) -> None:
    write(frames, "img5.tif", pixels, nm)
    film = readers.open_film(frames)
    assert film[3].pixels[0, 0] == 4
    with pytest.raises(BadImage, match=rf"frame-differs: .*img5\.tif.*{expected}"):
        film[4]


def test_all_that_differs_is_told_at_once(frames: Path) -> None:
    write(frames, "img5.tif", np.zeros((3, 4), np.uint16), 0.7)
    with pytest.raises(BadImage, match=r"found 4 x 3 pixels, uint16, 0\.7 nm"):
        readers.open_film(frames)[4]


def test_pixel_sizes_that_were_only_rounded_are_the_same(frames: Path) -> None:
    write(frames, "img5.tif", frame(5), 0.50002)
    assert readers.open_film(frames)[4].pixels[0, 0] == 5


def test_files_of_several_kinds_are_no_film(frames: Path) -> None:
    cv2.imwrite(str(frames / "overview.png"), frame(1))
    with pytest.raises(BadImage, match=r"mixed-kinds: .*overview\.png.*12 \.tif, 1 \.png"):
        readers.open_film(frames)


def test_a_stack_among_the_frames_is_named(frames: Path) -> None:
    tifffile.imwrite(frames / "img7.tif", np.zeros((3, SIDE, SIDE + 2), np.uint8), photometric="minisblack")
    film = readers.open_film(frames)
    with pytest.raises(BadImage, match=r"not-a-frame: .*img7\.tif.*3 planes"):
        film[6]


def test_numbers_that_jump_are_told(frames: Path) -> None:
    (frames / "img5.tif").unlink()
    notes = readers.open_film(frames)[0].metadata["notes"]
    assert any("jump (4 to 6)" in note for note in notes)


def test_a_frame_that_cannot_be_read_is_an_error_or_left_out_with_the_others_keeping_their_number(frames: Path) -> None:
    (frames / "img3.tif").write_bytes(b"")
    film = readers.open_film(frames)
    with pytest.raises(BadImage, match=r"empty: .*img3\.tif"):
        film[2]
    film = readers.open_film(frames, allow_partial=True)
    assert film.partial == (11, 12)
    assert values(film) == [1, 2, *range(4, 13)]
    assert [micrograph.position[2] for micrograph in film] == values(film)
    assert any(note.startswith("partial: 11 of 12 frames") for note in film[0].metadata["notes"])
    assert readers.open_film(frames, allow_partial=True).choose("4-6").partial is None


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadImage, match=r"no-images: .*1 other and 0 hidden files"):
        readers.open_film(tmp_path)


def test_a_folder_that_cannot_be_read_is_named(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(BadImage, match="no-permission"):
        readers.open_film(frames)


def test_one_image_in_a_folder_is_one_image(tmp_path: Path) -> None:
    write(tmp_path / "one", "a.tif", frame(7))
    film = readers.open_film(tmp_path / "one")
    assert (len(film), film[0].position) == (1, (0, 0, 0))
