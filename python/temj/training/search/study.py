"""Which settings a trial gets and which trials are dropped: Optuna (Akiba et al. 2019), without its storage.

What a search knows is in ``search.json``, written whole at every step; here a study is made of it again. Trial ``n``
gets the same settings however often the search was stopped: its random numbers follow from the seed and ``n`` alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from temj.errors import BadValue, MissingSoftware
from temj.training.search.space import Choice, Entry, Range, Space, label
from temj.training.search.trials import Trial

Method = Literal["random", "grid"]
Drop = Literal["median", "halving", "no"]
_FIRST = 5
"""Trials that are finished before one is compared with their median."""
_WARM_UP = 2
"""Tenths of a run before which nothing is dropped: the rate is still rising."""
_STATES = {"finished": "COMPLETE", "dropped": "PRUNED", "failed": "FAIL"}


def library() -> Any:
    """Optuna, silent.

    Raises:
        MissingSoftware: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingSoftware(
            "optuna",
            expected="the library Optuna, which chooses the settings of the trials",
            found=str(error),
            remedy="Install it with: pip install 'temj[search]'",
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def combinations(space: Space, method: Method) -> int | None:
    """How many trials a grid has; None for random search.

    Raises:
        BadValue: a range in a grid.
    """
    if method == "random":
        return None
    ranges = [name for name, entry in space.searched.items() if isinstance(entry, Range)]
    if ranges:
        raise BadValue(
            "grid", where=ranges[0], expected="values in a grid search, such as 1e-4,1e-3 or 1e-4..1e-2:log:5",
            found="a range", remedy="Give values, a number of values (:5), or search with --method random.",
        )  # fmt: skip
    return math.prod(len(entry.values) for entry in space.searched.values())


class Study:
    """The trials so far, from which the settings of the next one follow.

    Args:
        space: what is searched.
        method: random, or grid (all combinations, in an order that the seed fixes).
        seed: of the settings.
        drop: ``median``: worse than the median of the others at the same tenth of the run, once five have finished;
            ``halving``: not among the better half at 2, 4 and 8 tenths (successive halving); ``no``: none.
        higher: whether a higher value is better.
    """

    def __init__(self, space: Space, method: Method, seed: int, drop: Drop, higher: bool):
        self._optuna = library()
        self._space, self._method, self._seed = space, method, seed
        pruners = self._optuna.pruners
        pruner = {
            "median": lambda: pruners.MedianPruner(n_startup_trials=_FIRST, n_warmup_steps=_WARM_UP),
            "halving": lambda: pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=2),
            "no": pruners.NopPruner,
        }[drop]()
        self._study = self._optuna.create_study(pruner=pruner, direction="maximize" if higher else "minimize")

    def add(self, trial: Trial) -> None:
        """Learn of a trial that has ended."""
        searched = self._space.searched
        frozen = self._optuna.trial.create_trial(
            state=self._optuna.trial.TrialState[_STATES[trial.state]],
            value=trial.value if trial.state == "finished" else None,
            params={name: _stored(entry, trial.settings[name]) for name, entry in searched.items()},
            distributions={name: self._distribution(entry) for name, entry in searched.items()},
            intermediate_values=dict(trial.reached),
            system_attrs=dict(trial.drawn),
        )
        self._study.add_trial(frozen)

    def run(self, number: int, work: Callable[[Draw], Trial]) -> Trial:
        """Do trial ``number``, from 1; those before it were added or run.

        Args:
            number: of the trial.
            work: does the training with the settings that it is given; what it raises ends the search.

        Returns:
            What ``work`` gave.
        """
        found: list[Trial] = []
        optuna = self._optuna

        def objective(trial: Any) -> float:
            found.append(work(Draw(trial, self._space, number)))
            ended = found[0]
            if ended.state == "dropped":
                raise optuna.TrialPruned
            if ended.state == "failed":
                raise _FailedError
            return ended.value

        self._study.sampler = self._sampler(number)
        self._study.optimize(objective, n_trials=1, catch=(_FailedError,))
        return found[0]

    def _sampler(self, number: int) -> Any:
        samplers = self._optuna.samplers
        if self._method == "grid":
            grid = {name: list(entry.labels) for name, entry in self._space.searched.items()}
            return samplers.GridSampler(grid, seed=self._seed)
        return samplers.RandomSampler(seed=int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0]))

    def _distribution(self, entry: Entry) -> Any:
        distributions = self._optuna.distributions
        if isinstance(entry, Choice):
            return distributions.CategoricalDistribution(entry.labels)
        kind = distributions.IntDistribution if entry.whole else distributions.FloatDistribution
        return kind(entry.low, entry.high, log=entry.log)


class _FailedError(Exception):
    """A trial ended with an error that its record tells."""


class Draw:
    """What a trial is given: its settings, and whether it is worth going on.

    Attributes:
        number: of the trial.
        settings: name → value of everything that is searched.
    """

    def __init__(self, trial: Any, space: Space, number: int):
        self._trial, self.number = trial, number
        self.settings = {name: self._suggest(name, entry) for name, entry in space.searched.items()}

    def _suggest(self, name: str, entry: Entry) -> Any:
        if isinstance(entry, Choice):
            return dict(zip(entry.labels, entry.values, strict=True))[
                self._trial.suggest_categorical(name, entry.labels)
            ]
        if entry.whole:
            return self._trial.suggest_int(name, entry.low, entry.high, log=entry.log)
        drawn = float(f"{self._trial.suggest_float(name, entry.low, entry.high, log=entry.log):.4g}")
        return min(max(drawn, entry.low), entry.high)

    @property
    def drawn(self) -> dict[str, Any]:
        """What the library keeps of the trial that runs: it is the last of its study."""
        return dict(self._trial.study.get_trials(deepcopy=False)[-1].system_attrs)

    def report(self, tenth: int, value: float) -> None:
        """The value at a tenth of the run."""
        self._trial.report(value, tenth)

    def is_bad(self) -> bool:
        """Whether it is to be dropped, after what was reported."""
        return self._trial.should_prune()


def _stored(entry: Entry, value: Any) -> Any:
    """A setting as the library has it: choices by their label."""
    return label(value) if isinstance(entry, Choice) else value
