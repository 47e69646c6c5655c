"""Named columns with units, and how ImageJ prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Attributes:
        name: the header.
        values: (n,) float64, int64 or str (object); missing numbers are NaN.
        unit: of the values; "" for counts, ratios, names and grey values.
        decimals: True where ImageJ prints this column with decimals whatever its values (Circ., AR …).
    """

    name: str
    values: np.ndarray
    unit: str = ""
    decimals: bool = False

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.dtype.kind in "OUST":
            values = values.astype(object)
        else:
            values = values.astype(np.int64 if values.dtype.kind in "iub" else np.float64)
        values = values.view()
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    @property
    def is_text(self) -> bool:
        """Whether it holds str."""
        return self.values.dtype == object


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length. Immutable."""

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        lengths = {column.name: len(column.values) for column in self.columns}
        if len(set(lengths.values())) > 1 or len(lengths) != len(self.columns):
            raise ValueError(f"Table: columns must have different names and one length, found {lengths}")

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> np.ndarray:
        for column in self.columns:
            if column.name == name:
                return column.values
        raise KeyError(f"no column '{name}'; there are {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The headers."""
        return tuple(column.name for column in self.columns)

    def with_columns(self, *columns: Column) -> Table:
        """The table with more columns at its right end."""
        return Table(self.columns + columns)

    def take(self, index: np.ndarray) -> Table:
        """The rows at the given indices, or where a bool array is true."""
        return Table(tuple(Column(c.name, c.values[index], c.unit, c.decimals) for c in self.columns))

    @classmethod
    def concatenate(cls, tables: Iterable[Table]) -> Table:
        """The rows of several tables with the same columns, in order."""
        tables = list(tables)
        first = tables[0]
        if any(table.names != first.names for table in tables):
            raise ValueError(f"Table.concatenate: the columns differ: {[table.names for table in tables]}")
        return cls(
            tuple(
                Column(c.name, np.concatenate([table.columns[k].values for table in tables]), c.unit, c.decimals)
                for k, c in enumerate(first.columns)
            )
        )

    def to_pandas(self) -> pandas.DataFrame:
        """As a pandas DataFrame; the units are in ``frame.attrs["units"]``."""
        import pandas

        frame = pandas.DataFrame({column.name: column.values for column in self.columns})
        frame.attrs["units"] = {column.name: column.unit for column in self.columns if column.unit}
        return frame
