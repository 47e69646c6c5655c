"""Our commands in ImageJ's menus: Plugins > TEMJ, and the samples in File > Open Samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from temj.imagej.java import J

MENU, SAMPLES = "TEMJ", "Open Samples"


def add(names: Iterable[str]) -> None:
    """Put the commands into Plugins > TEMJ of ImageJ's window; names that are there already are left alone."""
    window = J.IJ.getInstance()
    plugins = J.Menus.getImageJMenu("Plugins") if window is not None else None
    if plugins is None:
        return
    _append(_submenu(plugins, MENU), names)


def add_samples(names: Iterable[str]) -> None:
    """Put the samples into File > Open Samples, below a line; names that are there already are left alone."""
    window = J.IJ.getInstance()
    files = J.Menus.getImageJMenu("File") if window is not None else None
    if files is None:
        return
    menu, names = _submenu(files, SAMPLES), list(names)
    if not {str(item.getLabel()) for item in items(menu)} & set(names):
        menu.addSeparator()
    _append(menu, names)


def _submenu(menu: Any, label: str) -> Any:
    """The menu of this name in a menu, made where it is not there."""
    found = next((item for item in items(menu) if str(item.getLabel()) == label), None)
    if found is None:
        found = J.Menu(label)
        menu.add(found)
    return found


def _append(menu: Any, names: Iterable[str]) -> None:
    window = J.IJ.getInstance()
    there = {str(item.getLabel()) for item in items(menu)}
    for name in names:
        if name not in there:
            item = J.MenuItem(name)
            item.addActionListener(window)
            menu.add(item)


def items(menu: Any) -> list[Any]:
    """The entries of a java.awt.Menu."""
    return [menu.getItem(index) for index in range(menu.getItemCount())]
