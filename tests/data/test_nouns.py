import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.data import Column, Film, Instances, Micrograph, RoiType, Shape, Shapes, Table
from temj.errors import BadImage

SHAPES = [
    Shape(RoiType.RECT, params=(1, 2, 3, 4, 0), subpixel=False),
    Shape(RoiType.POLYGON, points=[[0, 0], [5, 0], [5, 5]]),
    Shape(RoiType.TRACED, points=[[0, 0], [1, 0], [1, 1], [0, 1]], subpixel=False),
    Shape(RoiType.COMPOSITE, points=[[0, 0], [4, 0], [4, 4], [0, 0]], codes=[0, 1, 1, 4]),
]


def assert_same(a: Shape, b: Shape) -> None:
    assert (a.roi_type, a.subpixel) == (b.roi_type, b.subpixel)
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(a.codes, b.codes)
    np.testing.assert_array_equal(a.params, b.params)


@given(st.lists(st.integers(0, len(SHAPES) - 1)), st.data())
def test_shapes_are_a_sequence_that_can_be_taken_apart(kinds: list[int], data: st.DataObject) -> None:
    shapes = Shapes.of(SHAPES[kind] for kind in kinds)
    assert len(shapes) == len(kinds)
    for shape, kind in zip(shapes, kinds, strict=True):
        assert_same(shape, SHAPES[kind])
    if kinds:
        index = np.array(data.draw(st.lists(st.integers(0, len(kinds) - 1))), int)
        for shape, k in zip(shapes.take(index), index, strict=True):
            assert_same(shape, SHAPES[kinds[k]])
    both = Shapes.concatenate([shapes, shapes])
    assert len(both) == 2 * len(kinds)
    for k, shape in enumerate(both):
        assert_same(shape, SHAPES[kinds[k % len(kinds)]])


def test_instances_filter_concatenate_and_may_be_empty() -> None:
    found = Instances.of(SHAPES, class_name=["a", "b", "a", "b"], score=[0.1, 0.9, 0.5, 0.7], info={"k": 1})
    kept = found.take(found.score > 0.4)
    assert list(kept.class_name) == ["b", "a", "b"]
    assert kept.info == {"k": 1}
    both = Instances.concatenate([kept, found])
    assert len(both) == 7
    assert len(found.take(np.zeros(4, bool))) == 0
    assert len(Instances.concatenate([])) == 0
    assert Instances.of([]).position.shape == (0, 3)


def test_everything_is_read_only() -> None:
    micrograph = Micrograph(np.zeros((2, 3), np.uint8))
    found = Instances.of(SHAPES)
    for array in (micrograph.pixels, found.score, found.shapes.points, Column("a", [1.0]).values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_callers_own_array_stays_writable() -> None:
    pixels = np.zeros((2, 3), np.uint8)
    Micrograph(pixels)
    assert pixels.flags.writeable


@pytest.mark.parametrize("pixels", [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), np.zeros((0, 2), np.uint8)])
def test_pixels_that_are_no_micrograph_are_refused_in_words(pixels: np.ndarray) -> None:
    with pytest.raises(BadImage, match="Expected a grey-value image"):
        Micrograph(pixels, name="x.tif")


def test_a_film_reads_lazily() -> None:
    read = []

    def plane(index: int) -> Micrograph:
        read.append(index)
        return Micrograph(np.full((2, 2), index, np.uint8))

    film = Film("f.tif", (1, 2, 3), plane)
    assert len(film) == 6
    assert read == []
    assert film[4].pixels[0, 0] == 4
    assert read == [4]
    assert [m.pixels[0, 0] for m in film] == list(range(6))
    with pytest.raises(IndexError):
        film[6]


def test_tables_keep_units_and_refuse_unequal_columns() -> None:
    table = Table((Column("Label", ["a", "b"]), Column("Area", [1.0, 2.0], "nm²"), Column("n", np.array([1, 2]))))
    frame = table.to_pandas()
    assert list(frame.columns) == ["Label", "Area", "n"]
    assert frame.attrs["units"] == {"Area": "nm²"}
    assert table.take(np.array([1]))["Label"][0] == "b"
    assert len(Table.concatenate([table, table])) == 4
    with pytest.raises(ValueError, match="one length"):
        Table((Column("a", [1.0]), Column("b", [1.0, 2.0])))
    with pytest.raises(KeyError, match="there are Label, Area"):
        table["Aera"]
