"""The menu Plugins > TEMJ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from temj.imagej.java import J

MENU = "TEMJ"


def add(names: Iterable[str]) -> None:
    """Put the commands into Plugins > TEMJ of ImageJ's window; names that are there already are left alone."""
    window = J.IJ.getInstance()
    plugins = J.Menus.getImageJMenu("Plugins") if window is not None else None
    if plugins is None:
        return
    menu = next((item for item in items(plugins) if str(item.getLabel()) == MENU), None)
    if menu is None:
        menu = J.Menu(MENU)
        plugins.add(menu)
    there = {str(item.getLabel()) for item in items(menu)}
    for name in names:
        if name not in there:
            item = J.MenuItem(name)
            item.addActionListener(window)
            menu.add(item)


def items(menu: Any) -> list[Any]:
    """The entries of a java.awt.Menu."""
    return [menu.getItem(index) for index in range(menu.getItemCount())]
