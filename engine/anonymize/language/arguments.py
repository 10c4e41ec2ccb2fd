# SPDX-License-Identifier: Apache-2.0
"""Checks whether the calls, values and paths of a script can work: names of functions, number and
kinds of arguments, and the form of literal texts. Only errors that are certain before any object is
seen are reported. Statements and variables are checked in `engine.anonymize.language.check`."""

from __future__ import annotations

import re
from difflib import get_close_matches

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.dates import UNIT_SECONDS
from engine.anonymize.functions.uids import check_prefix
from engine.anonymize.java_regex.expressions import BrokenExpression, compile_java
from engine.anonymize.language.messages import MessageFault, compile_message
from engine.anonymize.language.parser6 import read_path
from engine.anonymize.language.signatures import FUNCTIONS, Gives, Takes
from engine.anonymize.language.tree import (
    CallValue,
    Comparison,
    Condition,
    Generated,
    LevelStep,
    ListValue,
    Number,
    Operator,
    PathValue,
    Position,
    TagPath,
    Text,
    Value,
)
from engine.dicom.dictionary import vr_of
from engine.model.remarks import Remark, Severity

_DIRECT = re.compile(
    r"\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)(?:\[[0-9]+\]/\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\))*"
    r"(?:\[[0-9]+\])?"
)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_REGION = re.compile(r"([A-Za-z]+)=(-?[0-9]+)")
_SIDES = (("left", "l"), ("right", "r"), ("top", "t"), ("bottom", "b"))
_MANY = {Takes.PATHS, Takes.QUIET_PATHS, Takes.PRIVATE, Takes.SINGLE, Takes.VALUES, Takes.ANYTHING}
_TEXTS = {Takes.TEXT, Takes.FILLING, Takes.DATE, Takes.DATETIME}
_WANTED_VRS = {Takes.DATE: ("DA",), Takes.DATETIME: ("DA", "DT")}


class Arguments:
    """Looks at values and collects what there is to say."""

    def __init__(self, language: int) -> None:
        self.language = language
        self.functions = FUNCTIONS[language]
        self.remarks: list[Remark] = []

    def error(self, at: Position, message: str) -> None:
        """Say that the script cannot be used."""
        self.remarks.append(Remark(message=message, line=at.line, column=at.column))

    def warn(self, at: Position, message: str) -> None:
        """Say that the script may not do what its author wants."""
        self.remarks.append(
            Remark(message=message, line=at.line, column=at.column, severity=Severity.WARNING)
        )

    # ------------------------------------------------------------------------------------ values

    def value(self, value: Value, *, lists: bool = False) -> None:
        """Look at a value where its text is wanted, or a list where one may stand."""
        match value:
            case PathValue(path=path):
                self.path(path)
                self.single(path, "a value is read from one element")
            case CallValue():
                self.call(value)
                signature = self.functions.get(value.name)
                if signature is not None and signature.gives is Gives.NOTHING:
                    self.error(value.at, f"{value.name} gives nothing back")
                elif signature is not None and signature.gives is Gives.LIST and not lists:
                    self.error(value.at, f"{value.name} gives a list, but one value is wanted")
            case ListValue(elements=elements):
                if not lists:
                    self.error(value.at, "a list cannot stand for one value")
                for element in elements:
                    self.element(element)
            case Generated(kind=kind, arguments=arguments):
                if kind not in ("UID", "ID"):
                    self.error(value.at, f"“new {kind}” is not known; new UID and new ID are")
                for argument in arguments:
                    self.value(argument)

    def element(self, value: Value) -> None:
        """Look at a value that may be a path in the sense of the path."""
        if isinstance(value, PathValue):
            self.path(value.path)
        else:
            self.value(value, lists=True)

    def condition(self, condition: Condition) -> None:
        """Look at a condition."""
        if not isinstance(condition, Comparison):
            self.value(condition)
            return
        self.value(condition.left)
        self.value(condition.right)
        if condition.operator in (Operator.MATCHES, Operator.MATCHES_NOT):
            self._regex(condition.right)

    # ------------------------------------------------------------------------------------- paths

    def single(self, path: TagPath, because: str) -> None:
        """Look whether a path can denote at most one element."""
        if path.singular:
            return
        for step in path.steps[:-1]:
            if not isinstance(step, LevelStep) and step.item is None and step.tag.exact:
                self.error(step.at, f"{because}: say which item, such as {step.tag}[0]")
                return
        self.error(path.at, f"{because}, so no wildcard can stand in its path")

    def path(self, path: TagPath, *, written: bool = False) -> None:
        """Look whether the tags of a path can be; `written` makes what cannot an error."""
        say = self.error if written else self.warn
        for index, step in enumerate(path.steps):
            if isinstance(step, LevelStep) or not step.tag.exact:
                continue
            tag = step.tag
            if tag.group in ("0000", "FFFE"):
                say(step.at, f"no file has elements of group {tag.group}")
            elif tag.group in ("0001", "0003", "0005", "0007", "FFFF"):
                say(step.at, f"group {tag.group} is none that private tags may have")
            elif index < len(path.steps) - 1 and self.vr(path, index) not in ("SQ", "UN"):
                say(step.at, f"{tag} is no sequence, so nothing is below it")

    def vr(self, path: TagPath, index: int = -1) -> str:
        """Return the value representation of a step as dictionaries have it, UN if unknown."""
        step = path.steps[index]
        if isinstance(step, LevelStep) or not step.tag.exact:
            return "UN"
        if step.tag.creator is not None:
            return vr_of(int(step.tag.group + "10" + step.tag.element, 16), step.tag.creator)
        return vr_of(int(step.tag.group + step.tag.element, 16))

    # ------------------------------------------------------------------------------------- calls

    def call(self, call: CallValue) -> None:
        """Look at a call, whatever becomes of its result."""
        signature = self.functions.get(call.name)
        if signature is None:
            self.error(call.at, self._unknown(call.name))
            for argument in call.arguments:
                self.element(argument)
            return
        given = len(call.arguments)
        too_many = given > 0 and signature.argument(given - 1) is None
        if given < signature.least or too_many:
            self.error(
                call.at,
                f"{call.name} takes {signature.counts}, not {given}: {signature.usage}",
            )
        for index, argument in enumerate(call.arguments):
            self._argument(call, signature.argument(index) or Takes.ANYTHING, argument)
        if signature.name == "match" and given == 3:
            self._group(call.arguments[1], call.arguments[2])
        if signature.name == "anteroom_replaceItems":
            self._pairs(call)

    def _unknown(self, name: str) -> str:
        other = 4 if self.language == 6 else 6
        if name in FUNCTIONS[other]:
            title = {4: "DicomEdit 4.2", 6: "version 6"}[other]
            return f"the function {name} exists only in {title}"
        by_case = {one.lower(): one for one in self.functions}
        near = get_close_matches(name.lower(), by_case, n=1, cutoff=0.6)
        hint = f": did you mean {by_case[near[0]]}?" if near else ""
        return f"there is no function {name[:40]}{hint}"

    def _argument(self, call: CallValue, takes: Takes, value: Value) -> None:
        if takes in _MANY or (takes is Takes.DIRECT and isinstance(value, PathValue)):
            self.element(value)
        else:
            self.value(value, lists=takes is Takes.FILLING)
        if takes in _WANTED_VRS and isinstance(value, PathValue):
            self._vr_of_date(value.path, takes)
        if takes in (Takes.PATHS, Takes.QUIET_PATHS, Takes.PRIVATE, Takes.SINGLE):
            self._paths(call, takes, value)
        elif takes is Takes.DIRECT:
            self._direct(value)
        elif takes is Takes.REGEX:
            self._regex(value)
        elif takes not in _TEXTS and isinstance(value, Text | Number):
            reason = self._literal(takes, value)
            if reason:
                self.error(value.at, f"{call.name}: {reason}")
        elif self.language == 4 and takes is Takes.INDEX:
            self.error(value.at, f"{call.name}: in 4.2 only a number can stand here")

    def _literal(self, takes: Takes, literal: Text | Number) -> str:
        """Say what is wrong with a literal text, if anything is."""
        text = literal.value
        match takes:
            case Takes.FORMAT:
                return _format(text)
            case Takes.INTEGER if not _WHOLE.fullmatch(text):
                return "a whole number is expected"
            case Takes.INDEX if not text.isascii() or not text.isdigit():
                return "a whole number from 0 is expected"
            case Takes.INDEX if self.language == 4 and isinstance(literal, Text):
                return "in 4.2 only a number can stand here"
            case Takes.UNIT if text.lower() not in UNIT_SECONDS:
                return f"the unit is one of {', '.join(UNIT_SECONDS)}"
            case Takes.PREFIX:
                return _prefix(text)
            case Takes.SHAPE if text.lower() != "rectangle":
                return "the only shape is rectangle"
            case Takes.FILL if text.lower() != "solid":
                return "the only way to fill is solid"
            case Takes.REGION:
                named = {name.lower() for name, _ in _REGION.findall(re.sub(r"\s", "", text))}
                missing = [names[0] for names in _SIDES if not named.intersection(names)]
                return f"the region says no {' and no '.join(missing)}" if missing else ""
        return ""

    def _paths(self, call: CallValue, takes: Takes, value: Value) -> None:
        if isinstance(value, ListValue):
            for element in value.elements:
                self._paths(call, takes, element)
            return
        if isinstance(value, Text | Number):
            path = None if takes is Takes.SINGLE else read_path(value.value)
            if path is None and takes is Takes.QUIET_PATHS:
                self.warn(value.at, f"{call.name}: this text is no path and is left out")
            elif path is None:
                self.error(value.at, f"{call.name}: a path is expected, and this is none")
        else:
            path = value.path if isinstance(value, PathValue) else None
        if path is None:
            return
        if takes is Takes.SINGLE:
            self.single(path, f"{call.name} asks for one element")
        elif takes is Takes.PRIVATE and not (path.private or isinstance(path.last, LevelStep)):
            self.error(value.at, f"{call.name}: {path} names no private tag")

    def _direct(self, value: Value) -> None:
        text = str(value.path) if isinstance(value, PathValue) else ""
        if isinstance(value, Text | Number):
            text = value.value
        elif not isinstance(value, PathValue):
            return
        if not _DIRECT.fullmatch(text):
            self.error(
                value.at,
                "a path with real numbers is expected, such as (0008,1140)[0]/(0008,1150)",
            )

    def _pairs(self, call: CallValue) -> None:
        content = call.arguments[1:]
        if len(content) % 2:
            self.error(call.at, f"{call.name}: a path within the item stands without its value")
        for path in content[::2]:
            self._direct(path)

    def _vr_of_date(self, path: TagPath, takes: Takes) -> None:
        vr, wanted = self.vr(path), _WANTED_VRS[takes]
        if vr not in (*wanted, "UN"):
            self.warn(path.at, f"{path} has the VR {vr}, but only {' or '.join(wanted)} is shifted")

    def _regex(self, value: Value) -> int | None:
        """Look at a regular expression; gives the number of its groups if it is known and sound."""
        if not isinstance(value, Text | Number):
            return None
        try:
            return compile_java(value.value).groups
        except BrokenExpression as error:
            self.error(
                value.at,
                f"this is no regular expression: {error.reason} (at its character "
                f"{error.offset + 1})",
            )
        return None

    def _group(self, regex: Value, index: Value) -> None:
        if not isinstance(regex, Text | Number) or not isinstance(index, Text | Number):
            return
        try:
            groups = compile_java(regex.value).groups
        except BrokenExpression:
            return
        if _WHOLE.fullmatch(index.value) and len(index.value) < 9 and int(index.value) > groups:
            self.error(index.at, f"the regular expression has no group {index.value}")


def _format(text: str) -> str:
    try:
        compile_message(text)
    except MessageFault as fault:
        return f"the format is wrong at its character {fault.offset + 1}: {fault.reason}"
    return ""


def _prefix(text: str) -> str:
    try:
        check_prefix(text)
    except ScriptError as error:
        return error.message
    return ""
