"""Which confidences and match IoUs a grid search tries, unless others are named: the lists of Shen et al. (2021)."""

CONFIDENCES = (0.001, 0.005, 0.01, *(round(0.05 * step, 2) for step in range(1, 13)))
"""0.001, 0.005, 0.01, 0.05, 0.1, 0.15 … 0.6."""
IOUS = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""0.1, 0.2 … 0.9."""
