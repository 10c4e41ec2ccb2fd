"""Names on disk that come from headers: one `safe_name()`, the file name template and the scan
folder (intake.md 4.1, 4.2). Nothing else may turn a value of a data set into a path."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from engine.dicom.dictionary import tag_of
from engine.dicom.header import Header

DEFAULT_TEMPLATE = (
    "${StudyInstanceUID}-${SeriesNumber}-${InstanceNumber}-${HashSOPClassUIDWithSOPInstanceUID}"
)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]*)\}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_SERIES_NUMBER, _SERIES_UID = 0x00200011, 0x0020000E
_INSTANCE_UNIQUE = "SOPInstanceUID"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def safe_name(text: str, *, fallback: str = "NA", limit: int = 128) -> str:
    """Make a name of one path part from any text: `[A-Za-z0-9_.-]`, never hidden, never reserved.

    A name beyond `limit` is cut and ends in a digest of the whole, so that two stay two.
    """
    name = _UNSAFE.sub("_", text)
    if not name.strip("."):
        return fallback
    if name[0] in ".-":
        name = "_" + name[1:]
    if _RESERVED.fullmatch(name):
        name = "_" + name
    if name.endswith("."):
        name = name[:-1] + "_"
    if len(name) > limit:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        name = f"{name[: limit - 13]}-{digest}"
    return name


def scan_folder(header: Header) -> str:
    """Name the scan folder in which an object is received (intake.md 4.2)."""
    number = header.text(_SERIES_NUMBER) or ""
    if number.startswith("+"):
        number = "_" + number[1:]
    if _PLAIN.fullmatch(number):
        return safe_name(number)
    return safe_name(header.text(_SERIES_UID) or "")


class FileNameTemplate:
    """A template such as the default one; a variable is a DICOM keyword or `HashAWithB...`."""

    def __init__(self, text: str = DEFAULT_TEMPLATE) -> None:
        """Compile the template; unknown keywords stand as missing values, `check` names them."""
        self.text = text
        self._parts: list[str | Callable[[Header], str]] = []
        self._problems: list[str] = []
        self._instance_unique = False
        position = 0
        for match in _VARIABLE.finditer(text):
            self._parts.append(text[position : match.start()])
            self._parts.append(self._variable(match[1]))
            position = match.end()
        self._parts.append(text[position:])

    def check(self) -> list[str]:
        """Say in sentences what is wrong with the template."""
        problems = list(self._problems)
        if not self._instance_unique:
            problems.append(
                "the template has no part that is unique to an instance: "
                "add ${SOPInstanceUID} or ${HashSOPClassUIDWithSOPInstanceUID}"
            )
        return problems

    def name(self, header: Header) -> str:
        """Name the file of an object."""
        name = "".join(part if isinstance(part, str) else part(header) for part in self._parts)
        name = safe_name(name, limit=200)
        return name if "." in _extension(self.text) else f"{safe_name(name, limit=196)}.dcm"

    def _variable(self, name: str) -> Callable[[Header], str]:
        if name.startswith("Hash") and "With" in name:
            keywords = name[4:].split("With")
            tags = [self._tag(keyword) for keyword in keywords]
            self._instance_unique |= _INSTANCE_UNIQUE in keywords
            return lambda header: _hash([header.text(tag) or "" for tag in tags])
        tag = self._tag(name)
        self._instance_unique |= name == _INSTANCE_UNIQUE
        return lambda header: header.text(tag) or f"no-value-for-{name}"

    def _tag(self, keyword: str) -> int:
        tag = tag_of(keyword)
        if tag is None:
            self._problems.append(f"{keyword or 'an empty variable'} is not a DICOM keyword")
        return tag or 0


def _extension(template: str) -> str:
    """Give what follows the last variable: only there can an extension stand."""
    return template.rpartition("}")[2]


def _hash(values: list[str]) -> str:
    total = 1
    for value in values:
        total = (31 * total + _string_hash(value)) & 0xFFFFFFFF
    digits = ""
    while total:
        total, digit = divmod(total, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def _string_hash(text: str) -> int:
    total = 0
    data = text.encode("utf-16-le", "surrogatepass")
    for position in range(0, len(data), 2):
        total = (31 * total + (data[position] | data[position + 1] << 8)) & 0xFFFFFFFF
    return total
