"""Profiles across measured ROIs, with the edge that each class follows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from temj import storage
from temj.data import Film, Instances, Micrograph, Table
from temj.data.table_text import to_csv
from temj.measurement.defect.across import edge_profiles
from temj.measurement.defect.edges import DEFAULT, edge_of, edges_of
from temj.plots.profiles import MOST, profile_figure

_DECIMALS = 4


def across(film: Micrograph | Film, instances: Instances, results: Table) -> tuple[dict[str, Table], list[str]]:
    """The tables ``profiles`` and ``edges`` of measured objects, and notes about them.

    The edge of a class is what the ROIs say of it (their property ``edge``, which those of a prediction have), else
    ``outer``.
    """
    said = {name: str(text) for name, text in instances.info.get("edge", {}).items()}
    tables = edge_profiles(film, instances, edges_of(instances.class_name, said), list(results["Label"]))
    notes = []
    for name in dict.fromkeys(map(str, instances.class_name)):
        text = said.get(name, "")
        if text and edge_of(text) is None:
            notes.append(
                f"class '{name}': its edge '{text}' is none of the four that a profile has; {DEFAULT} is marked as used"
            )
    left = len(instances) - len(tables["edges"])
    if left:
        notes.append(f"{left} of {len(instances)} ROIs have no profile: they are no areas, or too small or outside")
    if len(tables["edges"]) > MOST:
        notes.append(f"the picture shows the profiles of the first {MOST} ROIs; the tables have all")
    return tables, notes


def files_beside(output: Path) -> dict[str, Path]:
    """Kind → file, beside the table of results."""
    stem = output.with_suffix("")
    ends = {"profiles": "_profiles.csv", "edges": "_edges.csv", "profiles picture": "_profiles.png"}
    return {kind: stem.with_name(stem.name + end) for kind, end in ends.items()}


def write(tables: Mapping[str, Table], files: Mapping[str, Path], overwrite: bool) -> None:
    """Write both tables and the picture."""
    for kind in ("profiles", "edges"):
        storage.write_text(files[kind], to_csv(tables[kind], _DECIMALS), overwrite=overwrite)
    picture = profile_figure(tables["profiles"], tables["edges"])
    storage.write_bytes(files["profiles picture"], picture, overwrite=overwrite)
