from pathlib import Path

import numpy as np
import pytest

from temj.data import Column, Table
from temj.errors import BadImage
from temj.workflows import record
from temj.workflows.inputs import KINDS, find_images, plan, sha256


def test_colliding_stems_get_their_extension_and_colliding_names_their_folder() -> None:
    paths = [Path(p) for p in ("x/a.tif", "x/a.png", "x/b.tif", "x/C.tif", "x/c.png", "x/d.tif", "y/d.tif")]
    stems = {str(job.image): job.stem for job in plan(paths)}
    assert stems == {
        "x/a.tif": "a.tif", "x/a.png": "a.png", "x/b.tif": "b", "x/C.tif": "C.tif", "x/c.png": "c.png",
        "x/d.tif": "x-d.tif", "y/d.tif": "y-d.tif",
    }  # fmt: skip


def test_files_of_different_images_never_have_one_name() -> None:
    for names in (["a.tif", "a_ellipses.tif"], ["A_ellipses.png", "a.tif"], ["a.tif", "a.tif_ellipses.tif", "A.png"]):
        ends = [
            f"{job.stem}_{end}".casefold() for job in plan([Path(name) for name in names]) for end in KINDS.values()
        ]
        assert len(set(ends)) == len(ends)
    assert [job.stem for job in plan([Path("a.tif"), Path("a_ellipses.tif")])] == ["a", "a_ellipses.tif"]


def test_stems_are_different_whatever_the_names() -> None:
    paths = [Path("p/x/d.tif"), Path("q/x/d.tif"), Path("x-d.tif"), Path("D.TIF")]
    stems = [job.stem.casefold() for job in plan(paths)]
    assert len(set(stems)) == len(paths)


def test_a_folder_means_its_images_without_junk(tmp_path: Path) -> None:
    for name in ("b.tif", "a.PNG", "._a.tif", ".hidden.tif", "notes.txt", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub.tif").mkdir()
    assert [path.name for path in find_images([tmp_path])] == ["a.PNG", "b.tif"]
    assert find_images([tmp_path / "b.tif", tmp_path]) == (tmp_path / "b.tif", tmp_path / "a.PNG")


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="no-images"):
        find_images([tmp_path])
    with pytest.raises(BadImage, match=r"missing.*Check the path"):
        find_images([tmp_path / "none.tif"])


def test_rows_survive_as_json() -> None:
    table = Table((Column("Slice", ["a.tif", "b.tif"]), Column("Count", np.array([3, 0])), Column("N", [1e14, np.nan])))
    back = record.rows_table(record.table_rows(table))
    assert back.names == table.names
    np.testing.assert_array_equal(back["N"], table["N"])
    assert list(back["Slice"]) == ["a.tif", "b.tif"]


def test_a_changed_setting_is_named() -> None:
    run = {"model": {"sha256": "a"}, "versions": {"temj": "1"}, "options": {"threshold": "0.5", "device": "cpu"}}
    assert record.differences(run, run) == []
    changed = {**run, "options": {"threshold": "0.6", "device": "cpu"}}
    assert record.differences(run, changed) == ["threshold: 0.5 -> 0.6"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="unreadable"):
        sha256(tmp_path)
