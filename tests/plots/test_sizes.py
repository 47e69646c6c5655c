"""Figures of sizes: the same inputs give the same bytes, and what is drawn follows from them."""

import cv2
import numpy as np

from temj.data import Column, Table
from temj.plots.sizes import Sizes, image_figure, pair_figure, size_figure

VERMILION = (0xD5, 0x5E, 0)


def seen(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def bins(unit: str = "nm") -> Table:
    names = [
        f"{name}{end}"
        for name in ("Recall", "Precision", f"Mean diameter error ({unit})")
        for end in ("", "_low", "_high")
    ]
    cells = {f"From ({unit})": [0.0, 10.0], f"To ({unit})": [10.0, np.nan]} | {key: [0.4, np.nan] for key in names}
    return Table(tuple(Column(name, np.array(values)) for name, values in cells.items()))


def sizes(count: int = 50, off: float = 2.0) -> Sizes:
    true = np.random.default_rng(0).normal(15, 3, count)
    return Sizes("loop", true, true + off, true, true + off, bins())


def test_equal_inputs_give_equal_bytes_and_others_another_picture() -> None:
    for figure in (size_figure, pair_figure):
        assert figure([sizes()], "nm", "x") == figure([sizes()], "nm", "x")
        assert figure([sizes()], "nm", "x") != figure([sizes(off=4)], "nm", "x")


def test_without_objects_there_are_empty_panels() -> None:
    for count in (0, 1):
        for figure in (size_figure, pair_figure):
            assert seen(figure([sizes(count)], "nm", "x")).shape[1] > 500


def test_a_row_for_each_class_up_to_eight() -> None:
    heights = [seen(size_figure([sizes()] * count, "nm", "x")).shape[0] for count in (1, 2, 8, 9)]
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_the_mean_difference_is_a_line_where_it_is() -> None:
    """All pairs differ by 2: mean and both limits of agreement lie on one line."""
    picture = seen(pair_figure([sizes()], "nm", "x"))
    right = (picture == VERMILION).all(axis=2)[:, picture.shape[1] // 2 :]
    assert np.ptp(np.flatnonzero(right.sum(axis=1) > 200)) < 6


def test_errors_of_images() -> None:
    names = ("Number density annotated (m^-2)", "Mean diameter annotated (nm)", "Mean error (nm)",
             "Mean absolute error (nm)", "Mean error (%)", "Mean absolute error (%)")  # fmt: skip
    table = Table((Column("Class", np.array(["loop", "dot"], object)),
                   *(Column(name, np.array([1.0, np.nan])) for name in names)))  # fmt: skip
    png = image_figure(table, "nm", "m^-2", "x")
    assert png == image_figure(table, "nm", "m^-2", "x")
    empty = image_figure(table.take(np.zeros(2, bool)), "nm", "m^-2", "x")
    assert seen(empty).shape == seen(png).shape
    assert empty != png
