"""The nouns: micrograph, film, shapes, instances, table. NumPy only; they import nothing else of TEMJ but errors."""

from temj.data.acquisition import Acquisition
from temj.data.calibration import UNCALIBRATED, Calibration
from temj.data.film import Film
from temj.data.instances import IGNORE, Instances
from temj.data.micrograph import Micrograph
from temj.data.shapes import CLOSE, CUBIC, LINE_TO, MOVE, QUADRATIC, RoiType, Shape, Shapes
from temj.data.table import Column, Table

__all__ = [
    "CLOSE", "CUBIC", "IGNORE", "LINE_TO", "MOVE", "QUADRATIC", "UNCALIBRATED",
    "Acquisition", "Calibration", "Column", "Film", "Instances", "Micrograph", "RoiType", "Shape", "Shapes", "Table",
]  # fmt: skip
