# SPDX-License-Identifier: Apache-2.0
"""Which parts of an object a script may use, derived from its text alone: what must be available
before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.signatures import FUNCTIONS, Takes
from engine.anonymize.language.tree import (
    CallValue,
    ListValue,
    Node,
    PathValue,
    RemoveAllPrivate,
    Script,
    SetVariable,
    TagPath,
    Text,
    VariableRead,
)
from engine.anonymize.runtime.paths import Path, compile_path, direct_path, path_of
from engine.anonymize.runtime.tags import Anything, Exact, Owned, Wild
from engine.dicom.walk import ITEM, PIXEL_GROUP

_BY_PATH = frozenset((Takes.PATHS, Takes.QUIET_PATHS, Takes.PRIVATE, Takes.DIRECT))
_WANDERERS = frozenset(("blankValues", "retainPrivateTags", "scalePatientAgeAndDobFromStudyDate"))
_META = range(2, 3)
_PIXELS = range(PIXEL_GROUP, PIXEL_GROUP + 1)
_TAIL = range(PIXEL_GROUP + 1, ITEM >> 16)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What a run may need beside the head of an object."""

    meta: bool = False
    """It may read or change elements of group 2."""
    tail: bool = False
    """It names elements of groups above 7FE0: it must not run without them."""
    wanders: bool = False
    """It goes through all sequences and so into those after the pixels, if there are any: of an
    object that has some it must not run without them."""
    strips: bool = False
    """It may remove all private elements, those after the pixels too; `Applied.stripped` says
    whether it did, so that they can be left out as they come by."""
    pixel_group: bool = False
    """It names elements of group 7FE0: the tail has to begin with them."""
    pixels: bool = False
    """It blanks parts of the image."""
    urls: bool = False
    """It fetches texts from web servers."""


def reach_of(script: Script) -> Reach:
    """Tell how far a script reaches."""
    nodes = [node for statement in script.statements for node in _nodes(statement)]
    paths = list(_paths(nodes))
    called = {node.name for node in nodes if isinstance(node, CallValue)}
    blanks = "blankValues" in called
    plain = {
        node.name
        for node in nodes
        if isinstance(node, SetVariable) and isinstance(node.value, Text | ListValue | PathValue)
    }.difference(script.needs)
    computed = any(isinstance(node, CallValue) and _computes(node, plain) for node in nodes)
    return Reach(
        meta=blanks or computed or any(_reaches(path, _META) for path in paths),
        tail=computed or any(_reaches(path, _TAIL) for path in paths),
        wanders=bool(called & _WANDERERS) or any(path.wanders for path in paths),
        strips=any(isinstance(node, RemoveAllPrivate) for node in nodes),
        pixel_group=computed or any(_reaches(path, _PIXELS) for path in paths),
        pixels="alterPixels" in called,
        urls="getURL" in called,
    )


def _nodes(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    pending: list[object] = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, tuple):
            pending.extend(one)
        elif isinstance(one, Node) and is_dataclass(one):
            yield one
            pending.extend(getattr(one, field.name) for field in fields(one))


def _paths(nodes: list[Node]) -> Iterator[Path]:
    """Yield all paths, and all texts that may be used as one."""
    for node in nodes:
        if isinstance(node, TagPath):
            yield compile_path(node)
        elif isinstance(node, Text) and (path := _path(node.value)) is not None:
            yield path


def _path(text: str) -> Path | None:
    if "(" not in text and "*" not in text:
        return None
    try:
        return path_of(text) or direct_path(text)
    except ScriptError:
        return None


def _computes(call: CallValue, plain: set[str]) -> bool:
    """Say whether a path may be made of values while the script runs. Variables that hold what is
    written in the script are plain: what is written is looked at anyway."""
    signature = FUNCTIONS[6].get(call.name)
    if signature is None:
        return False
    return any(
        signature.argument(index) in _BY_PATH
        and (
            isinstance(argument, CallValue)
            or (isinstance(argument, VariableRead) and argument.name not in plain)
        )
        for index, argument in enumerate(call.arguments)
    )


def _reaches(path: Path, groups: range) -> bool:
    return any(_may_match(tag, groups) for tag in path.roots() if not isinstance(tag, Anything))


@lru_cache(maxsize=256)
def _may_match(tag: Exact | Owned | Wild, groups: range) -> bool:
    return tag.groups(groups)
