# SPDX-License-Identifier: Apache-2.0
"""The functions of both languages: their names, arguments and results. They are implemented in
`engine.anonymize.functions`; calls are checked against these signatures in
`engine.anonymize.language.arguments`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Takes(Enum):
    """What a function expects as an argument."""

    TEXT = "a text; a path stands for the value of its one element"
    FILLING = "a text or a list of texts"
    REGEX = "a regular expression"
    FORMAT = "a message format"
    INTEGER = "a whole number"
    INDEX = "a whole number from 0"
    UNIT = "years, days, hours, minutes or seconds"
    DATE = "a date"
    DATETIME = "a date or a date with time"
    PREFIX = "the begin of a UID, at most 24 characters"
    PATHS = "paths, texts that hold a path, or lists of them"
    QUIET_PATHS = "paths or texts that hold one; a text that is none is left out"
    PRIVATE = "private paths, texts that hold one, or lists of them"
    SINGLE = "paths of one element, or lists of them"
    DIRECT = "a text that holds a path with real numbers only"
    VALUES = "values, or paths for all values found there"
    TRUTH = "true or false"
    SHAPE = "the word rectangle"
    REGION = "left, right, top and bottom"
    FILL = "the word solid"
    COLOUR = "the value to fill with"
    ANYTHING = "anything; it is ignored"


class Gives(Enum):
    """What a function gives back."""

    TEXT = "a text"
    TRUTH = "true or false"
    LIST = "a list"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """How a function is called."""

    name: str
    shown: str
    """The names of its arguments, as people are told."""
    takes: tuple[Takes, ...] = ()
    optional: int = 0
    """So many of the last arguments may be left out."""
    rest: Takes | None = None
    """What any further arguments are; None when there are none."""
    gives: Gives = Gives.TEXT

    @property
    def least(self) -> int:
        """The smallest number of arguments."""
        return len(self.takes) - self.optional

    @property
    def usage(self) -> str:
        """Show a call."""
        return f"{self.name}[{self.shown}]"

    def argument(self, index: int) -> Takes | None:
        """Say what an argument has to be; None when there is no such argument."""
        return self.takes[index] if index < len(self.takes) else self.rest

    @property
    def counts(self) -> str:
        """Say how many arguments it takes."""
        most = len(self.takes)
        if self.rest is not None:
            return f"at least {_arguments(self.least)}"
        if self.optional == 0:
            return _arguments(most)
        return f"{self.least} to {_arguments(most)}"


def _arguments(count: int) -> str:
    return "no arguments" if count == 0 else f"{count} argument{'s' if count > 1 else ''}"


def _function(
    name: str,
    shown: str = "",
    *takes: Takes,
    optional: int = 0,
    rest: Takes | None = None,
    gives: Gives = Gives.TEXT,
) -> Signature:
    return Signature(name=name, shown=shown, takes=takes, optional=optional, rest=rest, gives=gives)


_SUBSTRING = _function("substring", "text, begin, end", Takes.TEXT, Takes.INDEX, Takes.INDEX)
_FORMAT = _function("format", "pattern, value, …", Takes.FORMAT, rest=Takes.FILLING)
_LOWERCASE = _function("lowercase", "text", Takes.TEXT)
_UPPERCASE = _function("uppercase", "text", Takes.TEXT)
_REPLACE = _function("replace", "text, find, with", Takes.TEXT, Takes.TEXT, Takes.TEXT)
_MATCH = _function("match", "text, regex, group", Takes.TEXT, Takes.REGEX, Takes.INDEX)
_HASH_UID = _function("hashUID", "text, algorithm", Takes.TEXT, Takes.ANYTHING, optional=1)
_GET_URL = _function("getURL", "url", Takes.TEXT)

_ALL = (
    _function("concatenate", "text, …", Takes.TEXT, rest=Takes.TEXT),
    _FORMAT,
    _LOWERCASE,
    _UPPERCASE,
    _SUBSTRING,
    _REPLACE,
    _MATCH,
    _function("ismatch", "text, regex", Takes.TEXT, Takes.REGEX, gives=Gives.TRUTH),
    _function("normalizeString", "text, replacement", Takes.TEXT, Takes.TEXT, optional=1),
    _function("lookup", "type, key", Takes.TEXT, Takes.TEXT),
    _GET_URL,
    _function("collectValues", "value or path, …", rest=Takes.VALUES, gives=Gives.LIST),
    _HASH_UID,
    _function("hashUIDList", "path, …", rest=Takes.PATHS, gives=Gives.NOTHING),
    _function("newUID"),
    _function("mapUID", "value, prefix", Takes.TEXT, Takes.PREFIX),
    _function(
        "mapReferencedUIDs",
        "prefix, path, …",
        Takes.PREFIX,
        Takes.QUIET_PATHS,
        rest=Takes.QUIET_PATHS,
        gives=Gives.NOTHING,
    ),
    _function(
        "shiftDateByIncrement",
        "date, number, unit",
        Takes.DATE,
        Takes.INTEGER,
        Takes.UNIT,
        optional=1,
    ),
    _function(
        "shiftDateTimeByIncrement",
        "date, number, unit",
        Takes.DATETIME,
        Takes.INTEGER,
        Takes.UNIT,
        optional=1,
    ),
    _function(
        "shiftDateTimeSequenceByIncrement",
        "seconds, path, …",
        Takes.INTEGER,
        Takes.PATHS,
        rest=Takes.PATHS,
        gives=Gives.NOTHING,
    ),
    _function(
        "shiftDateTimeListByIncrement",
        "list, number, unit",
        Takes.PATHS,
        Takes.INTEGER,
        Takes.UNIT,
        gives=Gives.NOTHING,
    ),
    _function(
        "anteroom_shiftDates",
        "list, days, otherwise",
        Takes.PATHS,
        Takes.INTEGER,
        Takes.TEXT,
        optional=1,
        gives=Gives.NOTHING,
    ),
    _function(
        "anteroom_replaceItems",
        "list, path, value, …",
        Takes.PATHS,
        rest=Takes.TEXT,
        gives=Gives.NOTHING,
    ),
    _function("scalePatientAgeAndDobFromStudyDate", rest=Takes.ANYTHING, gives=Gives.NOTHING),
    _function("removeTags", "path, …", rest=Takes.PATHS, gives=Gives.NOTHING),
    _function("delete", "path", Takes.DIRECT, rest=Takes.ANYTHING, gives=Gives.NOTHING),
    _function("set", "path, value", Takes.DIRECT, Takes.TEXT, gives=Gives.NOTHING),
    _function(
        "retainPrivateTags",
        "path, …",
        Takes.PRIVATE,
        rest=Takes.PRIVATE,
        gives=Gives.NOTHING,
    ),
    _function("blankValues", "value or path, …", rest=Takes.VALUES, gives=Gives.NOTHING),
    _function("isPresent", "path, …", Takes.SINGLE, rest=Takes.SINGLE, gives=Gives.TRUTH),
    _function("true", gives=Gives.TRUTH),
    _function("false", gives=Gives.TRUTH),
    _function("reject", "condition", Takes.TRUTH, optional=1, gives=Gives.NOTHING),
    _function(
        "alterPixels",
        "shape, region, fill, value",
        Takes.SHAPE,
        Takes.REGION,
        Takes.FILL,
        Takes.COLOUR,
        gives=Gives.NOTHING,
    ),
)
_ALL_42 = (
    _SUBSTRING,
    _FORMAT,
    _LOWERCASE,
    _UPPERCASE,
    _REPLACE,
    _MATCH,
    _HASH_UID,
    _GET_URL,
    _function("urlEncode", "text", Takes.TEXT),
)

FUNCTIONS = {
    6: {one.name: one for one in _ALL},
    4: {one.name: one for one in _ALL_42},
}
"""By language and name."""
