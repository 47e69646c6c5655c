"""Where and how precisely the numbers are computed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal

import torch

from temj.cores import Predictor
from temj.errors import BadValue
from temj.inference.network import Network
from temj.models.device import choose_device, computes_bfloat16
from temj.training.distributed import ALONE, World
from temj.training.options import TrainingOptions, default_threads


@dataclass(frozen=True)
class Machine:
    """Device, threads, precision and company of a run.

    Attributes:
        device: cpu, cuda or mps.
        threads: of the CPU.
        dtype: in which layers compute; weights, losses and the optimiser are float32.
        world: the processes that train together.
    """

    device: torch.device
    threads: int
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    world: World = ALONE

    @classmethod
    def of(cls, options: TrainingOptions, world: World = ALONE) -> Machine:
        """What the options ask for, as far as this machine has it.

        Raises:
            MissingSoftware: a GPU was asked for by name and there is none.
            BadValue: float16 without a CUDA GPU.
        """
        device = torch.device(choose_device(options.device)) if world.size == 1 else world.device(options.device)
        dtype = options.precision
        if dtype == "auto":
            dtype = "bfloat16" if computes_bfloat16(device.type) else "float32"
        if dtype == "float16" and device.type != "cuda":
            raise BadValue(
                "precision",
                where="precision",
                expected="bfloat16, float32 or auto on this device, which has no float16 layers to train with",
                found=f"float16 on {device.type}",
                remedy="Leave precision out, or train on a CUDA GPU.",
            )
        return cls(device, options.threads or default_threads(), dtype, world)

    def computing(self) -> contextlib.AbstractContextManager:
        """Inside, layers compute in :attr:`dtype`."""
        if self.dtype == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, getattr(torch, self.dtype))

    def repeats(self, core: Predictor, options: TrainingOptions) -> bool:
        """Whether a training takes only algorithms that give the same bits every time, as far as there are any.

        Not of a core on a GPU that cannot be trained so: where deterministic algorithms are asked for, torchvision puts
        one of Python in the place of RoI align, which torch compiles on the way, where it can, and which takes much
        more time and memory.
        """
        return options.deterministic and (self.device.type == "cpu" or getattr(core, "repeats_on_gpu", True))

    def notes_on(self, core: Predictor, options: TrainingOptions) -> tuple[str, ...]:
        """What a user should know of a training that asks for more than :meth:`repeats` gives."""
        if not options.deterministic or self.repeats(core, options):
            return ()
        return (
            f"on a GPU ({self.device.type}) a training of this detector does not repeat to the bit: the gradient of "
            "RoI align is added up in no fixed order, so that the same seed and data give slightly other weights each "
            "time. Where bits must repeat train on the CPU (--device cpu)",
        )

    def network(self, core: Predictor) -> Network:
        """A core as prediction takes it: in the precision of the training, float32 in place of float16."""
        return Network(core, self.device.type, "bfloat16" if self.dtype == "bfloat16" else "float32")
