"""Everything that is random or depends on the machine: seeds, random states, threads, determinism."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from temj.opencv import opencv

cv2 = opencv()


@contextlib.contextmanager
def controlled(seed: int, threads: int, deterministic: bool = True) -> Iterator[None]:
    """Inside: seeded generators, a fixed number of threads, deterministic algorithms. Restores all of it after.

    The data order has generators of its own; these seeds are for whatever draws from the global ones, such
    as the random weights of a new network. Algorithms without a deterministic version (CUDA) only warn. Without
    ``deterministic`` CUDA takes whatever is fastest; a CPU gives the same bits in both ways.
    """
    before = random_states()
    torch_threads, cv_threads = torch.get_num_threads(), cv2.getNumThreads()
    try:
        with _algorithms(deterministic):
            torch.set_num_threads(threads)
            cv2.setNumThreads(1)
            seed %= 2**32  # all that NumPy takes
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(torch_threads)
        cv2.setNumThreads(cv_threads)
        restore_random_states(before)


@contextlib.contextmanager
def _algorithms(deterministic: bool) -> Iterator[None]:
    """Inside, only algorithms that always give the same result, or the fastest ones."""
    before, warn = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    trying, filling = torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
        # Which convolution wins a race differs from run to run.
        torch.backends.cudnn.benchmark = not deterministic
        # No result depends on it, and writing NaN into every new tensor takes time.
        torch.utils.deterministic.fill_uninitialized_memory = False
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn)
        torch.backends.cudnn.benchmark = trying
        torch.utils.deterministic.fill_uninitialized_memory = filling


def random_states() -> dict[str, Any]:
    """The states of Python's, NumPy's and torch's global generators as JSON values."""
    version, numbers, gauss = random.getstate()
    name, keys, *rest = np.random.get_state()
    states = {
        "python": [version, list(numbers), gauss],
        "numpy": [name, keys.tolist(), *rest],
        "torch": torch.get_rng_state().tolist(),
    }
    if torch.cuda.is_available():
        states["cuda"] = [state.tolist() for state in torch.cuda.get_rng_state_all()]
    return states


def restore_random_states(states: Mapping[str, Any]) -> None:
    """Set the generators to states that :func:`random_states` gave."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), *rest))
    torch.set_rng_state(torch.tensor(states["torch"], dtype=torch.uint8))
    if "cuda" in states and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all([torch.tensor(state, dtype=torch.uint8) for state in states["cuda"]])
