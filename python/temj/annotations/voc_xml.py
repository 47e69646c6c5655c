"""XML of annotations, read without entities, document types or network."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from temj.errors import BadAnnotation, Refused

LARGEST = 64 * 2**20
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ALLOWED = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "gb2312", "gbk", "gb18030"}
_FORBIDDEN = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def load(path: Path) -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        Refused: a document type or an entity, before anything is parsed: they can read files and fill the memory.
        BadAnnotation: unreadable, larger than 64 MiB, no text, or no XML (line and column).
    """
    text = _text(path)
    found = _FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise Refused(
            "xml-entity", where=f"{path}, line {line}", expected="annotations without document type and entities",
            found=found[0].upper(), remedy="Remove this declaration: labelling programs do not write it.",
        )  # fmt: skip
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        line, column = getattr(error, "position", (1, 0))
        raise BadAnnotation(
            "xml", where=f"{path}, line {line}, column {column + 1}", expected="XML",
            found=str(error).partition(": line")[0], remedy="Save it again with the labelling program.",
        ) from None  # fmt: skip


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise BadAnnotation("too-large", where=path, expected="at most 64 MiB of XML")
        data = path.read_bytes()
    except OSError as error:
        raise BadAnnotation(
            "unreadable", where=path, found=error.strerror or error, remedy="Check the path."
        ) from error
    told = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf")[:200])
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    encoding = "utf-16" if wide else told[1].decode().lower() if told else "utf-8"
    if encoding in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    elif encoding not in _ALLOWED | {"utf-16"}:
        raise BadAnnotation("encoding", where=path, expected="XML in UTF-8", found=f"the encoding {encoding}")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadAnnotation(
            "encoding", where=path, expected=f"text in {encoding.removesuffix('-sig')}",
            found=f"the byte 0x{data[error.start]:02x} at number {error.start}", remedy="Save it as UTF-8.",
        ) from None  # fmt: skip
