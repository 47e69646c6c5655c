"""How the outputs of a command appear in ImageJ. Nothing of the user's is cleared or changed."""

from __future__ import annotations

from typing import Any

from temj.commands.base import Parameters, Values
from temj.data import Column, Instances, Micrograph, Table
from temj.imagej import maps, profiles, rois, tables
from temj.imagej.java import J, headless
from temj.imagej.rois import NEUTRAL
from temj.plots.colours import class_colours, hexadecimal, second_colour

MANY = 1000
"""Above this many objects the ROI Manager and the user's Results stay as they are, unless asked otherwise."""
SUMMARY = "TEMJ Summary"
POPULATIONS = "TEMJ Populations"
GROUPS, QUANTITIES = "TEMJ Groups", "TEMJ Quantities"


def show(image: Any, micrograph: Micrograph, parameters: Parameters, outputs: Values) -> None:
    """Objects go to the image's Overlay and the ROI Manager, rows to Results; all is made before any is shown.

    What is left out of the analysed area goes to the Overlay only, as grey ROIs ``exclude: …``. Maps become images of
    their own, last, so that they are in front.
    """
    found = outputs.get("instances")
    made = [] if found is None else outlines(image, found, outputs.get("ellipses"))
    count = len(found) if found is not None else len(outputs.get("results", ()))
    choice = getattr(parameters, "manager", "auto")
    together = choice == "yes" or (choice == "auto" and count <= MANY)
    if found is not None:
        add_to_overlay(image, [*made, *left_out(image, outputs.get("excluded"))])
        if together and made and not headless():
            add_to_manager(image, made)
    if "results" in outputs:
        _show_results(image, micrograph, outputs, together)
    maps.show(outputs)
    profiles.show(outputs)


def show_summary(outputs: Values) -> None:
    """The tables of a study in windows of their own; the files have all of them."""
    if not headless():
        tables.show_apart(outputs["groups"], GROUPS)
        tables.show_apart(outputs["quantities"], QUANTITIES)


def outlines(image: Any, found: Instances, ellipses: Instances | None) -> list[Any]:
    """ImageJ Rois of the objects in the model's colours, and behind them their fitted ellipses, named
    ``<name>-ellipse``, in another colour."""
    colours = found.info.get("colours", {})
    made = rois.to_rois(found, image, colours)
    if ellipses is None:
        return made
    other = hexadecimal(second_colour(class_colours(found.class_name, colours).values()))
    return made + rois.to_rois(ellipses, image, dict.fromkeys(found.class_name, other), name_end="-ellipse")


def left_out(image: Any, excluded: Instances | None) -> list[Any]:
    """ImageJ Rois of what is left out, in grey; their name says what they are, so they have no class or group."""
    if excluded is None:
        return []
    return rois.to_rois(excluded.with_columns(class_name=""), image, {"": NEUTRAL})


def add_to_overlay(image: Any, made: list[Any]) -> None:
    """Append to the Overlay that the image has, or give it one."""
    overlay = image.getOverlay()
    fresh = overlay is None
    overlay = J.Overlay() if fresh else overlay
    for roi in made:
        overlay.add(roi)
    if fresh and made:
        image.setOverlay(overlay)
    image.updateAndDraw()


def add_to_manager(image: Any, made: list[Any]) -> None:
    """Append to the ROI Manager, which is opened where it is not (in batch mode: to the macro's own)."""
    manager = J.RoiManager.getInstance2() or J.RoiManager()
    for roi in made:
        manager.add(image, roi, -1)  # unlike addRoi this keeps name and position as they are
    canvas = image.getCanvas()
    if canvas is not None and canvas.getShowAllList() is not None:
        manager.runCommand(image, "Show All")


def _show_results(image: Any, micrograph: Micrograph, outputs: Values, together: bool) -> None:
    results = outputs["results"] if "instances" not in outputs else in_shown_groups(outputs["results"])
    if "summary" in outputs and not headless():
        tables.extend_apart(outputs["summary"], SUMMARY)
    if "populations" in outputs and not headless():
        tables.extend_apart(outputs["populations"], POPULATIONS)
    if together:
        tables.append(results, micrograph)
    elif headless():
        J.IJ.log(f"{len(results)} objects: their rows are not added to Results (manager=yes adds them).")
    else:
        tables.show_apart(results, f"Results of {image.getTitle()}")


def in_shown_groups(results: Table) -> Table:
    """The rows with the groups that the ROIs have in this ImageJ, where other names may stand in its list."""
    if "Group" not in results:
        return results
    groups = rois.groups_of(results["Class"])
    shown = [groups[name] if name else group for name, group in zip(results["Class"], results["Group"], strict=True)]
    return Table(tuple(Column("Group", shown) if column.name == "Group" else column for column in results))
