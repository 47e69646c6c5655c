"""A thinned object as a graph: its branches from end to end or junction, their lengths, the longest way through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_SMOOTHING = 2.0
"""sd in pixels of the Gaussian that takes the stairs of the pixels out of a branch before its length is taken."""
_REACH = 8
_NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True, eq=False)
class Branch:
    """A line of the skeleton.

    Attributes:
        ends: its two nodes; the same one twice for a loop.
        pixels: (n,) int64, which pixels of the skeleton lie on it, in order, with the nodes' own.
        length: from the middle of one node to that of the other, in pixels.
    """

    ends: tuple[int, int]
    pixels: np.ndarray
    length: float


def branches_of(rows: np.ndarray, columns: np.ndarray) -> list[Branch]:
    """The branches of a skeleton.

    Nodes are ends, junctions (pixels with three or more neighbours; those that touch are one) and, of a ring, one of
    its pixels. A diagonal step counts only where no straight one leads there. A node without a branch is one itself,
    without length.

    Args:
        rows: (n,) int of the skeleton's pixels, n >= 1.
        columns: (n,) int.
    """
    near = _neighbours(rows, columns)
    node = _nodes(near)
    centre = {
        number: np.mean([(columns[k], rows[k]) for k in np.flatnonzero(node == number)], axis=0)
        for number in np.unique(node[node >= 0])
    }
    points = np.stack([columns, rows], axis=1).astype(float)
    found = []
    for pixels in _walks(near, node):
        line = points[pixels]
        first, last = int(node[pixels[0]]), int(node[pixels[-1]])
        line = np.concatenate([centre[first][None], line[1:-1], centre[last][None]])
        found.append(Branch((first, last), np.array(pixels), path_length(line)))
    alone = set(centre) - {end for branch in found for end in branch.ends}
    return found + [Branch((number, number), np.flatnonzero(node == number), 0.0) for number in sorted(alone)]


def path_length(points: np.ndarray) -> float:
    """Length of a line of pixels (n, 2), smoothed; its ends stay."""
    if len(points) > 2:
        from scipy.ndimage import gaussian_filter1d

        around = min(len(points) - 1, _REACH)
        before = 2 * points[0] - points[around:0:-1]
        behind = 2 * points[-1] - points[-2 : -2 - around : -1]
        line = np.concatenate([before, points, behind])
        points = gaussian_filter1d(line, _SMOOTHING, axis=0, mode="nearest")[around : around + len(points)]
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def longest_path(branches: Sequence[Branch]) -> float:
    """The greatest of the shortest ways between two nodes, or middles of loops and of double branches.

    Exact where there are no loops. Of several parts the longest one of all.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = {node: number for number, node in enumerate(dict.fromkeys(n for b in branches for n in b.ends))}
    edges: dict[tuple[int, int], float] = {}
    count = len(names)
    for branch in branches:
        a, b = sorted(names[node] for node in branch.ends)
        if a != b and (a, b) not in edges:
            edges[a, b] = branch.length
            continue
        edges[a, count] = edges[b, count] = branch.length / 2
        count += 1
    (starts, ends), lengths = np.array(list(edges)).T, np.array(list(edges.values()))
    graph = coo_array((lengths, (starts, ends)), shape=(count, count)).tocsr()
    _, part = connected_components(graph, directed=False)
    return max(_farthest(graph, int(start)) for start in np.unique(part, return_index=True)[1])


def _farthest(graph: csr_array, start: int) -> float:
    """The longest path of the part in which a node lies; of a tree exactly, as the second start is one of its ends."""
    from scipy.sparse.csgraph import dijkstra

    for _ in range(3):
        far = dijkstra(graph, directed=False, indices=start)
        far[~np.isfinite(far)] = -1
        start = int(np.argmax(far))
    return float(far.max())


def _neighbours(rows: np.ndarray, columns: np.ndarray) -> list[list[int]]:
    """The neighbours of each pixel."""
    place = {where: number for number, where in enumerate(zip(rows.tolist(), columns.tolist(), strict=True))}
    near = []
    for row, column in place:
        own = []
        for dy, dx in _NEIGHBOURS:
            other = place.get((row + dy, column + dx))
            bent = dy and dx and ((row + dy, column) in place or (row, column + dx) in place)
            if other is not None and not bent:
                own.append(other)
        near.append(own)
    return near


def _nodes(near: list[list[int]]) -> np.ndarray:
    """(n,) int64, the number of each pixel's node; -1 on a branch."""
    degree = np.array([len(own) for own in near])
    node = np.full(len(near), -1)
    count = 0
    for pixel in np.flatnonzero(degree != 2):
        if node[pixel] >= 0:
            continue
        node[pixel], waiting = count, [pixel]
        while waiting and degree[pixel] > 2:
            for other in near[waiting.pop()]:
                if degree[other] > 2 and node[other] < 0:
                    node[other] = count
                    waiting.append(other)
        count += 1
    return _with_rings(near, node, count)


def _with_rings(near: list[list[int]], node: np.ndarray, count: int) -> np.ndarray:
    """One node for every ring that has none."""
    reached = set(np.flatnonzero(node >= 0).tolist())
    for walk in _walks(near, node):
        reached.update(walk)
    for pixel in range(len(near)):
        if pixel not in reached:
            node[pixel], count = count, count + 1
            waiting = [pixel]
            while waiting:
                current = waiting.pop()
                if current not in reached:
                    reached.add(current)
                    waiting += near[current]
    return node


def _walks(near: list[list[int]], node: np.ndarray) -> list[list[int]]:
    """The pixels of each branch from node to node; each branch once."""
    walks, done = [], set()
    for start in np.flatnonzero(node >= 0).tolist():
        for step in near[start]:
            if node[step] == node[start] and node[step] >= 0:
                continue
            if (start, step) in done:
                continue
            walk = [start, step]
            while node[walk[-1]] < 0:
                walk.append(next(pixel for pixel in near[walk[-1]] if pixel != walk[-2]))
            done.update({(start, step), (walk[-1], walk[-2])})
            walks.append(walk)
    return walks
