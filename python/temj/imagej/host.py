"""Our commands inside a running ImageJ: registered, dispatched, and no Python error ever reaches Java."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temj.commands.base import never_cancelled
from temj.commands.repeat import recorded
from temj.errors import Cancelled, MissingSoftware, TemjError
from temj.imagej import feedback, menu, recorder
from temj.imagej.call import call
from temj.imagej.entries import Entry, entries
from temj.imagej.java import J, class_name, headless, implement

_RUN = "Run$_"
"""ImageJ's mark in the name of a thread that runs a command of a macro or of IJ.run."""


class Host:
    """The commands of TEMJ in the ImageJ of this process (there is one, see :func:`host`).

    Where our Java class is on the class path ImageJ calls it as any plugin. Where a user's own ImageJ is joined
    it is not, and classes that are added later are refused by ImageJ2; there we listen to ImageJ's commands.

    Attributes:
        last_error: how the last command ended: a TemjError, words, or None where it went well.
        cancelled: asked besides Esc whether to stop.
        interrupted: whether Ctrl-C came while a command ran.
    """

    def __init__(self) -> None:
        self.last_error: TemjError | str | None = None
        self.cancelled: Callable[[], bool] = never_cancelled
        self.interrupted = False
        self._entries: dict[str, Entry] = {}
        self._proxy: Any = None
        self.bridge = self._connect()

    def add(self, name: str, entry: Entry) -> None:
        """Offer a command: in the menu, in macros and through IJ.run. A name that is there already is taken over."""
        self._entries[name] = entry
        if self.bridge:
            J.Menus.getCommands().put(name, f'{class_name("Bridge")}("{name}")')

    def add_menu(self) -> None:
        """Show the commands in Plugins > TEMJ and the samples in File > Open Samples, if ImageJ has a window."""
        if not headless():
            menu.add(name for name, entry in self._entries.items() if entry.asks)
            menu.add_samples(name for name, entry in self._entries.items() if not entry.asks)

    def _connect(self) -> bool:
        """Make ImageJ call us; whether it does so through our Java class."""
        try:
            bridge = J.Bridge
        except MissingSoftware:
            self._proxy = implement(J.CommandListener, "commandExecuting", self._listen)
            J.Executer.addCommandListener(self._proxy)
            return False
        self._proxy = implement(J.Consumer, "accept", lambda name: self.dispatch(str(name)))
        bridge.handler = self._proxy
        if J.Menus.getCommands() is None:  # headless: ImageJ makes its table of commands at the first IJ.run
            begin = J.IJ.class_.getDeclaredMethod("init")
            begin.setAccessible(True)
            begin.invoke(None)
        return True

    def _listen(self, name: Any) -> Any:
        """ImageJ is about to run a command; None takes it over.

        ImageJ holds a lock while it asks, so that a command that a person starts gets a thread of its own.
        """
        if str(name) not in self._entries:
            return name
        if headless() or _in_macro() or J.Macro.getOptions() is not None:
            self.dispatch(str(name))
        else:
            self._dispatch_apart(str(name))
        return None

    def _dispatch_apart(self, name: str) -> None:
        image = J.WindowManager.getCurrentImage()

        def work() -> None:
            J.WindowManager.setTempCurrentImage(image)
            try:
                self.dispatch(name)
            finally:
                J.WindowManager.setTempCurrentImage(None)

        J.Thread(implement(J.Runnable, "run", work), name).start()

    def dispatch(self, name: str) -> None:
        """Run one command in this thread. Errors are shown in words and abort the macro; none leaves here but
        ImageJ's own "Macro canceled"."""
        import jpype

        entry, given = self._entries[name], J.Macro.getOptions()
        in_macro = given is not None or _in_macro()
        self.last_error = None
        if not in_macro:
            recorder.forget()
        try:
            can_ask = not headless() and not J.Interpreter.isBatchMode()
            values = call(entry, None if given is None else str(given), can_ask, self.cancelled)
            if not in_macro:
                recorder.write(name, recorded(values, entry.views))
        except BaseException as error:
            if isinstance(error, jpype.JException) and str(error.getMessage()) == str(J.Macro.MACRO_CANCELED):
                raise
            self._end(error, name, in_macro)

    def _end(self, error: BaseException, name: str, in_macro: bool) -> None:
        """Say how a command failed, and end the macro it was part of."""
        self.last_error = feedback.in_words(error, name)
        self.interrupted = self.interrupted or isinstance(error, KeyboardInterrupt)
        if isinstance(self.last_error, Cancelled):
            feedback.clear_progress(f"{name} cancelled")
            if in_macro:
                J.Macro.abort()
            return
        feedback.clear_progress()
        feedback.tell(self.last_error)


def _in_macro() -> bool:
    return str(J.Thread.currentThread().getName()).startswith(_RUN)


_host: Host | None = None


def host() -> Host:
    """The host of this process; made, with all commands that ImageJ offers, at the first call."""
    global _host
    if _host is None:
        _host = Host()
        for name, entry in entries():
            _host.add(name, entry)
    _host.add_menu()
    return _host
