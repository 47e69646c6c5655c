"""Which device a network runs on."""

from __future__ import annotations

from temj.errors import BadValue, MissingSoftware

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(device: str = "auto") -> str:
    """``cpu``, ``cuda`` or ``mps``; ``auto`` takes a CUDA GPU, else Apple's, else the CPU.

    Raises:
        BadValue: not one of the four words.
        MissingSoftware: a GPU was asked for by name and none can be used here.
    """
    if device not in DEVICES:
        raise BadValue("device", found=repr(device), expected=f"one of {', '.join(DEVICES)}", remedy="Leave it out.")
    if device == "cpu":
        return device
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next((name for name, found in there.items() if found), "cpu")
    if not there[device]:
        raise MissingSoftware(
            "no-device",
            where=device,
            expected=f"a {'CUDA' if device == 'cuda' else 'Metal'} GPU with its driver",
            found="none that torch can use",
            remedy="Use device=auto or device=cpu, or mend the driver (temj doctor says more).",
        )
    return device


def computes_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster than float32 on ``cpu``, ``cuda`` or ``mps``.

    True for a CPU with AVX-512 BF16 or AMX (others emulate it and are slower), and for a CUDA GPU that has it.
    """
    import torch

    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch has no public question for these two; without an answer it is float32, which is always right.
    asked = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return device == "cpu" and any(ask() for ask in asked if ask is not None)
