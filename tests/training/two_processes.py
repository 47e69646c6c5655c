"""What ``test_distributed.py`` starts with ``torchrun``: one after the other, trainings and what must go wrong.

two_processes.py DATASET FOLDER OPTIONS
"""

import contextlib
import io
import json
import os
import signal
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

import temj
from temj import cli
from temj.cores.semantic import losses
from temj.errors import TemjError
from temj.training import distributed
from temj.training.exchange import summing
from temj.training.gradients import Gradients
from temj.training.synced import SyncedBatchNorm

RANK = int(os.environ["RANK"])


def batch_norm(folder: Path) -> None:
    """Each process normalises its half, one after the other with another number of crops; the gradients are kept."""
    for name, cut in (("even", 4), ("uneven", 3)):
        mine = slice(0, cut) if RANK == 0 else slice(cut, None)
        data, factor, weight, bias = (
            load_file(folder / "example.st")[key] for key in ("data", "factor", "weight", "bias")
        )
        data, weight, bias = (tensor.clone().requires_grad_() for tensor in (data[mine], weight, bias))
        mean, variance = torch.zeros(3), torch.ones(3)
        with distributed.joined("cpu") as world:
            with SyncedBatchNorm():
                answer = functional.batch_norm(data, mean, variance, weight, bias, True, 0.1, 1e-5)
                same = functional.batch_norm(data, mean, variance, weight, bias, False)
            # a Dice-like ratio of sums over all processes
            with summing():
                loss = losses.all_sum((answer * factor[mine]).sum()) / losses.all_sum((answer**2).sum())
            loss.backward()
            world.average([weight.grad, bias.grad])
            found = {"answer": answer, "loss": loss, "weight": weight.grad, "bias": bias.grad, "mean": mean}
            # the gradient of the sum of the losses of two processes
            found |= {"data": data.grad / 2, "variance": variance, "same": same}
            save_file({key: value.detach().contiguous() for key, value in found.items()}, folder / f"{name}{RANK}.st")
            if RANK:
                world.hear()  # that all is done


def attempt(name: str, folder: Path, dataset: str, **options: object) -> None:
    """A training; how it ended is written down."""
    stop, asked, told = options.pop("stop", None), iter(range(1000)), "done"
    try:
        temj.train(dataset, folder / name, cancelled=lambda: stop is not None and next(asked) >= stop, **options)
    except TemjError as error:
        told = f"{error.exit_code} {error.message}"
    except SystemExit as error:
        told = f"{error.code} silent"
    (folder / f"{name}.{RANK}.txt").write_text(told)


def command(name: str, folder: Path, dataset: str, *more: str) -> None:
    """``temj train`` as a user types it; exit code, what is printed and what is said are written down."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["train", dataset, "--output", str(folder / name), *more])
    (folder / f"{name}.{RANK}.txt").write_text(json.dumps([code, out.getvalue(), err.getvalue()]))


def no_memory(_self: Gradients, *_arrays: object) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB")


def killed(_self: Gradients, *_arrays: object) -> torch.Tensor:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """All of it."""
    dataset, folder, options = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    batch_norm(folder)
    attempt("whole", folder, dataset, **options)
    attempt("stopped", folder, dataset, stop=4, **options)
    save_file(load_file(folder / "stopped" / "training" / "last.safetensors"), folder / f"step4.{RANK}.st")
    attempt("stopped", folder, dataset, resume=True, **options)
    attempt("odd", folder, dataset, **{**options, "batch": 3})
    small = {"encoder": options["settings"]["encoder"], "encoder_depth": 4, "width": 16, "head": 32, "proposals": 100}
    objects = {**options, "core": "masks", "settings": small, "epochs": 2}
    attempt("masks", folder, dataset, **objects)
    attempt("masks-stopped", folder, dataset, stop=2, **objects)
    attempt("masks-stopped", folder, dataset, resume=True, **objects)
    words = ["--encoder", options["settings"]["encoder"], "--epochs", "1", "--threads", "1", "--device", "cpu"]
    command("command", folder, dataset, *words)
    if RANK == 1:
        Gradients._loss = no_memory
    attempt("memory", folder, dataset, **options)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun ends all when one is gone; the first has yet to speak
    if RANK == 1:
        Gradients._loss = killed
    command("killed", folder, dataset, *words)


main()
