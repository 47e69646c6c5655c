"""What ``temj summarise`` tells on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from temj.data import Table
from temj.workflows.account import written_lines


def summary_account(outputs: Mapping[str, Table]) -> str:
    """A paragraph for each group and class, notes and files."""
    table, lines, seen = outputs["quantities"], [], ""
    for row in range(len(table)):
        group = str(table["Group"][row])
        if group != seen:
            lines.append(f"{group}:")
            seen = group
        if _told(str(table["Quantity"][row])) and math.isfinite(float(table["Value"][row])):
            lines.append(_line({column.name: column.values[row] for column in table}))
    notes = outputs["notes"]
    lines += [
        f"  note: {note}" + (f" ({image})" if image else "")
        for image, note in zip(notes["Image"], notes["Note"], strict=True)
    ]
    return "\n".join([*lines, *written_lines(outputs)])


def _told(name: str) -> bool:
    """Whether it is one of the main figures."""
    return not any(word in name for word in ("quantile", "mean of fields", "unweighted", "standard error", "mean area"))


def _line(row: Mapping[str, object]) -> str:
    value, low, high = (float(row[name]) for name in ("Value", "Low", "High"))
    unit = f" {row['Unit']}" if row["Unit"] else ""
    text = f"  {row['Class'] or 'all together'}: {row['Quantity']} {value:.4g}"
    if math.isfinite(low) and math.isfinite(high):
        text += f" ({low:.4g} to {high:.4g})"
    text += unit
    systematic = float(row["Systematic"])
    return text + (f", systematic ± {systematic:.2g}{unit}" if systematic > 0 else "")
