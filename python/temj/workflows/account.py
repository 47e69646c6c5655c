"""Outputs of commands in a few lines a person reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from temj.data import Table


def prediction_account(outputs: Mapping[str, Table]) -> str:
    """Count, number density and mean diameter of each image and class, what failed, and where the files are."""
    summary = outputs["summary"]
    lines = [_found(summary, row) for row in range(len(summary))]
    return "\n".join(lines + _thresholds(summary) + _notes(outputs) + _failures(outputs) + written_lines(outputs))


def _thresholds(summary: Table) -> list[str]:
    """The threshold of the run with its name, or those of its classes."""
    if "Threshold" not in summary or not len(summary):
        return []
    told: dict[str, list[str]] = {}
    for name, number, called in zip(*(summary[n] for n in ("Class", "Threshold", "Threshold Name")), strict=True):
        classes = told.setdefault(called if math.isnan(number) else f"{number:g} ({called})", [])
        classes += [str(name)] if str(name) not in classes else []
    several = len(told) > 1
    return [f"  threshold: {text}{' for ' + ', '.join(names) if several else ''}" for text, names in told.items()]


def measurement_account(outputs: Mapping[str, Table]) -> str:
    """How many objects were measured, what to know of them, which ROIs could not be used, and where the table is."""
    count = len(outputs["results"])
    lines = [f"{count} object{'' if count == 1 else 's'} measured."]
    lines += [f"  note: {note}" for note in outputs["notes"]["Note"]] if "notes" in outputs else []
    skipped = outputs["failures"]["Message"] if "failures" in outputs else ()
    if len(skipped):
        lines += [f"{len(skipped)} ROI{' was' if len(skipped) == 1 else 's were'} left out:"]
        lines += [f"  {message}" for message in skipped]
    return "\n".join(lines + written_lines(outputs))


def population_account(outputs: Mapping[str, Table]) -> str:
    """What each class comes to, in all images together where there are several; notes and files."""
    table = outputs["populations"]
    last = list(table["Image"])[-1] if len(table) else ""
    shown = [row for row in range(len(table)) if table["Image"][row] == last]
    lines = [_population({column.name: column.values[row] for column in table}) for row in shown]
    notes = [
        f"  note: {note} ({image})"
        for image, note in zip(outputs["notes"]["Image"], outputs["notes"]["Note"], strict=True)
    ]
    return "\n".join([f"{last}:", *lines, *notes, *written_lines(outputs)])


def _population(value: Mapping[str, Any]) -> str:
    count, unit = int(value["Count"]), value["Unit"]
    text = f"  {value['Class'] or 'object'}: {count:,}"
    if count:
        text += f", mean area {value['Mean Area']:.4g} {unit}², mean equivalent diameter "
        text += f"{value['Mean EquivalentDiameter']:.4g} {unit}"
    share = value["Projected Area (%)"]
    text += ", nothing analysed" if math.isnan(share) else f", projected area fraction {share:.3g} %"
    if count and not math.isnan(value["Total Length"]):
        text += f", length {value['Total Length']:.4g} {unit}, mean width {value['Mean Width']:.3g} {unit}"
    return text


def info_account(outputs: Mapping[str, Table]) -> str:
    """What is understood of each image, in some lines each; the JSON alone where that was asked for."""
    if "json" in outputs:
        return str(outputs["json"]["JSON"][0])
    notes: dict[str, list[str]] = {}
    for image, note in zip(outputs["notes"]["Image"], outputs["notes"]["Note"], strict=True):
        notes.setdefault(image, []).append(note)
    images = outputs["images"]
    rows = [{column.name: column.values[row] for column in images} for row in range(len(images))]
    lines = [line for row in rows for line in _told(row, notes.get(row["image"], []))]
    return "\n".join(lines + _failures(outputs) + written_lines(outputs))


def _told(row: Mapping[str, Any], notes: Sequence[str]) -> list[str]:
    """One image of ``temj info``."""
    planes = ", ".join(
        f"{row[name]} {name if row[name] != 1 else name[:-1]}"
        for name in ("channels", "slices", "frames")
        if row[name] > 1
    )
    greys = "" if math.isnan(row["smallest"]) else f", grey values {row['smallest']:g} to {row['largest']:g}"
    lines = [row["image"], f"  {row['width']} x {row['height']} pixels, {row['type']}{greys}"]
    if planes:
        seconds = row["frame_interval_s"]
        spacing = row["slice_spacing"]
        planes += "" if math.isnan(spacing) else f", {spacing:.6g} {row['unit']} from slice to slice"
        lines.append(f"  {planes}" + ("" if math.isnan(seconds) else f", {seconds:g} s from frame to frame"))
    if math.isnan(row["pixel_width"]):
        lines.append("  pixel size: not given; results would be in pixels (give it with --pixel-size)")
    else:
        sizes = dict.fromkeys(f"{row[name]:.6g}" for name in ("pixel_width", "pixel_height"))
        error = row["pixel_size_error_percent"]
        told = f"  pixel size: {' x '.join(sizes)} {row['unit']}" + ("" if math.isnan(error) else f" ± {error:g} %")
        lines.append(f"{told}, from {row['pixel_size_from']}")
    if row["left_out"]:
        lines.append(f"  analysed area: {row['analysed_area_percent']:.1f} % (left out: {row['left_out']})")
    lines += [f"  taken with: {row['acquisition']}"] if row["acquisition"] else []
    return lines + [f"  note: {note}" for note in notes]


def training_account(outputs: Mapping[str, Table]) -> str:
    """The metrics of a new model, what to know of its data, and where it is; nothing from a process that followed."""
    if not outputs:
        return ""
    notes = [f"  note: {note}" for note in outputs["notes"]["Note"]] if "notes" in outputs else []
    tables = [aligned(outputs["comparison"])]
    if "folds" in outputs:
        told = "Each fold on images that its network did not see, at the threshold of the other folds (sd: n - 1):"
        tables = [told, aligned(outputs["folds"])]
    tables += ["", "On images that a threshold was not chosen on (95 % interval):", aligned(outputs["thresholds"])]
    return "\n".join([*tables, *notes, *written_lines(outputs)])


def aligned(table: Table) -> str:
    """A table as columns of text."""
    cells = [[column.name, *(_cell(value) for value in column.values)] for column in table]
    widths = [max(map(len, column)) for column in cells]
    rows = zip(*cells, strict=True)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def _found(summary: Table, row: int) -> str:
    value = {column.name: column.values[row] for column in summary}
    count, name = int(value["Count"]), value["Class"] or "object"
    text = f"{value['Slice']}: {count} {name}{'' if count == 1 else 's'}"
    density, diameter = value["N_A (m^-2)"], value["Mean Diameter"]
    if not math.isnan(density):
        text += f", number density {density:.3g} m^-2"
    if count and not math.isnan(diameter):
        spread = value["SD Diameter"]
        sd = "" if math.isnan(spread) else f" (sd {spread:.3g})"
        text += f", mean diameter {diameter:.3g} {value['Unit']}{sd}"
    share = value["%Area"]
    return text + (", nothing analysed" if math.isnan(share) else f", area fraction {share:.3g} %")


def _notes(outputs: Mapping[str, Table]) -> list[str]:
    """What was done on the way, each once, with the image or the number of images that it holds for."""
    if "notes" in outputs:
        pairs = zip(outputs["notes"]["Image"], outputs["notes"]["Note"], strict=True)
    else:
        pairs = (("", note) for note in outputs["instances"].info.get("notes", ()))
    images: dict[str, list[str]] = {}
    for image, note in pairs:
        images.setdefault(note, []).append(image)
    several = len(outputs["summary"]) > 1
    where = {note: f" ({named[0] if len(named) == 1 else f'{len(named)} images'})" for note, named in images.items()}
    return [f"  note: {note}{where[note] if several else ''}" for note in images]


def _failures(outputs: Mapping[str, Table]) -> list[str]:
    failures = outputs.get("failures")
    if failures is None or not len(failures):
        return []
    head = f"{len(failures)} image{'' if len(failures) == 1 else 's'} failed:"
    return [head, *(f"  {message}" for message in failures["Message"])]


def written_lines(outputs: Mapping[str, Table]) -> list[str]:
    """The written files; of many, the folder and how many."""
    if "files" not in outputs or not len(outputs["files"]):
        return []
    names = list(outputs["files"]["File"])
    if len(names) > 12:
        folder = names[-1].replace("\\", "/").rpartition("/")[0]
        return [f"{len(names)} files written to {folder}"]
    return ["Written:", *(f"  {name}" for name in names)]
