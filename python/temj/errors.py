"""The error tree. Every message says what was expected, what came (file, index, value) and what to do.

A user's mistake or a broken file ends in one of these, never in a traceback; anything else that is
raised is a defect of TEMJ.
"""

from __future__ import annotations

import os


class TemjError(Exception):
    """Base of all errors that a user can cause or must hear about.

    Args:
        problem: the short name of the fault, e.g. ``"truncated"``; the code is ``<kind>/<problem>``.
        where: file, folder, member or parameter that it concerns.
        expected: what would have been right.
        found: what came instead.
        remedy: what to do, as a full sentence.
    """

    kind = "Error"
    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        where: str | os.PathLike | None = None,
        expected: str | None = None,
        found: object = None,
        remedy: str | None = None,
    ):
        self.problem, self.where = problem, None if where is None else os.fspath(where)
        self.expected, self.found, self.remedy = expected, found, remedy
        super().__init__(self.message)

    @property
    def code(self) -> str:
        """``<kind>/<problem>``, e.g. ``BadImage/truncated``."""
        return f"{self.kind}/{self.problem}"

    @property
    def message(self) -> str:
        """The sentence a user reads."""
        facts = [
            f"expected {self.expected}" if self.expected else "",
            "" if self.found is None else f"found {self.found}",
        ]
        told = ", ".join(fact for fact in facts if fact)
        head = ": ".join(part for part in (self.code, self.where) if part) + "."
        told = told and told[0].upper() + told[1:] + "."
        # After a list the remedy, which is for all of it, has a line of its own.
        between = "\n" if "\n" in told else " "
        return between.join(filter(None, (" ".join(filter(None, (head, told))), self.remedy)))


class BadImage(TemjError):
    """A micrograph or film that cannot be read, or is not what it says it is."""

    kind = "BadImage"


class BadAnnotation(TemjError):
    """A ROI, ROI set, mask or other annotation that cannot be used."""

    kind = "BadAnnotation"


class BadModel(TemjError):
    """A model folder that is damaged, incomplete, newer than this TEMJ, or does not fit."""

    kind = "BadModel"


class BadDataset(TemjError):
    """A dataset folder with problems; all of them are listed in one error."""

    kind = "BadDataset"


class BadValue(TemjError):
    """A parameter whose name or value is not allowed."""

    kind = "BadValue"


class MissingSoftware(TemjError):
    """A library, Java or a system package that this needs is not installed."""

    kind = "MissingSoftware"


class Refused(TemjError):
    """Something TEMJ does not do for safety's sake, such as loading a pickle or overwriting a file."""

    kind = "Refused"


class Unreachable(TemjError):
    """A file that must come over the net and does not; the message names it and says where to put it by hand."""

    kind = "Unreachable"


class StorageError(TemjError):
    """A file could not be written; what stood there before is untouched."""

    kind = "StorageError"
    exit_code = 4


class ResourceError(TemjError):
    """Not enough memory (of the host, the device or Java)."""

    kind = "ResourceError"
    exit_code = 4


class Cancelled(TemjError):
    """The user stopped the work; what was finished is kept."""

    kind = "Cancelled"
    exit_code = 130

    def __init__(self, problem: str = "by-user", **details: str):
        super().__init__(problem, **details)
