"""Fields of dialogs for a file or a folder: ImageJ has one for files and one for folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from temj.commands.base import ParameterView
from temj.imagej.java import J, implement

_COLUMNS = 32


def add_field(dialog: Any, view: ParameterView, text: str) -> None:
    """Add a text field with buttons that choose a file and a folder; a file may also be dropped on it where it is one
    to read."""
    if view.role == "input_path":
        dialog.addFileField(view.label, text, _COLUMNS)
        buttons = {"Folder...": _folder}
    else:
        dialog.addStringField(view.label, text, _COLUMNS)
        buttons = {"Save as...": _save, "Folder...": _folder}
    field = dialog.getStringFields().lastElement()
    panel = J.Panel()
    for label, choose in buttons.items():
        button = J.Button(label)
        button.addActionListener(implement(J.ActionListener, "actionPerformed", _filling(field, choose)))
        panel.add(button)
    dialog.addPanel(panel, J.GridBagConstraints.EAST, J.Insets(0, 0, 0, 0))


def _filling(field: Any, choose: Any) -> Any:
    def chosen(_event: Any) -> None:
        path = choose(str(field.getText()))
        if path:
            field.setText(path)

    return chosen


def _folder(_before: str) -> str:
    path = J.IJ.getDirectory("Folder of annotations")
    return "" if path is None else str(path)


def _save(before: str) -> str:
    """Ask for a file to write; its extension says the format."""
    name = Path(before)
    chooser = J.SaveDialog("Annotations", name.stem or "annotations", name.suffix or ".json")
    file = chooser.getFileName()
    return "" if file is None else f"{chooser.getDirectory() or ''}{file}"
