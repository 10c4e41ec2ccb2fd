# SPDX-License-Identifier: Apache-2.0
"""The functions on texts, as calls of a running script. How texts are joined, cut and matched is
implemented in `engine.anonymize.functions.texts`, `expressions` and `messages`."""

from __future__ import annotations

from time import monotonic

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions import texts
from engine.anonymize.functions.web import fetch
from engine.anonymize.java_regex.expressions import Expression, compile_java
from engine.anonymize.language.messages import Message, compile_message
from engine.anonymize.runtime.run import Run, Value, flat, text_of


def concatenate(run: Run, arguments: list[Value]) -> Value:
    """Join texts."""
    return texts.concatenate([text_of(run, one) for one in arguments])


def format_(run: Run, arguments: list[Value]) -> Value:
    """Fill a pattern; lists count as the texts in them."""
    pattern = arguments[0]
    if not isinstance(pattern, Message):
        pattern = compile_message(_needed(run, pattern, "format"))
    return pattern.fill([text_of(run, one) for one in flat(arguments[1:])])


def lowercase(run: Run, arguments: list[Value]) -> Value:
    """Return a text in lower case."""
    return texts.lowercase(text_of(run, arguments[0]))


def uppercase(run: Run, arguments: list[Value]) -> Value:
    """Return a text in upper case."""
    return texts.uppercase(text_of(run, arguments[0]))


def substring(run: Run, arguments: list[Value]) -> Value:
    """Return a part of a text; in 4.2 one of blanks, or of nothing, is given as it is."""
    text, begin, end = (text_of(run, one) for one in arguments)
    if run.tools.language == 4 and text is not None and not text.strip():
        return text
    return texts.substring(text, begin or "", end or "")


def replace(run: Run, arguments: list[Value]) -> Value:
    """Replace a literal text."""
    text, find, substitute = (text_of(run, one) for one in arguments)
    return texts.replace(text, find, substitute)


def match(run: Run, arguments: list[Value]) -> Value:
    """Search an expression and give a group of the hit; in 4.2 all of the text has to match."""
    text = _needed(run, arguments[0], "match")
    expression = expression_of(run, arguments[1])
    index = texts.whole_number(_needed(run, arguments[2], "match"), "the group of match")
    if run.tools.language == 6:
        return expression.first_group(text, index)
    if not 0 <= index <= expression.groups:
        raise ScriptError(f"{expression.title} has no group {index}: it has {expression.groups}")
    found = expression.fullmatch(text)
    return None if found is None else found.group(index)


def ismatch(run: Run, arguments: list[Value]) -> Value:
    """Say whether an expression matches all of a text."""
    text = _needed(run, arguments[0], "ismatch")
    return expression_of(run, arguments[1]).fullmatch(text) is not None


def normalize_string(run: Run, arguments: list[Value]) -> Value:
    """Replace what is not ASCII."""
    text = text_of(run, arguments[0])
    if len(arguments) == 1:
        return texts.normalize_string(text)
    return texts.normalize_string(text, _needed(run, arguments[1], "normalizeString"))


def lookup(run: Run, arguments: list[Value]) -> Value:
    """Find the value for a type and a key."""
    kind, key = (text_of(run, one) for one in arguments)
    return None if kind is None or key is None else run.tools.lookups.find(kind, key)


def url_encode(run: Run, arguments: list[Value]) -> Value:
    """Encode a text as forms do."""
    return texts.url_encode(text_of(run, arguments[0]))


def get_url(run: Run, arguments: list[Value]) -> Value:
    """Fetch a text from a web server."""
    url = _needed(run, arguments[0], "getURL")
    began = monotonic()
    try:
        return fetch(url, hosts=run.tools.hosts, deadline=began + run.patience)
    finally:
        run.patience -= monotonic() - began


def expression_of(run: Run, value: Value) -> Expression:
    """Return a regular expression; one that is not written in the script is never quoted."""
    if isinstance(value, Expression):
        return value
    return compile_java(_needed(run, value, "a regular expression"), quotable=False)


def _needed(run: Run, value: Value, what: str) -> str:
    text = text_of(run, value)
    if text is None:
        raise ScriptError(f"{what} was given no value")
    return text
