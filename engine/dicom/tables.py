# SPDX-License-Identifier: Apache-2.0
"""The tables of PS3.6 that pydicom ships: elements, private elements, UIDs. Only their files are
read, because importing pydicom loads numpy and much else, which would be most of what a receiver
worker loads. Lookups are in `dictionary.py`."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

Element = tuple[str, str, str, str, str]
"""VR, multiplicity, name, "Retired" or nothing, keyword."""

PrivateElement = tuple[str, str, str, str]
"""VR, multiplicity, name, "Retired" or nothing."""

Uid = tuple[str, str, str, str, str]
"""Name, kind, information, "Retired" or nothing, keyword."""

VERIFICATION = "1.2.840.10008.1.1"
"""The SOP class of an echo."""


def elements() -> dict[int, Element]:
    """Return the elements of the standard, by tag."""
    found: dict[int, Element] = _table("_dicom_dict").DicomDictionary
    return found


def repeated() -> dict[str, Element]:
    """Return elements that stand in many groups, by tag with x for any digit."""
    found: dict[str, Element] = _table("_dicom_dict").RepeatersDictionary
    return found


def private() -> dict[str, dict[str, PrivateElement]]:
    """Return private elements by creator, and by tag with x for any digit."""
    found: dict[str, dict[str, PrivateElement]] = _table("_private_dict").private_dictionaries
    return found


def uids() -> dict[str, Uid]:
    """Return the UIDs of the standard."""
    found: dict[str, Uid] = _table("_uid_dict").UID_dictionary
    return found


@cache
def _table(name: str) -> ModuleType:
    """Run one of pydicom's files by itself; none of those imports anything."""
    loaded = sys.modules.get(f"pydicom.{name}")
    if loaded is not None:
        return loaded
    package = find_spec("pydicom")
    assert package is not None and package.origin is not None
    file = Path(package.origin).with_name(f"{name}.py")
    spec = spec_from_file_location(f"{__name__}.{name}", file)
    assert spec is not None and spec.loader is not None
    table = module_from_spec(spec)
    spec.loader.exec_module(table)
    return table
