# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: the parsers and the check of scripts, and the rewriting of heads. A target takes
any bytes; whatever it raises is a fault of ours. Where bytes come from is not known here."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.check import check, load
from engine.anonymize.language.lexer import Source, State, tokens
from engine.anonymize.language.parser import language_of, parse
from engine.anonymize.runtime.level import Level
from engine.anonymize.runtime.plan import CompiledScript
from engine.anonymize.runtime.subject import ScriptedObject, index_meta, index_tail
from engine.anonymize.runtime.undo import restore
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import is_explicit, read_meta
from engine.model.changes import ScriptOutcome
from engine.model.errors import InvalidScript
from engine.model.remarks import Severity
from tests.engine.dicom.datasets import element, item, sequence
from tests.fuzz.scripts import HOST, plans, ready

IMPLICIT, FILE, TAIL, RECORD = 1, 2, 4, 8
"""Bits of the first byte of a head: how the rest is to be taken. The second is the number of a
script."""

_FILE_START = 132


# ---------------------------------------------------------------------------------------- scripts


def script(data: bytes) -> None:
    """Read, check and, where it is sound, run a script."""
    text = data.decode("utf-8", "replace")
    _tokens_are_the_text(text)
    remarks = check(text, given=tuple(HOST))
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= one.line <= lines and one.column >= 1 for one in remarks)
    errors = [one for one in remarks if one.severity is Severity.ERROR]
    try:
        if errors:
            parse(text)
            load(text, given=tuple(HOST))
            raise AssertionError("a script with errors was loaded")
    except InvalidScript as error:
        assert error.problems
        return
    _rewritten(ready(text), ScriptedObject(_sample(), meta=_sample_meta()))


def _tokens_are_the_text(text: str) -> None:
    source = Source(text, language=language_of(text))
    assert "".join(token.text for token in source.scan()) == source.glued
    state = State.PLAIN
    for line in source.lines:
        found, state = tokens(line, state, language=source.language)
        assert "".join(token.text for token in found) == line


@cache
def _sample() -> Header:
    """Return a head in which most paths find something."""
    code = element(0x00080100, "SH", b"C1") + element(0x00080104, "LO", b"M\xe9")
    inner = element(0x00081155, "UI", b"1.2.3.4\0") + sequence(0x0040A168, [item(code)])
    return Header.index(
        b"".join(
            (
                element(0x00080005, "CS", b"ISO_IR 100"),
                element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
                element(0x00080018, "UI", b"1.2.3\0"),
                element(0x00080020, "DA", b"20240229"),
                element(0x00080060, "CS", b"MR"),
                sequence(0x00081140, [item(inner, undefined=True), item(b"")], undefined=True),
                element(0x00090010, "LO", b"ACME 1.0"),
                element(0x00091002, "LO", b"text"),
                element(0x00091003, "UN", b"\x01\x02"),
                element(0x00100010, "PN", b"M\xfcller^A "),
                element(0x00100020, "LO", b"4711"),
                element(0x00100030, "DA", b"19300101"),
                element(0x0020000D, "UI", b"1.2.5\0"),
                element(0x00280010, "US", b"\x10\0"),
            )
        ),
        explicit=True,
    )


@cache
def _sample_meta() -> Header:
    return index_meta(
        element(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.4\0")
        + element(0x00020003, "UI", b"1.2.3\0")
        + element(0x00020010, "UI", b"1.2.840.10008.1.2.1\0")
    )


# ------------------------------------------------------------------------------------------ heads


def head(data: bytes) -> None:
    """Run a script over a head, and look whether all that it did not change stays as it was."""
    if len(data) < 2:
        return
    how, number, body = data[0], data[1], data[2:]
    try:
        subject = _opened(body, how)
    except HeaderError:
        return
    idle = _rewritten(plans()[0], _again(subject))
    assert idle in (ScriptOutcome.UNCHANGED, ScriptOutcome.ERROR)
    _rewritten(plans()[number % len(plans())], subject, "scr_0" if how & RECORD else "")


def _opened(body: bytes, how: int) -> ScriptedObject:
    explicit = not how & IMPLICIT
    meta = None
    if how & FILE:
        told = read_meta(body)
        meta = index_meta(body[_FILE_START : told.dataset_offset])
        explicit = is_explicit(told.transfer_syntax)
        body = body[told.dataset_offset :]
    found = Header.index(body, explicit=explicit)
    tail = index_tail(body[found.end :], found) if how & TAIL else None
    return ScriptedObject(found, meta=meta, tail=tail)


def _again(subject: ScriptedObject) -> ScriptedObject:
    tail = subject.part(0x7FE10010)
    return ScriptedObject(
        subject.head.header,
        meta=None if subject.meta is None else subject.meta.header,
        tail=None if tail is None else tail.header,
    )


def _rewritten(plan: CompiledScript, subject: ScriptedObject, record: str = "") -> ScriptOutcome:
    """Apply a script, and hold what is to be written against what was there."""
    before = subject.head.header
    try:
        applied = plan.apply(subject, HOST, changes=True, record=record)
    except ScriptError as error:
        assert error.line or not error.column
        return ScriptOutcome.ERROR
    if applied.outcome is ScriptOutcome.REJECTED:
        return applied.outcome
    pieces = b"".join(subject.head_pieces())
    after = Header.index(pieces, explicit=before.explicit)
    assert after.end == len(pieces)
    _kept(subject.head, after)
    undo = tuple(one for one in applied.undo if subject.part(one.path[0]) is subject.head)
    taken_back = b"".join(restore(after, undo))
    assert taken_back == bytes(before.data[before.start : before.end])
    tail = subject.part(0x7FE10010)
    if tail is not None:
        ending = index_tail(b"".join(subject.tail_pieces()), after)
        _kept(tail, ending)
    if subject.meta is not None:
        group = index_meta(subject.meta_bytes())
        length = group.raw(0x00020000)
        assert length is not None
        assert struct.unpack("<I", length)[0] == group.end - 12
    if not subject.changed:
        assert not applied.changes
        assert pieces == bytes(before.data[before.start : before.end])
    return applied.outcome


def _kept(level: Level, after: Header) -> None:
    """Look at each element: untouched ones keep their bytes, removed ones are gone."""
    before = level.header
    new = dict(level.entries())
    entered = {tag for tag, _ in level.entered()}
    groups = {tag >> 16 for tag in (*new, *entered)}
    kept = {tag for tag in before.tags() if tag & 0xFFFF or tag >> 16 not in groups}
    # A group length that is a sequence, or was written, is as any other element.
    wanted = kept.union(entered, new)
    wanted.difference_update(tag for tag, entry in new.items() if entry is None)
    wanted.update(tag for tag, entry in new.items() if entry is not None)
    assert list(after.spans) == sorted(wanted)
    for tag, span in before.spans.items():
        if tag in wanted and tag not in new and tag not in entered:
            start, _, end = after.spans[tag][:3]
            assert after.data[start:end] == before.data[span[0] : span[2]]


TARGETS: dict[str, Callable[[bytes], None]] = {"script": script, "head": head}
