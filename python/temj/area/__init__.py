"""The analysed area: what of a micrograph counts, and what does not (info bar, scale bar, text, borders, defects)."""

from temj.area.areas import Areas
from temj.area.choice import CHOICES, analysed, applied, choose, note
from temj.area.find import DETECTORS, SAFE, find
from temj.area.parts import KINDS, AreaFound, Part, without_pinholes
from temj.area.rois import as_rois, split_area_rois, words_of

__all__ = [
    "CHOICES", "DETECTORS", "KINDS", "SAFE", "AreaFound", "Areas", "Part", "analysed", "applied", "as_rois", "choose",
    "find", "note", "split_area_rois", "without_pinholes", "words_of",
]  # fmt: skip
