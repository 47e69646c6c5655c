"""The numbers of temj.measure against the real ImageJ 1.54p, cell by cell as text, and its masks and ellipses."""

import base64
import importlib.util
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temj.annotations import roi
from temj.data import (
    CUBIC,
    Calibration,
    Column,
    Instances,
    Micrograph,
    RoiType,
    Shape,
    Shapes,
    Table,
)
from temj.data.table_text import to_csv
from temj.geometry import boxes, fitted_ellipses, outlines, rasterise
from temj.geometry.raster import rasterise_outlines
from temj.measurement import measure

pytestmark = pytest.mark.java

_spec = importlib.util.spec_from_file_location("random_shapes", Path(__file__).with_name("random_shapes.py"))
random_shapes = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = random_shapes
_spec.loader.exec_module(random_shapes)
HEIGHT, KINDS, WIDTH = random_shapes.HEIGHT, random_shapes.KINDS, random_shapes.WIDTH
make, path, pixels, subpath = random_shapes.make, random_shapes.path, random_shapes.pixels, random_shapes.subpath

CALIBRATIONS = (
    Calibration(), Calibration(0.390625, 0.390625, "nm"),
    Calibration(0.5, 0.7, "nm", 12.0, 30.0), Calibration(0.2, 0.2015, "nm"),
)  # fmt: skip


@dataclass
class ImageJ:
    """The other process."""

    process: subprocess.Popen
    folder: Path

    def ask(self, task: str, micrograph: Micrograph | None = None, shapes=(), names=(), **more: object) -> object:
        request = {"task": task, "folder": str(self.folder), **more}
        names = names or [""] * len(shapes)
        if micrograph is not None:
            np.save(self.folder / "pixels.npy", micrograph.pixels)
            scale = micrograph.calibration
            request |= {
                "pixels": str(self.folder / "pixels.npy"), "title": micrograph.name,
                "calibration": [scale.width, scale.height, scale.x_origin, scale.y_origin],
            }  # fmt: skip
        coded = [roi.encode(shape, name=name) for shape, name in zip(shapes, names, strict=True)]
        request["rois"] = [base64.b64encode(data).decode() for data in coded]
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "ImageJ ended"
        return json.loads(answer)


@pytest.fixture(scope="module")
def imagej(tmp_path_factory):
    script = Path(__file__).with_name("imagej_measure.py")
    process = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield ImageJ(process, tmp_path_factory.mktemp("imagej"))
    process.stdin.close()
    process.wait(60)
    process.stdout.close()


def usable(shapes: list[Shape]) -> list[Shape]:
    """Shapes whose box is not 0 x 0 (ImageJ drops such selections and measures the whole image)."""
    return [shape for shape, box in zip(shapes, boxes(Shapes.of(shapes)), strict=True) if box[2:].any()]


def assert_same_cells(imagej: ImageJ, micrograph: Micrograph, shapes: list[Shape], names: list[str]) -> int:
    """Our CSV equals ImageJ's in every character, for the columns that ImageJ has; the number of cells."""
    theirs = imagej.ask("measure", micrograph, shapes, names)
    header = theirs.split("\n", 1)[0].split(",")
    table = measure(micrograph, Instances.of(shapes, name=names))
    assert [name for name in table.names if name in header] == header[1:]
    ours = to_csv(Table(tuple(column for column in table if column.name in header)))
    for number, (line, expected) in enumerate(zip(ours.split("\n"), theirs.split("\n"), strict=True)):
        assert line.split(",") == expected.split(","), (number, shapes[number - 1])
    assert ours == theirs
    return len(shapes) * len(header)


# ------------------------------------------------------------------------------------------------------------ tests


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("scale", range(len(CALIBRATIONS)))
def test_every_cell_equals_imagejs(imagej, dtype, scale):
    rng = np.random.default_rng([2024, scale, np.dtype(dtype).itemsize])
    micrograph = Micrograph(pixels(dtype, rng, uneven=scale % 2 == 1), CALIBRATIONS[scale], "film, one.tif")
    kinds = KINDS * 3
    shapes = usable([make(kind, rng) for kind in kinds])
    names = [f"r{number:03d}" for number in range(len(shapes))]
    assert assert_same_cells(imagej, micrograph, shapes, names) >= 60 * 37


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("scale", range(len(CALIBRATIONS)))
def test_points_and_lines_equal_imagejs(imagej, dtype, scale):
    rng = np.random.default_rng([77, scale, np.dtype(dtype).itemsize])
    micrograph = Micrograph(pixels(dtype, rng, uneven=False), CALIBRATIONS[scale], "lines.tif")
    shapes = []
    for kind, count in ((RoiType.POINT, 1), (RoiType.LINE, 2), (RoiType.POLYLINE, 5), (RoiType.FREELINE, 9)):
        inside = rng.uniform(0, [WIDTH - 1, HEIGHT - 1], (4, count, 2)).astype(np.float32)
        shapes += [Shape(kind, points) for points in inside]
        shapes += [Shape(kind, np.round(inside[0]), subpixel=kind in {RoiType.POINT, RoiType.LINE})]
        shapes += [Shape(kind, inside[1] + [WIDTH * 0.7, 0])]
    shapes += [Shape(RoiType.ANGLE, rng.uniform(5, 100, (3, 2)).astype(np.float32)) for _ in range(4)]
    shapes += [make("polygon_sub", rng)]
    assert_same_cells(imagej, micrograph, shapes, [f"l{number}" for number in range(len(shapes))])


coordinate = st.one_of(
    st.integers(-20, 230), st.integers(-40, 460).map(lambda half: half / 2), st.floats(-20, 230, width=32)
)
length = st.one_of(st.integers(1, 80), st.floats(0.25, 80, width=32))
vertices = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=12)
whole_vertices = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=3, max_size=12)
box = st.tuples(coordinate, coordinate, length, length)
whole_box = st.tuples(st.integers(-20, 220), st.integers(-20, 180), st.integers(1, 80), st.integers(1, 80))
ends = st.tuples(coordinate, coordinate, coordinate, coordinate).filter(lambda e: math.dist(e[:2], e[2:]) > 0.5)
polygon_kinds = st.sampled_from([RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED])


@st.composite
def composites(draw) -> Shape:
    pieces = []
    for points in draw(st.lists(vertices, min_size=1, max_size=3)):
        segments = subpath(np.array(points, float))
        if draw(st.booleans()):
            segments.insert(2, (CUBIC, draw(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=3))))
        pieces += segments if draw(st.booleans()) else segments[:-1]
    return path(*pieces)


shape_strategy = st.one_of(
    st.builds(lambda p, arc: Shape(RoiType.RECT, params=(*p, arc)), box, st.integers(0, 20)),
    st.builds(lambda p, arc: Shape(RoiType.RECT, params=(*p, arc), subpixel=False), whole_box, st.integers(0, 20)),
    st.builds(lambda p: Shape(RoiType.OVAL, params=p), box),
    st.builds(lambda p: Shape(RoiType.OVAL, params=p, subpixel=False), whole_box),
    st.builds(lambda p, r: Shape(RoiType.ELLIPSE, params=(*p, r)), ends, st.floats(0.0625, 1, width=32)),
    st.builds(lambda p, w: Shape(RoiType.ROTATED_RECT, params=(*p, w)), ends, length),
    st.builds(lambda kind, p: Shape(kind, np.array(p, float)), polygon_kinds, vertices),
    st.builds(lambda kind, p: Shape(kind, np.array(p, float), subpixel=False), polygon_kinds, whole_vertices),
    composites(),
).filter(lambda shape: bool(usable([shape])))


@settings(max_examples=100, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(st.lists(shape_strategy, min_size=1, max_size=6), st.sampled_from([np.uint8, np.uint16, np.float32]),
       st.sampled_from(CALIBRATIONS), st.integers(0, 99))  # fmt: skip
def test_generated_shapes_are_measured_as_by_imagej(imagej, shapes, dtype, calibration, seed):
    micrograph = Micrograph(pixels(dtype, np.random.default_rng(seed), uneven=seed % 2 == 1), calibration, "a.tif")
    assert_same_cells(imagej, micrograph, shapes, [f"s{number}" for number in range(len(shapes))])


def test_pixels_are_those_of_imagejs_masks(imagej):
    rng = np.random.default_rng(7)
    shapes = usable([make(kind, rng) for kind in KINDS * 10])
    wide = 1024
    window = (-wide // 2, -wide // 2, wide, wide)
    runs = rasterise_outlines(outlines(Shapes.of(shapes)), window)
    owner, index = runs.pixels(wide)
    ours = np.split(index, np.cumsum(runs.counts(len(shapes)))[:-1])
    assert len(owner) > 10000
    for number, (bounds, data) in enumerate(imagej.ask("masks", shapes=shapes)):
        assert boxes(Shapes.of(shapes))[number].tolist() == bounds
        mask = (
            np.frombuffer(base64.b64decode(data), np.uint8).reshape(bounds[3], -1) if data else np.ones(bounds[:1:-1])
        )
        y, x = np.nonzero(mask)
        np.testing.assert_array_equal(ours[number], (y + bounds[1]) * wide + x + bounds[0])


def test_fitted_ellipses_are_those_of_imagejs_fit_ellipse(imagej):
    rng = np.random.default_rng(11)
    kinds = [kind for kind in KINDS if kind not in {"holes", "holes_sub", "curves", "open", "quadratics"}]
    micrograph = Micrograph(pixels(np.uint8, rng, uneven=False))
    shapes = usable([make(kind, rng) for kind in kinds * 5])
    inside = rasterise(Shapes.of(shapes), WIDTH, HEIGHT).counts(len(shapes)) > 4
    shapes = [shape for shape, kept in zip(shapes, inside, strict=True) if kept]
    ours = fitted_ellipses(Instances.of(shapes), WIDTH, HEIGHT)
    assert (ours.shapes.roi_type == RoiType.ELLIPSE).all()
    assert len(shapes) > 60
    np.testing.assert_allclose(ours.shapes.params, imagej.ask("ellipses", micrograph, shapes), atol=1e-3)


def test_labels_of_stacks_are_imagejs(imagej):
    rng = np.random.default_rng(5)
    labels = ["", "plane.tif", "plane.123", "two\nlines", "x" * 80, None, "a.b"]
    names = ["", "with.point", "n" * 31, "n" * 30, "plain", "a,b"]
    shapes = [make("ellipse", rng) for _ in names]
    for index, label in enumerate(labels):
        plain = Micrograph(pixels(np.uint8, rng, uneven=False), name="stack, a.tif")
        theirs = imagej.ask("measure", plain, shapes, names, labels=labels, slice=index + 1)
        plane = Micrograph(plain.pixels, name=plain.name, position=(1, index + 1, 1), slice_label=label or "")
        ours = to_csv(measure(plane, Instances.of(shapes, name=names)))
        first_cells = [[line.split(",")[1] for line in text.splitlines()] for text in (ours, theirs)]
        assert first_cells[0] == first_cells[1], label


@pytest.mark.parametrize("precision", [0, 1, 3, 5, 9])
def test_numbers_are_printed_as_by_imagej(imagej, precision):
    rng = np.random.default_rng(precision)
    special = [
        0.0, -0.0, 0.5, 1.5, 2.5, -0.5, 0.0005, 0.0015, 0.0025, 0.1235, 1.0005, 2.0005, 1e-3, 9.994e-4, 2.5e-300, 1e12,
        999999999999.0, 2147483647.0, 2147483648.0, -2147483648.0, 3.4028234663852886e38, 1.7976931348623157e308,
        math.nan, math.inf, -math.inf, 0.045, 1e-9, 123456.5, 0.3, 2 / 3,
    ]  # fmt: skip
    columns = [
        special, [float(number) for number in range(30)], [1.0] * 24 + [0.5] * 6, [math.nan] * 29 + [2.0],
        *(rng.normal(size=(4, 30)) * 10.0 ** rng.integers(-8, 12, (4, 30))).tolist(),
        *(rng.integers(-(10**6), 10**6, (4, 30)) / [[2], [8], [1000], [2000]]).tolist(),
    ]  # fmt: skip
    theirs = imagej.ask("print", columns=columns, precision=precision)
    ours = to_csv(Table(tuple(Column(f"c{n}", np.array(v)) for n, v in enumerate(columns))), precision)
    assert ours == theirs
