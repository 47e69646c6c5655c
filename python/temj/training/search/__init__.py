"""Search for good settings of a training: random or over a grid, with bad trials dropped early."""

from temj.training.search.objective import OBJECTIVES, Objective
from temj.training.search.running import Found, Plan, search
from temj.training.search.space import Space, read_fixed, read_space
from temj.training.search.trials import Trial, trials_table

__all__ = [
    "OBJECTIVES",
    "Found",
    "Objective",
    "Plan",
    "Space",
    "Trial",
    "read_fixed",
    "read_space",
    "search",
    "trials_table",
]
