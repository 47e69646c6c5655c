"""Where and how precisely the numbers are computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from temj.cores import Predictor
from temj.inference.network import Network
from temj.models.device import choose_device, computes_bfloat16
from temj.training.options import TrainingOptions, default_threads


@dataclass(frozen=True)
class Machine:
    """Device, threads and precision of a run.

    Attributes:
        device: cpu, cuda or mps.
        threads: of the CPU.
        autocast: whether layers compute in bfloat16 (weights, losses and the optimiser stay float32).
    """

    device: torch.device
    threads: int
    autocast: bool

    @classmethod
    def of(cls, options: TrainingOptions) -> Machine:
        """What the options ask for, as far as this machine has it.

        Raises:
            MissingSoftware: a GPU was asked for by name and there is none.
        """
        device = torch.device(choose_device(options.device))
        fast = options.precision == "bfloat16" or (options.precision == "auto" and computes_bfloat16(device.type))
        return cls(device, options.threads or default_threads(), fast)

    def network(self, core: Predictor) -> Network:
        """A core as prediction takes it, in the precision of the training."""
        return Network(core, self.device.type, "bfloat16" if self.autocast else "float32")
