"""What ImageJ's Recorder writes for our commands."""

from __future__ import annotations

from collections.abc import Mapping

from temj.imagej.java import J


def forget() -> None:
    """Take back what ImageJ noted when the command began: a cancelled or failed command is not recorded.

    ImageJ notes one command at a time; a long command of ours is written when it ends, whatever ran meanwhile.
    """
    if J.IJ.recording():
        J.Recorder.setCommand(None)


def write(command: str, tokens: Mapping[str, str | None]) -> None:
    """Write the line that repeats the command, in the Recorder's language.

    Args:
        command: its name in the menu.
        tokens: as :func:`temj.commands.repeat.recorded` gives them.
    """
    if not J.IJ.recording():
        return
    J.Recorder.setCommand(command)
    for key, text in tokens.items():
        if text is None:
            J.Recorder.recordOption(key)
        else:  # ImageJ itself puts brackets around what has a blank
            inner = text[1:-1] if text.startswith("[") and " " in text else text
            J.Recorder.recordOption(key, inner)
    J.Recorder.saveCommand()
