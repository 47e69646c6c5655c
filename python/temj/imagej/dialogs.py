"""ImageJ's dialog of a command, made from the declaration of its parameters."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from temj.commands.base import Command, ParameterView, views
from temj.commands.check import validated
from temj.commands.repeat import recorded
from temj.errors import BadValue, TemjError
from temj.imagej import choosers
from temj.imagej.java import J, implement

TITLE = "TEMJ"
OTHER = "Other folder..."
_WIDTH = 78
_COLUMNS = 24
_last: dict[str, dict[str, Any]] = {}
"""What was entered last in this session, by command."""
_logged: set[str] = set()
"""What the Log has already been told of broken models."""


def ask(command: Command) -> dict[str, Any] | None:
    """Show the dialog until it is left with values that are allowed, or cancelled (None).

    The values are JSON values of all parameters that ImageJ offers; a path that was left empty is missing.
    """
    shown = views(command.parameters, "imagej")
    values = {view.name: view.default for view in shown if not view.required} | _last.get(command.name, {})
    while True:
        entered = _show(command, shown, values)
        if entered is None:
            return None
        values = entered
        given = {view.name: values[view.name] for view in shown if values[view.name] != "" or view.default == ""}
        try:
            validated(command, given)
            recorded(given, shown)  # refuse now what the Recorder could not write
        except BadValue as error:
            J.IJ.showMessage(TITLE, wrapped(error.message))
            continue
        _last[command.name] = dict(entered)
        return given


def wrapped(message: str) -> str:
    """A message in lines that fit ImageJ's message window."""
    return "\n".join(line for part in message.splitlines() for line in textwrap.wrap(part, _WIDTH) or [""])


def _show(command: Command, shown: Sequence[ParameterView], values: Mapping[str, Any]) -> dict[str, Any] | None:
    """One showing of the dialog; what was entered, or None."""
    dialog = J.GenericDialog(command.menu.removesuffix("..."))
    plain, advanced = [v for v in shown if not v.advanced], [v for v in shown if v.advanced]
    readers = {view.name: _add(dialog, view, values.get(view.name)) for view in plain}
    if advanced:
        dialog.setInsets(12, 20, 0)
        dialog.addMessage("Advanced", J.Font("SansSerif", J.Font.BOLD, 12))
        readers |= {view.name: _add(dialog, view, values.get(view.name)) for view in advanced}
    dialog.addHelp(_help(command, shown))
    dialog.showDialog()
    if dialog.wasCanceled():
        return None
    entered = {name: read() for name, read in readers.items()}
    return _with_folder(shown, entered)


def _add(dialog: Any, view: ParameterView, value: Any) -> Callable[[], Any]:
    """Add the field of one parameter; gives what reads it (in the order in which fields were added)."""
    text = "" if value is None else str(value)
    if view.kind == "flag":
        dialog.addCheckbox(view.label, bool(value))
        return lambda: bool(dialog.getNextBoolean())
    if view.role == "model":
        return _add_models(dialog, view, text)
    if view.kind == "choice":
        dialog.addChoice(view.label, list(view.choices), text)
        return lambda: str(dialog.getNextChoice())
    if view.role.endswith("_folder"):
        dialog.addDirectoryField(view.label, text, _COLUMNS)
    elif view.role.endswith("_path"):
        choosers.add_field(dialog, view, text)
    elif view.role.endswith("_file"):
        dialog.addFileField(view.label, text, _COLUMNS)
    else:
        dialog.addStringField(view.label, text, 10 if view.unit or view.default != "" else _COLUMNS)
    return lambda: str(dialog.getNextString()).strip()


def _add_models(dialog: Any, view: ParameterView, chosen: str) -> Callable[[], Any]:
    """A list of the installed models; below it what the chosen one finds and at which pixel sizes."""
    told = model_list()
    names = list(told) + [chosen] * (chosen not in told and bool(chosen)) + [OTHER]
    dialog.addChoice(view.label, names, chosen)
    box = dialog.getChoices().lastElement()
    dialog.setInsets(0, 20, 8)
    dialog.addMessage(told.get(str(box.getSelectedItem())) or _describe(chosen))
    words = dialog.getMessage()

    def changed(_dialog: Any, event: Any) -> bool:
        if event is not None and event.getSource().equals(box):
            name = str(box.getSelectedItem())
            words.setText("A folder chooser opens after OK." if name == OTHER else told.get(name) or _describe(name))
            dialog.pack()
        return True

    dialog.addDialogListener(implement(J.DialogListener, "dialogItemChanged", changed, otherwise=True))
    return lambda: str(dialog.getNextChoice())


def model_list() -> dict[str, str]:
    """Name → what it finds and its pixel sizes, for every sound model; the Log says once what is wrong with others."""
    from temj.models import Model, list_models

    listed: dict[str, str] = {}
    for entry in list_models():
        if isinstance(entry, Model):
            listed.setdefault(entry.name, _words(entry))
        elif entry.message not in _logged:
            _logged.add(entry.message)
            J.IJ.log(f"{TITLE}: a model that cannot be used. {entry.message}")
    return listed


def _describe(name: str) -> str:
    from temj.models import open_model

    try:
        return _words(open_model(name))
    except TemjError as error:
        return wrapped(error.message)


def _words(model: Any) -> str:
    """``Finds: loop. Pixel size 0.2 to 0.8 nm (trained at 0.39 nm).`` and the description."""
    card = model.card
    finds = f"Finds: {', '.join(card.class_names)}."
    size = card.pixel_size
    if size is not None:
        finds += f" Pixel size {size.min:g} to {size.max:g} {size.unit} (trained at {size.trained:g} {size.unit})."
    return wrapped(f"{finds}\n{card.description}")


def _with_folder(shown: Sequence[ParameterView], entered: dict[str, Any]) -> dict[str, Any] | None:
    """Ask for the folder of a model that is not in the list; None where that is cancelled."""
    for view in shown:
        if view.role == "model" and entered[view.name] == OTHER:
            folder = J.IJ.getDirectory("Model folder")
            if folder is None:
                return None
            entered[view.name] = str(folder)
    return entered


def _help(command: Command, shown: Sequence[ParameterView]) -> str:
    """The text of the Help button."""
    rows = "".join(
        f"<p><b>{html.escape(view.label.replace('_', ' '))}</b>: {html.escape(view.text)}<br>"
        f"<font color=gray>in a macro: {view.name}{'' if view.kind == 'flag' else '=…'}</font></p>"
        for view in shown
    )
    return f"<html><h2>{html.escape(command.menu.removesuffix('...'))}</h2><p>{html.escape(command.summary)}</p>{rows}"
