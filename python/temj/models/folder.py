"""Model folders: finding, opening and verifying them. Nothing here imports torch until weights are loaded."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from temj import registry, resources
from temj.errors import BadModel, MissingSoftware, Refused, TemjError
from temj.models.card import CARD, EXPECTED, SAMPLE, WEIGHTS, Card
from temj.models.reading import read_card

if TYPE_CHECKING:
    from temj.cores.base import Predictor

PICKLES = (".pth", ".pt", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".pt2", ".npy", ".npz")
"""Files of weights that may hold code. They are never opened."""
_NEEDED = (WEIGHTS, SAMPLE, EXPECTED)


@dataclass(frozen=True)
class Model:
    """A folder with a card, weights and a self-test.

    Attributes:
        folder: where it is; it is only read.
        card: what ``model.json`` said when the model was opened.
    """

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """The name of the folder, by which it is found."""
        return self.folder.name

    @property
    def sha256(self) -> str:
        """The hash of the weights: which network it is, wherever the folder lies."""
        return self.card.files[WEIGHTS].sha256

    def check(self, threshold: str | float | None = None, device: str = "auto") -> None:
        """Prove before a long run that it can start: files whole, threshold known, device there.

        Raises:
            BadModel, BadValue, MissingSoftware: what is wrong.
        """
        from temj.models.device import choose_device

        self.card.threshold(threshold)
        choose_device(device)
        self.verify()

    def verify(self) -> None:
        """Read every file of the card and compare its length and sha256.

        Raises:
            BadModel: ``missing``, ``truncated`` or ``sha256``.
        """
        _require_files(self.folder, self.card)
        for name in self.card.files:
            self.read(name)

    def read(self, name: str) -> bytes:
        """The bytes of a file of the folder, held in memory and proved to be those of the card.

        Raises:
            BadModel: ``missing``, ``truncated`` or ``sha256``.
        """
        path, fact = self.folder / name, self.card.files[name]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadModel(
                "missing", where=path, found=error.strerror, remedy="Copy the whole model folder again."
            ) from error
        _require_size(path, len(data), fact.bytes)
        if hashlib.sha256(data).hexdigest() != fact.sha256:
            raise BadModel(
                "sha256",
                where=path,
                expected=f"the file whose sha256 is in {CARD}",
                found="other bytes",
                remedy="It was damaged or changed after the model was made or opened, and is not used. "
                "Copy the whole model folder again.",
            )
        return data

    def load_core(self, device: str = "auto") -> Predictor:
        """The core with this model's weights (float32, evaluation mode), on ``auto``, ``cpu``, ``cuda`` or ``mps``.

        Raises:
            BadModel: damaged or unfit weights (see :mod:`temj.models.weights`).
        """
        from temj.models.weights import load_core

        return load_core(self.folder, self.card, self.read, device)


def search_path() -> tuple[Path, ...]:
    """The folders in which models are looked for: ``TEMJ_MODELS``, those that travel with TEMJ, the user's own."""
    import platformdirs

    places = [Path(place).expanduser() for place in os.environ.get("TEMJ_MODELS", "").split(os.pathsep) if place]
    try:
        places.append(resources.folder("models"))
    except MissingSoftware:
        pass  # an installation without shipped models still has the user's
    places.append(Path(platformdirs.user_data_dir("temj", appauthor=False)) / "models")
    return tuple(dict.fromkeys(places))


def _candidates() -> dict[str, Path]:
    """name → folder of everything on the search path that looks like a model; the first of a name wins."""
    found: dict[str, Path] = {}
    for place in search_path():
        try:
            folders = sorted(folder for folder in place.iterdir() if folder.is_dir())
        except OSError:
            continue  # not there, or not ours to read
        for folder in folders:
            if not folder.name.startswith(".") and _looks_like_model(folder):
                found.setdefault(folder.name, folder)
    return found


def _looks_like_model(folder: Path) -> bool:
    try:
        return any(file.name == CARD or file.suffix in (*PICKLES, ".safetensors") for file in folder.iterdir())
    except OSError:
        return False


def list_models() -> tuple[Model | TemjError, ...]:
    """All models of the search path by name; in place of one that cannot be used stands the error, unraised."""
    models: list[Model | TemjError] = []
    for _, folder in sorted(_candidates().items()):
        try:
            models.append(_open_folder(folder))
        except TemjError as error:
            models.append(error)
    return tuple(models)


def open_model(name_or_folder: str | os.PathLike[str]) -> Model:
    """Open a model by its name on the search path, or by its folder.

    Args:
        name_or_folder: a plain name such as ``"loops"``; or a path (anything with a ``/``, or a Path), or the
            name of a folder here where no model of that name is installed.

    Raises:
        BadValue: ``unknown-model``; lists the known ones and names the nearest.
        BadModel: the folder is incomplete, damaged or newer.
        Refused: it holds only pickled weights.
    """
    folder = Path(name_or_folder).expanduser()
    if isinstance(name_or_folder, str) and len(folder.parts) == 1 and not folder.is_absolute():
        known = _candidates()
        if name_or_folder in known:
            return _open_folder(known[name_or_folder])
        if not folder.is_dir():
            raise registry.unknown("model", name_or_folder, known)
    return _open_folder(folder)


def _open_folder(folder: Path) -> Model:
    folder = folder.absolute()
    if not folder.is_dir():
        raise BadModel("missing", where=folder, expected="a model folder", remedy="Check the path.")
    try:
        data = (folder / CARD).read_bytes()
    except FileNotFoundError:
        _refuse_pickles(folder)
        if any((folder / part).is_dir() for part in ("training", "folds")):
            problem, remedy = (
                "unfinished",
                "Its training was stopped: go on with 'temj train DATASET --output MODEL --resume'.",
            )
        else:
            problem, remedy = "missing", "Copy the whole model folder again."
        raise BadModel(problem, where=folder, expected=f"a model folder with {CARD}", remedy=remedy) from None
    except OSError as error:
        raise BadModel("unreadable", where=folder / CARD, found=error.strerror, remedy="Check its rights.") from error
    card = read_card(data, folder / CARD)
    _require_files(folder, card)
    return Model(folder, card)


def _require_files(folder: Path, card: Card) -> None:
    """All files of the card are there with their length; other files do not matter.

    Raises:
        BadModel: ``missing`` (all of them), ``truncated`` or ``card`` (it lists no weights or self-test).
        Refused: ``pickle``.
    """
    unlisted = [name for name in _NEEDED if name not in card.files]
    if unlisted:
        raise BadModel(
            "card",
            where=folder / CARD,
            expected=f"files with {', '.join(_NEEDED)}",
            found=f"no {', '.join(unlisted)}",
            remedy="Copy the model again, or make it again with temj train.",
        )
    missing = [name for name in card.files if not (folder / name).is_file()]
    if WEIGHTS in missing:
        _refuse_pickles(folder)
    if missing:
        raise BadModel(
            "missing",
            where=folder,
            expected=f"the {len(card.files)} files of its card",
            found=f"{len(missing)} not there: {', '.join(missing)}",
            remedy="Copy the whole model folder again.",
        )
    for name, fact in card.files.items():
        _require_size(folder / name, (folder / name).stat().st_size, fact.bytes)


def _require_size(path: Path, found: int, expected: int) -> None:
    if found != expected:
        raise BadModel(
            "truncated" if found < expected else "size",
            where=path,
            found=f"is {found} bytes, manifest says {expected}",
            remedy="Copy the whole model folder again.",
        )


def _refuse_pickles(folder: Path) -> None:
    """Raise where a folder without safetensors has weights in a format that can carry code."""
    pickles = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in PICKLES)
    if pickles and not any(folder.glob("*.safetensors")):
        raise Refused(
            "pickle",
            where=folder,
            expected=f"{CARD} and {WEIGHTS}",
            found=", ".join(pickles[:10]),
            remedy="Files of this kind can run any program when they are opened, so TEMJ never opens them. Ask the "
            "author for safetensors weights, or, where you trust the file, convert it yourself: open it with the "
            "software that made it and save its state dict with safetensors.torch.save_file(...).",
        )
