import dataclasses
import json

import numpy as np

from temj.commands.wire import from_wire, to_wire
from temj.data import Calibration, Column, Instances, Micrograph, RoiType, Shape, Table


def through_the_wire(values: dict) -> dict:
    record, arrays = to_wire(values)
    assert all(array.size for array in arrays.values()), "shared memory has no empty blocks"
    blocks = {name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for name, array in arrays.items()}
    return from_wire(json.loads(json.dumps(record)), blocks)


def some_instances(count: int) -> Instances:
    shapes = [
        Shape(RoiType.ELLIPSE, params=(1, 2, 9, 8, 0.5)),
        Shape(RoiType.TRACED, points=[[0, 0], [3, 0], [3, 2], [0, 2]], subpixel=False),
        Shape(RoiType.COMPOSITE, points=[[0, 0], [4, 0], [4, 4], [0, 0]], codes=[0, 1, 1, 4]),
    ][:count]
    return Instances.of(
        shapes, class_name="loop", score=np.linspace(0.5, 1, count), name=[f"löop-{k}" for k in range(count)],
        group=1, position=(1, 2, 3), track=7, info={"notes": ["rescaled"], "threshold": 0.5},
    )  # fmt: skip


def assert_same_instances(a: Instances, b: Instances) -> None:
    for name in ("roi_type", "subpixel", "params", "points", "codes", "offsets"):
        np.testing.assert_array_equal(getattr(a.shapes, name), getattr(b.shapes, name))
        assert getattr(a.shapes, name).dtype == getattr(b.shapes, name).dtype
    for name in ("class_name", "score", "name", "group", "position", "track"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert dict(a.info) == dict(b.info)


def test_instances_survive_also_without_objects() -> None:
    for count in (0, 1, 3):
        sent = some_instances(count)
        assert_same_instances(through_the_wire({"instances": sent})["instances"], sent)


def test_micrograph_survives() -> None:
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    sent = Micrograph(
        pixels, Calibration(0.39, 0.41, "nm", 1, 2), "a b.tif", (1, 2, 3), "s1", {"notes": ["x"]},
        area=pixels > 2, others=np.stack([pixels + 1, pixels + 2]),
    )  # fmt: skip
    got = through_the_wire({"micrograph": sent})["micrograph"]
    for field in dataclasses.fields(Micrograph):
        np.testing.assert_equal(getattr(got, field.name), getattr(sent, field.name))
    bare = through_the_wire({"micrograph": Micrograph(pixels)})["micrograph"]
    assert (bare.area, bare.others) == (None, None)


def test_table_survives_also_without_rows() -> None:
    for rows in (0, 2):
        sent = Table(
            (
                Column("Label", np.array(["a", "b"], object)[:rows]),
                Column("Area", np.array([1.5, np.nan])[:rows], "nm²"),
                Column("AR", np.array([1, 2])[:rows], decimals=True),
            )
        )
        got = through_the_wire({"results": sent})["results"]
        assert got.names == sent.names
        for a, b in zip(got, sent, strict=True):
            np.testing.assert_array_equal(a.values, b.values)
            assert (a.unit, a.decimals, a.values.dtype) == (b.unit, b.decimals, b.values.dtype)
