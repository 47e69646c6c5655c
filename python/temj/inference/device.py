"""What this machine computes with, in words."""

from __future__ import annotations

from temj.models.device import choose_device, computes_bfloat16


def describe() -> str:
    """The device that ``auto`` takes, e.g. ``cpu (2 threads, bfloat16)``."""
    import torch

    device = choose_device("auto")
    if device == "cuda":
        facts = torch.cuda.get_device_properties(0)
        about = f"{facts.name}, {facts.total_memory / 1e9:.0f} GB"
    else:
        about = f"{torch.get_num_threads()} threads"
    return f"{device} ({about}, {'bfloat16' if computes_bfloat16(device) else 'float32'})"
