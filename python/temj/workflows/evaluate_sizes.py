"""Quantities and sizes: what is reported of a material, true and predicted, and where sizes go wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from temj.data import Table
from temj.data.table_text import to_csv
from temj.evaluation.calibration import GRID
from temj.evaluation.merit import by_threshold
from temj.evaluation.pairs import Pairs, errors_by_image, size_agreement
from temj.evaluation.persons import answer, persons_table
from temj.evaluation.quantities import population_of, quantities_table
from temj.evaluation.size_bins import SHARES, automatic_limits, by_size, detection_limits, groups
from temj.evaluation.sizes import mean_precision
from temj.evaluation.summary import Figure
from temj.physics.values import NM2_PER_M2
from temj.plots.sizes import Sizes, image_figure, pair_figure, size_figure
from temj.population.estimates import QUANTITIES
from temj.population.sums import AREA, WEIGHT, Population
from temj.workflows import evaluate_outputs as files
from temj.workflows.evaluation import Evaluation, Part


def quantities(evaluation: Evaluation) -> Part:
    """Tables ``quantities``, ``sizes``, ``pairs`` and ``image_errors`` with their plots, and agreement of sizes."""
    stems, classes, unit = list(evaluation.judged), evaluation.rules.classes, evaluation.unit
    true, found = (
        population_of([evaluation.seen[stem][side] for stem in stems], classes, unit) for side in (0, 1)
    )  # fmt: skip
    images = list(evaluation.judged.values())
    pairs = Pairs.of(images)
    limits = evaluation.size_bins or automatic_limits(pairs.true.diameter)
    areas = true.fields[:, 0, AREA]
    per, factor = ("m^-2", NM2_PER_M2) if unit == "nm" else ("pixel^-2", 1.0)
    density = factor * QUANTITIES["number density"].statistic(true.fields)
    tables = {
        "quantities": quantities_table(stems, true, found),
        "sizes": by_size(images, classes, areas, limits, unit),
        "image_errors": errors_by_image(pairs, stems, classes, density, unit, per),
        "pairs": pairs.table(stems, classes, unit),
    }  # fmt: skip
    found_from, notes = detection_limits(images, classes, unit)
    rows, drawn = list(found_from), []
    for name, number in groups(classes):
        own = pairs.of_class(number)
        rows += size_agreement(own, name, unit)
        drawn.append(_drawn(own, name, tables["sizes"], rows))
    title = evaluation.title
    made = {f"{name}.csv": to_csv(table, files.DECIMALS).encode() for name, table in tables.items()}
    made[files.SIZES_PNG] = size_figure(drawn, unit, title)
    if len(pairs.iou):
        made[files.DIFFERENCES_PNG] = pair_figure(drawn, unit, title)
        made[files.ERRORS_PNG] = image_figure(tables["image_errors"], unit, per, title)
    return Part(tuple(rows), tables, made, (*_notes(evaluation, (true, found)), *notes))


def _drawn(own: Pairs, name: str, bins: Table, rows: list[Figure]) -> Sizes:
    known = {row.name: row.value for row in rows if row.class_name == name}
    marks = {f"{100 * share:g} %": known[f"diameter with {100 * share:g} % recall"] for share in SHARES}
    statistic, p = known["diameter KS statistic"], known["diameter KS p"]
    told = f"KS {statistic:.3f}, p {p:.2g}" if np.isfinite(statistic) else ""
    return Sizes(
        name, own.true.diameter, own.found.diameter, own.true_diameter, own.found_diameter,
        bins.take(bins["Class"] == name), told, {words: size for words, size in marks.items() if np.isfinite(size)},
    )  # fmt: skip


def _notes(evaluation: Evaluation, sides: Sequence[Population]) -> list[str]:
    """What is not defined, and why."""
    notes = []
    if evaluation.unit != "nm":
        notes.append("no pixel size: lengths are in pixels, densities are not known (--pixel-size gives one)")
    for number, name in enumerate(evaluation.rules.classes):
        for side, words in zip(sides, ("annotated", "found"), strict=True):
            if not (side.objects.of == number).any():
                notes.append(f"class '{name}': nothing {words}: its sizes and errors are not defined (NaN)")
            elif not side.fields[:, number, WEIGHT].any():
                notes.append(f"class '{name}': no object {words} is whole in the analysed area: no mean diameter (NaN)")
    return notes


def merit(evaluation: Evaluation) -> Part:
    """Table ``creme`` by threshold, where objects are known at all of them; else nothing."""
    if set(evaluation.curves) != set(evaluation.judged):
        return Part()
    sums = np.array([[part.sums for part in parts] for parts in evaluation.curves.values()]).sum(axis=0)
    precision = np.array([_precision(evaluation, threshold) for threshold in GRID])
    table = by_threshold(GRID, sums, precision)
    return Part(tables={"creme": table}, made={files.CREME: to_csv(table, files.DECIMALS).encode()})


def _precision(evaluation: Evaluation, threshold: float) -> float:
    """AP50:95 of the objects above a threshold; NaN where their scores are not known."""
    known = list(evaluation.scored.values())
    if len(known) < len(evaluation.judged) or any(threshold not in image.levels for image in known):
        return float("nan")
    images = [image.at(threshold) for image in known]
    return mean_precision(images, evaluation.rules.classes) if all(image.scored for image in images) else float("nan")


def persons(evaluation: Evaluation) -> Part:
    """Table ``persons`` and its sentence, where there is a second person; else nothing."""
    if not evaluation.three:
        return Part()
    table = persons_table(list(evaluation.three.values()), evaluation.unit)
    count = len(evaluation.three)
    left_out = sorted(set(evaluation.judged) - set(evaluation.three))
    notes = (f"{evaluation.second} lacks {', '.join(left_out)}: persons and machine are compared on the others",)
    return Part(
        (), {"persons": table}, {files.PERSONS: to_csv(table, files.DECIMALS).encode()}, notes if left_out else (),
        (answer(table, count),),
    )  # fmt: skip
