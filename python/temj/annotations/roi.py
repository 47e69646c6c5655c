"""One ImageJ ROI (the bytes of a ``.roi`` file) <-> one shape with its name, class, score, group, position and track.

Class, score and track are ROI properties of these names, and so is diameter, the rule by which the class's Diameter is
taken (major, geometric or equivalent). Coordinates are kept exactly as far as 32-bit floats
hold them; ImageJ stores integer outlines in 16 bits, so one with a coordinate outside -5,000 … 60,535 is written
as a sub-pixel outline of the same numbers. A polygon that ImageJ shows as a fitted spline is read as the points of
that curve; a straight line is always sub-pixel. A rotated rectangle that ImageJ 1.54p has saved from its own memory is
a polygon in the file, and ImageJ reads it as one; so do we. The position in a plain stack (one number n) is read as
channel 1, slice n, frame 1.
"""

from temj.annotations.decoding import class_of, class_of_name, decode, diameter_info, edge_info
from temj.annotations.encoding import encode, require_usable

__all__ = ["class_of", "class_of_name", "decode", "diameter_info", "edge_info", "encode", "require_usable"]
