"""Truth and prediction that are outlined at different edges are not compared without a word."""

from pathlib import Path

import numpy as np
import pytest

from temj import commands
from temj.annotations import roiset
from temj.data import Instances, RoiType, Shape
from temj.workflows.evaluate_edges import different_edges


def set_of(path: Path, edge: str) -> Path:
    shapes = [Shape(RoiType.OVAL, params=(40, 40, 30, 24)), Shape(RoiType.OVAL, params=(120, 60, 20, 24))]
    names = np.array(["loop-1", "loop-2"], object)
    info = {"edge": {"loop": edge}} if edge else {}
    roiset.write(path, Instances.of(shapes, name=names, class_name="loop", info=info))
    return path


@pytest.mark.parametrize(("true", "found", "told"), [
    ("outer", "middle", "different edges: the truth is outlined at 'outer', the prediction at 'middle'"),
    ("", "inner", "perhaps different edges: the truth is outlined at no named edge (taken for half-maximum)"),
    ("middle", "middle of the line", None),
    ("", "", None),
])  # fmt: skip
def test_a_note_names_both(tmp_path: Path, micrograph, true: str, found: str, told: str | None) -> None:
    micrograph("images/a.tif")
    for name, edge in (("truth", true), ("found", found)):
        (tmp_path / name).mkdir()
        set_of(tmp_path / name / "a_RoiSet.zip", edge)
    outputs = commands.run(
        "evaluate",
        {"truth": tmp_path / "truth" / "a_RoiSet.zip", "prediction": str(tmp_path / "found" / "a_RoiSet.zip"),
         "images": tmp_path / "images", "output": tmp_path / "out"},
    )  # fmt: skip
    notes = [note for note in outputs["notes"]["Note"] if "edges" in note]
    assert len(notes) == (told is not None)
    assert told is None or told in notes[0]


def test_texts_that_nobody_can_tell_apart() -> None:
    assert different_edges(["a"], {"a": "true edge"}, {"a": "true edge"}) == []
    assert "perhaps" in different_edges(["a"], {"a": "true edge"}, {"a": "outer"})[0]
    assert different_edges(["a"], {"a": "half-maximum"}, {"a": ""}) == []  # nothing said is half-maximum
