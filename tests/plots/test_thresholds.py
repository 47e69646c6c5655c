import cv2
import numpy as np

from temj.data import Column, Table
from temj.plots import threshold_curve


def curve(**changes: np.ndarray) -> Table:
    grid = np.arange(1, 20) / 20
    columns = {
        "threshold": grid, "object precision": grid, "object recall": 1 - grid, "object F1": 2 * grid * (1 - grid),
        "area error": 0.5 - grid, "count error": 0.3 - grid, "diameter error": np.where(grid > 0.8, np.nan, 0.1),
    }  # fmt: skip
    return Table(tuple(Column(name, values) for name, values in (columns | changes).items()))


def drawn(table: Table, thresholds: dict[str, float]) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(threshold_curve(table, thresholds, "4 images"), np.uint8), cv2.IMREAD_COLOR)


def test_equal_tables_give_equal_bytes_and_two_panels() -> None:
    assert threshold_curve(curve(), {"auto": 0.5}) == threshold_curve(curve(), {"auto": 0.5})
    picture = drawn(curve(), {})
    height, width = picture.shape[:2]
    assert width > 2 * height
    vermilion = (picture[:, :, ::-1] == (0xD5, 0x5E, 0)).all(axis=2)
    assert vermilion[:, width // 2 :].any(), "the error of the area is in the right panel"
    assert not vermilion[:, : width // 2].any()


def test_a_threshold_is_a_line_in_both_panels() -> None:
    differ = (drawn(curve(), {}) != drawn(curve(), {"auto": 0.25})).any(axis=2)
    columns = np.flatnonzero(differ.sum(axis=0) > 60)
    half = differ.shape[1] // 2
    assert (columns < half).any()
    assert (columns > half).any()


def test_huge_errors_and_gaps_do_no_harm() -> None:
    wild = curve(**{"area error": np.geomspace(1e6, 1e-3, 19), "object F1": np.full(19, np.nan)})
    assert drawn(wild, {"auto": 0.5, "area": 0.5, "count": 0.501}).shape == drawn(curve(), {}).shape
