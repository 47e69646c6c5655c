"""``temj <command>``: the command line, generated from the commands' declarations.

The general help is printed from the table of commands alone: no command, no torch and no Java is imported.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from temj import registry
from temj._version import __version__
from temj.commands import COMMANDS
from temj.errors import BadValue, Cancelled, TemjError

if TYPE_CHECKING:
    import argparse

    from temj.commands.base import Command, ParameterView


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code.

    0 all done, 2 refused before the start, 3 done with failures, 4 storage or memory ended it (it can be
    resumed), 128 + n ended by signal n.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(general_help())
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        print(f"temj {__version__}")
        return 0
    if words[0] in families() and (len(words) == 1 or words[1] in ("-h", "--help", "help")):
        print(general_help(words[0]))
        return 0 if len(words) > 1 else 2
    stop = Stop()
    try:
        return _run(*_command_of(words), stop)
    except Cancelled as error:
        _say(error.message)
        return error.exit_code if stop.signal is None else stop.exit_code
    except TemjError as error:
        _say(error.message)
        return error.exit_code
    except KeyboardInterrupt:
        return _stopped_at_once()
    except Exception:
        if not stop.at_once:
            raise
        return _stopped_at_once()  # compiled libraries turn an interrupted import into errors of their own


def _stopped_at_once() -> int:
    _say("Stopped at once.")
    return 128 + signal.SIGINT


def families() -> set[str]:
    """First words of the commands that have two (``dataset check``)."""
    return {name.split()[0] for name in COMMANDS if " " in name}


def general_help(family: str = "") -> str:
    """What ``temj --help`` prints, or ``temj dataset --help`` for the commands of a family."""
    shown = {name: summary for name, (_, summary) in COMMANDS.items() if not family or name.startswith(f"{family} ")}
    width = max(map(len, shown))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in shown.items()]
    return "\n".join(
        [
            f"temj {__version__}: deep learning for features in electron micrographs, in ImageJ and Fiji",
            "",
            "usage: temj COMMAND ...        temj COMMAND --help        temj --version",
            "",
            *lines,
        ]
    )


class Stop:
    """The first Ctrl-C, SIGTERM or SIGHUP asks the work to stop in order; a second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.at_once = False

    def __call__(self) -> bool:
        """Whether a signal has come."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """128 + the number of the signal."""
        return 128 + (self.signal or signal.SIGINT)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over for the time of the block."""
        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        before = {name: signal.signal(getattr(signal, name), self._stop) for name in names}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(getattr(signal, name), handler)

    def _stop(self, number: int, _frame: object) -> None:
        if self.signal is not None:
            self.at_once = True
            raise KeyboardInterrupt
        self.signal = number
        _say("\nStopping in order; press Ctrl-C again to stop at once.")


def _command_of(words: list[str]) -> tuple[str, list[str]]:
    """The command's name, of one word or two (``dataset check``), and the words behind it."""
    length = 2 if words[0] in families() else 1
    return " ".join(words[:length]), words[length:]


def _run(name: str, words: list[str], stop: Stop) -> int:
    from temj import commands
    from temj.commands.base import views
    from temj.commands.check import named_for
    from temj.commands.repeat import written

    if name not in COMMANDS:  # those of ImageJ need an open image
        raise registry.unknown("command", name, COMMANDS)
    declaration = commands.command(name)
    known, rest = parser(declaration).parse_known_args(words)
    if rest:
        raise registry.unknown("option", rest[0], [view.option for view in views(declaration.parameters, "cli")])
    values = vars(known)
    try:
        with stop.listening(), warnings_told(), progress_bar() as progress:
            outputs = commands.run(name, values, {}, progress, stop)
    except BadValue as error:
        raise named_for(error, views(declaration.parameters, "cli"), written) from None
    account = declaration.account(outputs)
    if account:
        with contextlib.suppress(BrokenPipeError):  # "temj ... | head" has seen enough
            print(account, flush=True)
    return 3 if "failures" in outputs and len(outputs["failures"]) else 0


def parser(command: Command) -> argparse.ArgumentParser:
    """The command's options; what is not given is left out, so that the declaration's defaults hold."""
    import argparse

    from temj.commands.base import views

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            """Without the usage, whose many lines would hide what is wrong."""
            self.exit(2, f"{self.prog}: {message}. See '{self.prog} --help'.\n")

    made = Parser(
        prog=f"temj {command.name}", description=command.summary, argument_default=argparse.SUPPRESS, allow_abbrev=False
    )
    advanced = made.add_argument_group("advanced")
    for view in views(command.parameters, "cli"):
        _add(advanced if view.advanced else made, view)
    return made


def _add(group: argparse._ActionsContainer, view: ParameterView) -> None:
    from temj.commands.repeat import is_positional, written

    shown = " (required)" if view.required else ""
    if not view.required and view.default not in (None, "", (), False):
        shown = f" (default: {view.default})"
    details: dict[str, Any] = {"help": f"{view.text}{shown}".replace("%", "%%")}
    if view.kind == "flag":
        group.add_argument(view.option, action="store_true", **details)
        return
    if view.choices:
        details |= {"choices": view.choices, "type": functools.partial(_choice, view.choices)}
    if is_positional(view):
        details["nargs"] = "+" if view.kind == "texts" else None
        group.add_argument(view.name, metavar=written(view), **details)
        return
    if view.kind == "texts":
        details["nargs"] = "+"
    if view.role == "model":  # --model a --model b is --model a,b
        details["action"] = _joined()
    metavar = None if view.choices else (view.unit.upper() or view.name.upper())
    group.add_argument(view.option, metavar=metavar, required=view.required, **details)


def _joined() -> type[argparse.Action]:
    """An action that joins the values of an option that is given several times with commas."""
    import argparse

    class Joined(argparse.Action):
        def __call__(self, _parser: Any, namespace: Any, values: Any, _option: str | None = None) -> None:
            before = getattr(namespace, self.dest, None)
            setattr(namespace, self.dest, values if before is None else f"{before},{values}")

    return Joined


def _choice(choices: Sequence[str], text: str) -> str:
    """What was given where a choice is asked for; one that is nearly right is told what was perhaps meant."""
    import argparse
    import difflib

    near = [] if text in choices else difflib.get_close_matches(text, map(str, choices), 1, 0.7)
    if near:
        others = ", ".join(map(str, choices))
        raise argparse.ArgumentTypeError(f"invalid choice: '{text}', did you mean '{near[0]}'? (choose from {others})")
    return text


@contextlib.contextmanager
def warnings_told() -> Iterator[None]:
    """What the user must know before the end is said at once."""
    import logging

    handler, logger = logging.StreamHandler(), logging.getLogger("temj")
    handler.setLevel(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextlib.contextmanager
def progress_bar() -> Iterator[Any]:
    """A bar on the terminal with remaining time; where there is none (a log file), a line at every tenth part."""
    if not sys.stderr.isatty():
        yield _Log()
        return
    from tqdm import tqdm

    bar = tqdm(total=None, leave=False, bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}")

    def report(message: str, current: int, maximum: int) -> None:
        if bar.total != maximum:
            bar.reset(maximum)
        bar.set_description_str(message, refresh=False)
        bar.update(current - bar.n)

    try:
        yield report
    finally:
        bar.close()


class _Log:
    """Progress for a log: what is said when another tenth is done."""

    def __init__(self) -> None:
        self._tenth = self._maximum = 0

    def __call__(self, message: str, current: int, maximum: int) -> None:
        if maximum != self._maximum:  # another piece of work, such as a download before a training
            self._tenth, self._maximum = 0, maximum
        tenth = 10 * current // max(maximum, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            _say(f"{10 * tenth} %: {message}")


def _say(message: str) -> None:
    print(message, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
