"""Measure ROIs that a file or a person gave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from temj import annotations, measurement, storage
from temj.data import Film, Instances, Micrograph, Table
from temj.data.calibration import parse_pixel_size
from temj.data.table_text import to_csv
from temj.readers import open_film
from temj.workflows.outputs import files_table, refuse_existing


def measure(
    micrograph: Micrograph | Film, instances: Instances, diameter: Mapping[str, str] | str | None = None
) -> Table:
    """ImageJ's Measure for every object, and ours behind it.

    Args:
        micrograph: the image, or the film whose planes the instances' positions name.
        instances: the objects; row n of the table is object n.
        diameter: how a class's Diameter is taken, ``major``, ``geometric`` or ``equivalent``: one for all or
            one for each class; None takes what the model that found the objects says, else ``equivalent``.
    """
    if isinstance(diameter, str):
        diameter = dict.fromkeys(instances.class_name, diameter)
    return measurement.measure(
        micrograph, instances, instances.info.get("diameter", {}) if diameter is None else diameter
    )


def measure_micrograph(
    micrograph: Micrograph, instances: Instances, pixel_size: str, diameter: str, output: Path | None, overwrite: bool
) -> dict[str, Table]:
    """Measure an open image's ROIs; write the table where an output is named."""
    if pixel_size:
        micrograph = micrograph.with_pixel_size(parse_pixel_size(pixel_size))
    return _written(measure(micrograph, instances, diameter), output, overwrite)


def measure_file(
    image: Path, rois: Path, pixel_size: str, diameter: str, output: Path, overwrite: bool
) -> dict[str, Table]:
    """Measure a ROI set on an image file and write the table."""
    film = open_film(image, pixel_size or None)
    return _written(measure(film, annotations.read(rois), diameter), output, overwrite)


def _written(results: Table, output: Path | None, overwrite: bool) -> dict[str, Table]:
    if output is None:
        return {"results": results}
    if not overwrite:
        refuse_existing([output])
    storage.write_text(output, to_csv(results), overwrite=overwrite)
    return {"results": results, "files": files_table({"results": output})}
