"""From counts and sizes in a micrograph to quantities of the specimen: pure functions on numbers and arrays.

Arguments are broadcast, so that resampled sums go through the same code as the sums themselves. Lengths are in nm,
areas in nm², densities in m⁻² and m⁻³, stresses in MPa, fractions dimensionless (1 is all). What a user gives and
cannot be is refused; what images leave undefined is NaN.
"""

from temj.physics.cavities import projected_fraction, sauter_diameter, swelling, volume_fraction, volume_from_projection
from temj.physics.correction import Corrected, Validation, corrected_density, require_fitting, why_not
from temj.physics.foil import Foil, effective_thickness, volume_density
from temj.physics.hardening import dispersed_barriers, sensitivity, superpose
from temj.physics.limit import Judged, by_size, detection_limit
from temj.physics.lines import dislocation_density
from temj.physics.loops import defect_content, defect_density, line_density
from temj.physics.materials import Material, material, read_materials
from temj.physics.visibility import Visibility, corrected_for_visibility, miller, rel_rod_visibility, visibility

__all__ = [
    "Corrected", "Foil", "Judged", "Material", "Validation", "Visibility", "by_size", "corrected_density",
    "corrected_for_visibility", "defect_content", "defect_density", "detection_limit", "dislocation_density",
    "dispersed_barriers", "effective_thickness", "line_density", "material", "miller", "projected_fraction",
    "read_materials", "rel_rod_visibility", "require_fitting", "sauter_diameter", "sensitivity", "superpose",
    "swelling", "visibility", "volume_density", "volume_fraction", "volume_from_projection", "why_not",
]  # fmt: skip
