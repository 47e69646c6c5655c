"""Rotated boxes as five numbers relative to another rotated box: what a network learns, and back.

Of a box seen from an anchor (cx, cy, length, width, angle; degrees, counter-clockwise on the screen): how far its
middle lies along the anchor's length, in lengths; across it, in widths; ln of the ratio of the lengths; of the widths;
and the difference of the angles in radians.

Periodicity: a box turned by 180 degrees is the same box, and so is one turned by 90 degrees with its sides exchanged.
A difference of angles is therefore folded into (-90, 90], and of the two ways to write a box (its length first, its
width first) that one is learned which differs less from the anchor. So the loss of a box and of its twin is the same,
long or square, and nothing jumps where an angle passes 180, or where a box passes from a little longer than wide to a
little wider than long.
"""

from __future__ import annotations

import math

import torch

ROUGH = (1.0, 1.0, 1.0, 1.0, 1.0)
"""What the five numbers are multiplied by for the losses of proposals, as torchvision has it for upright boxes."""
FINE = (10.0, 10.0, 5.0, 5.0, 10.0)
"""The same for the close look at a proposal, which is nearly right already."""
_STEEPEST = math.log(1000 / 16)
"""Largest ln of a ratio of sides that a network may answer, as in torchvision."""
_FARTHEST = 1e4
"""Lengths or widths of an anchor that a box lies away from it at most."""
_TURN = math.pi


def encode(boxes: torch.Tensor, anchors: torch.Tensor, weights: tuple[float, ...] = ROUGH) -> torch.Tensor:
    """Boxes (n, 5) seen from anchors (n, 5) → (n, 5); all sides > 0."""
    along, across = _own_axes(boxes[:, :2] - anchors[:, :2], anchors[:, 4])
    turn = torch.deg2rad(boxes[:, 4] - anchors[:, 4])
    sides, own = boxes[:, 2:4].log(), anchors[:, 2:4].log()
    first = torch.cat([sides - own, folded(turn)[:, None]], 1)
    second = torch.cat([sides.flip(1) - own, folded(turn + _TURN / 2)[:, None]], 1)
    nearer = first.abs().sum(1) <= second.abs().sum(1)
    shape = torch.where(nearer[:, None], first, second)
    place = torch.stack([along, across], 1) / anchors[:, 2:4]
    return torch.cat([place, shape], 1) * boxes.new_tensor(weights)


def decode(deltas: torch.Tensor, anchors: torch.Tensor, weights: tuple[float, ...] = ROUGH) -> torch.Tensor:
    """The inverse of :func:`encode`: boxes (n, 5) with length >= width and the angle in [0, 180)."""
    deltas = deltas / deltas.new_tensor(weights)
    along, across = (deltas[:, :2].clamp(-_FARTHEST, _FARTHEST) * anchors[:, 2:4]).unbind(1)
    turn = torch.deg2rad(anchors[:, 4])
    cos, sin = torch.cos(turn), torch.sin(turn)
    x, y = anchors[:, 0] + along * cos + across * sin, anchors[:, 1] - along * sin + across * cos
    sides = anchors[:, 2:4] * deltas[:, 2:4].clamp(max=_STEEPEST).exp()
    return canonical(torch.stack([x, y, *sides.unbind(1), anchors[:, 4] + torch.rad2deg(deltas[:, 4])], 1))


def canonical(boxes: torch.Tensor) -> torch.Tensor:
    """The same boxes (n, 5) with length >= width and the angle in [0, 180)."""
    flat = boxes[:, 3] > boxes[:, 2]
    angle = torch.remainder(boxes[:, 4] + 90.0 * flat, 180.0)
    angle = torch.where(angle >= 180.0, 0.0, angle)  # what rounding makes of an angle just below 0
    length, width = boxes[:, 2:4].amax(1), boxes[:, 2:4].amin(1)
    return torch.stack([boxes[:, 0], boxes[:, 1], length, width, angle], 1)


def folded(turn: torch.Tensor) -> torch.Tensor:
    """Differences of angles in radians, folded into (-pi / 2, pi / 2]."""
    return _TURN / 2 - torch.remainder(_TURN / 2 - turn, _TURN)


def _own_axes(shift: torch.Tensor, angle: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Shifts (n, 2) in pixels, y down, along and across boxes of these angles in degrees."""
    turn = torch.deg2rad(angle)
    cos, sin = torch.cos(turn), torch.sin(turn)
    return shift[:, 0] * cos - shift[:, 1] * sin, shift[:, 0] * sin + shift[:, 1] * cos
