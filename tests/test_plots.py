"""Pictures: lines where the objects are, nothing hidden, true scale bars, the same bytes each time."""

import cv2
import numpy as np
import pytest

from temj.data import (
    CLOSE,
    CUBIC,
    LINE_TO,
    MOVE,
    Calibration,
    Column,
    Instances,
    Micrograph,
    RoiType,
    Shape,
    Table,
)  # fmt: skip
from temj.errors import BadValue
from temj.geometry import fitted_ellipses
from temj.geometry.trace import trace
from temj.plots import PALETTE, overlay, png_bytes, training_curve
from temj.plots.bar import round_length
from temj.plots.colours import class_colours, rgb, second_colour
from temj.plots.drawing import display, picture_scale

NONE = Instances.of([])
ORANGE = {"loop": "#ff7f0e"}


def noise(height: int, width: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(3).integers(60, 190, (height, width)).astype(dtype)


def square(x: int, y: int, side: int, **columns: object) -> Instances:
    labels = np.zeros((y + side, x + side), np.uint8)
    labels[y:, x:] = 1
    return Instances(trace(labels), **columns)


def changed(micrograph: Micrograph, instances: Instances, **more: object) -> np.ndarray:
    """Where the objects change the picture of the micrograph (without the bar)."""
    rows = round(micrograph.height * picture_scale(micrograph.width, micrograph.height))
    drawn, plain = (overlay(micrograph, found, ORANGE, **more)[:rows] for found in (instances, NONE))
    return (drawn != plain).any(axis=2)


def test_lines_run_along_the_edge_of_the_object():
    """At scale 1 the line of a traced square lies on its rim, half inside and half outside."""
    image = Micrograph(noise(60, 1200))
    where = changed(image, square(100, 20, 30, class_name="loop"))[:, :131]
    rows, columns = np.nonzero(where[:, :125])
    assert 17 <= rows.min() <= 19  # soft lines of OpenCV reach 1 to 3 pixels to both sides
    assert 50 <= rows.max() <= 52
    assert 97 <= columns.min() <= 99
    assert not where[23:47, 103:127].any()
    assert where[19:21, 102:128].mean() > 0.9  # a pixel can have the line's grey value already


@pytest.mark.parametrize(("side", "scale"), [(100, 4), (512, 2), (1500, 1), (5000, 4096 / 5000)])
def test_small_images_are_enlarged_and_large_ones_made_smaller(side, scale):
    image = Micrograph(noise(40, side))
    picture = overlay(image, NONE, ORANGE)
    assert picture.dtype == np.uint8
    assert picture.shape[1] == round(side * scale)
    assert picture.shape[0] > round(40 * scale)
    where = changed(image, square(30, 10, 20, class_name="loop"))
    rows, columns = np.nonzero(where[:, : round(49 * scale)])  # its number stands at the right
    np.testing.assert_allclose([rows.min(), columns.min()], [10 * scale, 30 * scale], atol=4)


def test_without_objects_the_image_is_untouched():
    grey = noise(30, 1100)
    picture = overlay(Micrograph(grey), NONE, {})[:30]
    np.testing.assert_array_equal(picture, np.repeat(display(grey)[..., None], 3, axis=2))


def test_classes_have_their_colours():
    image = Micrograph(np.full((60, 1200), 7, np.uint8))
    found = Instances.concatenate([square(100, 20, 30, class_name="loop"), square(300, 20, 30, class_name="void")])
    picture = overlay(image, found, {"loop": "#ff0000", "void": "#00ff00"})
    left, right = (picture[:60, part].astype(int) - 128 for part in (slice(95, 140), slice(295, 340)))
    assert (left[..., 0] > 90).any() and not (left[..., 1] > 90).any()  # noqa: PT018
    assert (right[..., 1] > 90).any() and not (right[..., 0] > 90).any()  # noqa: PT018


def test_every_kind_of_shape_is_drawn():
    kinds = [
        Shape(RoiType.RECT, params=(10, 10, 30, 20, 0), subpixel=False),
        Shape(RoiType.RECT, params=(50.5, 10.3, 30.2, 20, 12)),
        Shape(RoiType.OVAL, params=(90, 10, 40, 20), subpixel=False),
        Shape(RoiType.ELLIPSE, params=(20, 60, 60, 80, 0.4)),
        Shape(RoiType.ROTATED_RECT, params=(80, 60, 120, 90, 14)),
        Shape(RoiType.POLYGON, [[10, 100], [40, 110], [20, 130]], subpixel=False),
        Shape(RoiType.FREEROI, [[50.5, 100.5], [80, 105], [70, 130], [55, 125]]),
        Shape(RoiType.TRACED, [[100, 130], [100, 110], [90, 110], [90, 130]], subpixel=False),
        Shape(
            RoiType.COMPOSITE,
            [[110, 110], [140, 110], [140, 140], [0, 0], [120, 115], [130, 110], [130, 120], [125, 118], [0, 0]],
            codes=[MOVE, LINE_TO, LINE_TO, CLOSE, MOVE, CUBIC, CUBIC, CUBIC, CLOSE],
        ),
        Shape(RoiType.POINT, [[20, 145], [30, 145]]),
        Shape(RoiType.LINE, [[10, 90], [30, 95]]),
        Shape(RoiType.POLYLINE, [[40, 140], [50, 150], [60, 140]]),
        Shape(RoiType.ANGLE, [[70, 140], [80, 150], [90, 140]]),
    ]
    image = Micrograph(noise(160, 160))
    for shape in kinds:
        where = changed(image, Instances.of([shape], class_name="loop"))
        assert where.any(), shape.roi_type
    assert overlay(image, Instances.of(kinds), ORANGE).shape[1] == 640


def test_outline_of_an_oval_passes_its_four_ends():
    image = Micrograph(noise(60, 1200))
    where = changed(image, Instances.of([Shape(RoiType.OVAL, params=(100, 10, 60, 40), subpixel=False)]))[:, :161]
    for x, y in ((100, 30), (159, 30), (130, 10), (130, 49)):
        assert where[y - 1 : y + 2, x - 1 : x + 2].any()
    assert not where[14:46, 125:135].any()


def test_objects_outside_and_bad_numbers_do_no_harm():
    image = Micrograph(noise(40, 50))
    shapes = [
        Shape(RoiType.POLYGON, [[np.nan, 1], [2, 3], [4, 9]]),
        Shape(RoiType.RECT, params=(1e8, -1e8, 5, 5, 0)),
        Shape(RoiType.TRACED, np.empty((0, 2)), subpixel=False),
        Shape(RoiType.RECT, params=(30, 30, 1e6, 1e6, 0)),
    ]
    assert overlay(image, Instances.of(shapes), {}).shape[1] == 200


def test_ellipses_are_drawn_too():
    labels = np.zeros((60, 1200), np.uint8)
    labels[10:40, 100:130] = 1
    labels[40:50, 100:104] = 1
    image, found = Micrograph(noise(60, 1200)), Instances(trace(labels), class_name="loop")
    ellipses = fitted_ellipses(found, image.width, image.height)
    with_ellipses = overlay(image, found, ORANGE, ellipses)
    without = overlay(image, found, ORANGE)
    assert (with_ellipses[:60] != without[:60]).any()
    assert (with_ellipses[60:] != without[60:]).any()


def test_numbers_stand_beside_few_objects_and_leave_out_the_rest():
    image = Micrograph(noise(400, 1400))
    few = Instances.concatenate([square(60 * k + 10, 50, 20, class_name="loop") for k in range(20)])
    where = changed(image, few)
    for number in range(20):
        left = 60 * number + 10
        assert not where[54:66, left + 4 : left + 16].any()
        assert where[30:90, left + 23 : left + 55].any()
    crowd = Instances.concatenate([square(10 * (k % 10), 10 * (k // 10), 9, class_name="loop") for k in range(100)])
    assert not changed(image, crowd)[:, 110:].any()
    many = Instances.concatenate(
        [square(20 * (k % 60) + 4, 20 * (k // 60) + 4, 9, class_name="loop") for k in range(300)]
    )
    assert not changed(image, many)[8:10, 16:20].any()


@pytest.mark.parametrize(
    ("calibration", "words"),
    [(Calibration(0.4, 0.4, "nm"), "bar"), (Calibration(2, 2, "Å"), "bar"), (Calibration(), "")],
)
def test_scale_bar_has_the_length_it_tells(calibration, words):
    image = Micrograph(noise(100, 1200), calibration)
    bottom = overlay(image, NONE, {})[100:]
    longest = 0
    for row in (bottom == 255).all(axis=2):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        longest = max(longest, int((edges[1::2] - edges[::2]).max(initial=0)))
    if not words:
        assert longest < 20
        return
    length, _ = round_length(0.22 * 1200 * calibration.nm[0])
    assert longest == round(length / calibration.nm[0])


@pytest.mark.parametrize(
    ("longest", "length", "text"),
    [
        (23.9, 20, "20 nm"), (20, 20, "20 nm"), (1999, 1000, "1 µm"), (999, 500, "500 nm"), (7e6, 5e6, "5 mm"),
        (0.19, 0.1, "100 pm"), (1, 1, "1 nm"), (5.01e4, 5e4, "50 µm"), (1e-5, 1e-5, "0.01 pm"),
    ],
)  # fmt: skip
def test_round_lengths(longest, length, text):
    found, words = round_length(longest)
    assert found == pytest.approx(length)
    assert words == text


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (1, 20_000), (20_000, 1), (40, 30)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_size_and_type(shape, dtype):
    picture = overlay(
        Micrograph(noise(*shape, dtype), Calibration(2, 2, "nm")), NONE, {"loop": "#ff7f0e", "ü": "#00ff00"}
    )
    assert picture.ndim == 3
    assert max(picture.shape[1], 1) <= 4096


class TestLeftOut:
    @staticmethod
    def image(side: int = 1200) -> Micrograph:
        area = np.ones((90, side), bool)
        area[60:] = False
        return Micrograph(noise(90, side), area=area)

    def test_is_hatched_and_outlined_and_can_still_be_read(self):
        image = self.image()
        drawn, plain = overlay(image, NONE, ORANGE), display(image.pixels, image.area)
        assert (drawn[:60] == plain[:60, :, None]).all()
        outside = drawn[62:88, 5:-5].astype(int)
        assert (outside[..., 0] == outside[..., 2]).all(), "grey"
        assert outside.mean() < 0.85 * plain[62:88].mean()
        assert np.corrcoef(outside[..., 0].ravel(), plain[62:88, 5:-5].ravel())[0, 1] > 0.5
        assert (drawn[60, 10:-10] == outside_colour()).all()

    def test_has_a_line_in_the_legend(self):
        image = self.image()
        whole = Micrograph(image.pixels)
        legends = [overlay(each, NONE, ORANGE)[90:] for each in (image, whole)]
        assert (legends[0] == np.array(outside_colour())).all(axis=2).sum() > 20
        assert not (legends[1] == np.array(outside_colour())).all(axis=2).any()

    def test_its_grey_values_do_not_stretch_the_range(self):
        pixels = noise(90, 1200).copy()
        pixels[60:] = 255
        image = Micrograph(pixels, area=self.image().area)
        np.testing.assert_array_equal(overlay(image, NONE, {})[:60, :, 0], display(pixels[:60]))

    def test_the_picture_of_a_reduced_image(self):
        area = np.ones((400, 5000), bool)
        area[:, 4000:] = False
        drawn = overlay(Micrograph(noise(400, 5000), area=area), NONE, {})
        assert drawn[:300, 3300:].mean() < 0.9 * drawn[:300, :3200].mean()


def outside_colour() -> tuple[int, int, int]:
    from temj.plots.outside import NEUTRAL

    return NEUTRAL


def test_long_legends_go_to_further_lines():
    image = Micrograph(noise(60, 100))
    one, many = (overlay(image, NONE, {f"class number {k}": "#ff7f0e" for k in range(count)}) for count in (1, 6))
    assert many.shape[0] > one.shape[0]
    assert many.shape[1] == one.shape[1]


class TestDisplay:
    def test_percentiles_fill_the_range(self):
        pixels = np.linspace(1000, 3000, 10_000).reshape(100, 100).astype(np.uint16)
        pixels[0, 0], pixels[-1, -1] = 0, 65535
        grey = display(pixels)
        assert (grey.min(), grey.max()) == (0, 255)
        assert abs(int(grey[50, 0]) - 128) <= 2

    def test_types_agree(self):
        eight = noise(50, 40)
        np.testing.assert_array_equal(display(eight), display(eight.astype(np.uint16)))
        assert np.abs(display(eight).astype(int) - display(eight.astype(np.float32))).max() <= 1

    def test_nan_and_infinity(self):
        pixels = noise(50, 40, np.float32)
        pixels[0, :3] = np.nan, np.inf, -np.inf
        assert display(pixels)[0, :3].tolist() == [0, 255, 0]
        assert (display(np.full((3, 3), np.nan, np.float32)) == 128).all()

    def test_constant_but_for_one_pixel(self):
        assert (display(np.full((4, 5), 9, np.uint16)) == 128).all()
        pixels = np.zeros((100, 100), np.uint8)
        pixels[4, 4] = 1
        assert display(pixels)[4, 4] == 255


def test_png_holds_the_same_pixels():
    picture = overlay(Micrograph(noise(40, 30)), square(3, 3, 9, class_name="loop"), ORANGE)
    data = png_bytes(picture)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), picture)
    assert data == png_bytes(overlay(Micrograph(noise(40, 30)), square(3, 3, 9, class_name="loop"), ORANGE))


class TestColours:
    def test_given_ones_come_first_and_others_are_unlike(self):
        used = class_colours(["b", "a", "loop"], ORANGE)
        assert list(used) == ["loop", "a", "b"]
        assert used["loop"] == (255, 127, 14)
        assert len(set(used.values())) == 3
        assert used["a"] != rgb(PALETTE[0])  # nearly the given orange

    def test_more_classes_than_colours(self):
        assert len(class_colours([f"{k}" for k in range(30)], {})) == 30

    def test_second_is_not_one_of_the_first(self):
        assert second_colour([]) == rgb("#56b4e9")
        assert second_colour([rgb("#56b4e9")]) != rgb("#56b4e9")

    @pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#gggggg"])
    def test_what_is_no_colour_is_refused(self, colour):
        with pytest.raises(BadValue, match="colour"):
            overlay(Micrograph(noise(9, 9)), NONE, {"loop": colour})


class TestTrainingCurve:
    @staticmethod
    def rows(count: int) -> Table:
        step = np.arange(count) * 50
        return Table(
            (
                Column("step", step), Column("epoch", step // 100), Column("loss", 1 / (1 + step / 100)),
                Column("learning_rate", np.full(count, 2e-3)), Column("IoU fine", np.linspace(0.1, 0.6, count)),
                Column("IoU coarse", np.where(step == 50, np.nan, 0.4)), Column("skipped", np.zeros(count, np.int64)),
            )
        )  # fmt: skip

    @pytest.mark.parametrize("count", [0, 1, 30])
    def test_is_a_picture_and_the_same_each_time(self, count):
        data = training_curve(self.rows(count))
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (432, 1080, 3)
        assert data == training_curve(self.rows(count))

    def test_both_panels_show_their_columns(self):
        blank, full = (
            cv2.imdecode(np.frombuffer(training_curve(self.rows(count)), np.uint8), cv2.IMREAD_COLOR)
            for count in (0, 30)
        )
        first = np.array(rgb(PALETTE[0]))[::-1]
        for half in (slice(0, 540), slice(540, 1080)):
            assert (np.abs(full[:, half].astype(int) - first).sum(axis=2) < 20).sum() > 200
            assert not (np.abs(blank[:, half].astype(int) - first).sum(axis=2) < 20).any() or half.start == 540
        second = np.array(rgb(PALETTE[1]))[::-1]
        assert (np.abs(full[:, 540:].astype(int) - second).sum(axis=2) < 20).sum() > 200

    def test_without_known_columns_rows_are_counted(self):
        assert training_curve(Table((Column("train loss", np.array([3.0, 2.0])), Column("F1", np.array([5.0, 7.0])))))
