"""Profiles across objects that are outlined already: mean grey value against the distance from their ellipse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from temj.data import Calibration, Column, Film, Instances, Micrograph, RoiType, Table
from temj.geometry import fitted_ellipses
from temj.measurement.defect import ellipses as geometry
from temj.measurement.defect.edges import DEFAULT, EDGES
from temj.measurement.defect.levels import Means, edges_in, means_of
from temj.measurement.defect.profiles import directions_for, sample, to_lengths
from temj.measurement.results import film_planes

EDGE_COLUMNS = {"outer": "Outer", "half-maximum": "HalfMaximum", "middle": "Middle", "inner": "Inner"}
"""Edge → its column in the table of edges."""
_REACH, _MORE = 0.6, 2.5
_LEAST_AXIS = 1.0


def edge_profiles(
    micrograph: Micrograph | Film, instances: Instances, edge: Mapping[str, str], labels: Sequence[str]
) -> dict[str, Table]:
    """Profiles along the normals of the ellipse that ImageJ fits to each object (holes filled), and their edges.

    Args:
        micrograph: the image, or the film whose planes the instances' positions name.
        instances: the objects; those that are no areas, or whose ellipse is narrower than two pixels, have no profile.
        edge: class → one of EDGES, the edge that its outline is said to follow.
        labels: of the objects, as in Results.

    Returns:
        ``profiles``: Label, Class, Row (of the object in Results, from 1), Distance (from the ellipse, negative
        inside), Mean and StdDev over the directions, Directions. ``edges``: Label, Class, Edge, Contrast (dark or
        bright), Row, Ring (1 where it is one), the distances
        Outer, HalfMaximum, Middle and Inner (NaN where unclear), Background and Extremum (grey values). Distances
        are in the unit of the image, right also where pixels are not square.
    """
    rows: list[tuple] = []
    points: list[tuple[np.ndarray, ...]] = []
    for index, one in sorted(_of_planes(micrograph, instances).items()):
        means, spread, count, sign, side = one
        found = edges_in(means, np.array([sign]), np.array([_limit(means)]))
        kind = str(instances.class_name[index])
        distance = means.distance[0] * side
        points.append((np.full(len(distance), len(rows)), distance, means.grey[0], spread, count))
        where = [float(found.positions[name][0]) * side for name in EDGES]
        levels = float(found.background[0]), float(found.extremum[0])
        used, contrast = edge.get(kind, DEFAULT), "bright" if sign > 0 else "dark"
        rows.append((index + 1, labels[index], kind, used, contrast, int(found.ring[0]), *where, *levels))
    first = micrograph[0] if isinstance(micrograph, Film) else micrograph
    return _tables(rows, points, first.calibration.unit)


_Profile = tuple[Means, np.ndarray, np.ndarray, float, float]


def _of_planes(micrograph: Micrograph | Film, instances: Instances) -> dict[int, _Profile]:
    """Index of the object → its profile, where it has one; each plane of a film is read once."""
    if not isinstance(micrograph, Film):
        planes, plane = [0], np.zeros(len(instances), int)
    else:
        plane = film_planes(micrograph, instances)
        planes = np.unique(plane).tolist()
    found = {}
    for number in planes:
        image = micrograph[number] if isinstance(micrograph, Film) else micrograph
        for index in np.flatnonzero(plane == number).tolist():
            one = _profile(image, instances.take([index]))
            if one is not None:
                found[index] = one
    return found


def _profile(image: Micrograph, one: Instances) -> _Profile | None:
    """Of one object the mean profile, its spread and number of directions, the sign of its contrast, and the length
    of a pixel's mean side; None where there is none."""
    if not RoiType(one.shapes.roi_type[0]).is_area:
        return None
    calibration = image.calibration
    aspect, side = _sides(calibration)
    ellipse = geometry.from_shapes(fitted_ellipses(one, image.width, image.height).shapes)
    ellipse = to_lengths(ellipse, aspect)
    if not np.isfinite(ellipse).all() or ellipse[0, 3] < _LEAST_AXIS:
        return None
    pixels = np.nan_to_num(image.pixels.astype(np.float32), posinf=0, neginf=0)
    profiles = sample(pixels, ellipse, directions_for(ellipse), aspect)
    means = means_of(profiles.distance, profiles.grey, np.ones(profiles.grey.shape[:2], bool), ellipse)
    if np.isfinite(means.grey[0, means.distance[0] > 0]).sum() < 2:
        return None
    grey, there = profiles.grey[0].astype(float), np.isfinite(profiles.grey[0])
    count = there.sum(axis=0)
    centred = np.where(there, grey - means.grey[0], 0.0)
    spread = np.where(count > 1, np.sqrt((centred**2).sum(axis=0) / np.maximum(count - 1, 1)), np.nan)
    return means, spread, count, _sign(means), side


def _limit(means: Means) -> float:
    return _REACH * -float(means.distance[0, 0]) + _MORE


def _sign(means: Means) -> float:
    """1 where the object is brighter than what is around it, else -1."""
    distance, grey = means.distance[0], means.grey[0]
    known = np.isfinite(grey)
    inside, far = known & (distance <= 0), known & (distance > 0.4 * distance[-1])
    level = np.median(grey[far if far.any() else known & (distance > 0)])
    deviation = (grey - level)[inside]
    if not deviation.size:
        return -1.0
    return 1.0 if np.maximum(deviation, 0).sum() > np.maximum(-deviation, 0).sum() else -1.0


def _sides(calibration: Calibration) -> tuple[tuple[float, float], float]:
    """Width and height of a pixel in units of its mean side, and this side in the unit of the image."""
    side = float(np.sqrt(calibration.width * calibration.height))
    return (calibration.width / side, calibration.height / side), side


def _tables(rows: list[tuple], points: list[tuple[np.ndarray, ...]], unit: str) -> dict[str, Table]:
    cells = list(zip(*rows, strict=True)) or [()] * (8 + len(EDGES))
    texts, numbers = cells[1:5], cells[6 : 6 + len(EDGES)]
    edges = Table(
        (
            *(Column(name, np.array(text, object))
              for name, text in zip(("Label", "Class", "Edge", "Contrast"), texts, strict=True)),
            Column("Row", np.array(cells[0], np.int64)), Column("Ring", np.array(cells[5], np.int64)),
            *(Column(EDGE_COLUMNS[name], np.array(values, float), unit)
              for name, values in zip(EDGES, numbers, strict=True)),
            Column("Background", np.array(cells[-2], float)), Column("Extremum", np.array(cells[-1], float)),
        )
    )  # fmt: skip
    owner, distance, mean, spread, count = (
        np.concatenate([np.empty(0), *(point[part] for point in points)]) for part in range(5)
    )
    owner = owner.astype(int)
    profiles = Table(
        (
            *(Column(name, edges[name][owner]) for name in ("Label", "Class", "Row")),
            Column("Distance", distance, unit), Column("Mean", mean), Column("StdDev", spread),
            Column("Directions", count.astype(np.int64)),
        )
    )  # fmt: skip
    return {"profiles": profiles, "edges": edges}
