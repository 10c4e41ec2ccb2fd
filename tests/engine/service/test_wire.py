# SPDX-License-Identifier: Apache-2.0
"""The wire form: every verb of every noun writes and reads its call and its result."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import errors
from engine.model.accounts import Accounts, Place
from engine.model.errors import EngineError, InvalidInput, NotFound, Problem
from engine.model.ledger import GroupBy, GroupKey, HeldAt, LineAt
from engine.model.live import EngineStatus, ThroughputBy
from engine.model.prearchive import PrearchivePage, PrearchiveQuery
from engine.model.states import Status
from engine.model.states import Verb as Act
from engine.service.api import NOUNS, EngineApi
from engine.service.wire import VERBS, decode_error, encode_error, find_verb
from tests.memory import HostInMemory, session

ALL = [verb for verbs in VERBS.values() for verb in verbs.values()]

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_noun_of_an_engine_has_its_verbs() -> None:
    assert set(get_type_hints(EngineApi)) == set(NOUNS) == set(VERBS)
    for noun, protocol in NOUNS.items():
        declared = {
            name for name, value in vars(protocol).items() if inspect.iscoroutinefunction(value)
        }
        assert set(VERBS[noun]) == declared


@pytest.mark.parametrize("verb", ALL, ids=lambda verb: f"{verb.noun}.{verb.name}")
def test_a_call_arrives_with_types_and_defaults(verb: object) -> None:
    found = VERBS[verb.noun][verb.name]  # type: ignore[attr-defined]
    function = getattr(NOUNS[found.noun], found.name)
    hints = get_type_hints(function)
    samples = {
        "str": "a",
        "int": 7,
        "float": 0.5,
        "bool": True,
        "ThroughputBy": ThroughputBy.SENDER,
        "Verb": Act.DELETE,
        "GroupBy": GroupBy.DAY,
        "engine.model.ledger.GroupKey | None": GroupKey(by=GroupBy.DAY),
        "engine.model.ledger.LineAt | None": LineAt(last=MOMENT, id=7),
        "engine.model.ledger.HeldAt | None": HeldAt(at=MOMENT, id="a"),
        "datetime": MOMENT,
        "tuple[str, ...]": ("a", "b"),
        "dict[str, str]": {"k": "v"},
        "dict[str, str] | None": {"k": "v"},
        "int | None": 7,
        "datetime.datetime | None": MOMENT,
    }
    given_arguments = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        hint = hints[parameter.name]
        key = hint.__name__ if isinstance(hint, type) else str(hint)
        key = str(hint) if "[" in str(hint) else key
        given_arguments[parameter.name] = samples[key] if key in samples else hint()
    assert found.decode_call(found.encode_call(given_arguments)) == given_arguments


def test_missing_arguments_take_the_defaults_of_the_signature() -> None:
    verb = find_verb("prearchive.list")
    assert verb.decode_call(b"") == {"query": PrearchiveQuery(), "offset": 0, "limit": 100}


def test_enums_times_and_maps_by_enum_come_back_as_they_were() -> None:
    page = PrearchivePage(rows=(session(1, status=Status.CONFLICT),), total=1)
    verb = find_verb("prearchive.list")
    assert verb.decode_result(verb.encode_result(page)) == page

    status = EngineStatus(
        version="1",
        pid=1,
        node="n",
        home="/h",
        started=MOMENT,
        receivers=(),
        workers=1,
        associations=0,
        accounts=Accounts(counts={Place.HELD: 3}),
    )
    verb = find_verb("system.status")
    assert verb.decode_result(verb.encode_result(status)) == status


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'{"ids": "pre_x"}', b'{"ids": ["a"], "more": 1}', b"{}", b"\xff\xfe", b"null"],
)
def test_a_call_that_does_not_fit_is_invalid_input(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"prearchive\.archive cannot be asked like this"):
        find_verb("prearchive.archive").decode_call(body)


@pytest.mark.parametrize("offset", [2**63, -(2**63) - 1, 10**40])
def test_numbers_that_no_database_holds_are_invalid_input(offset: int) -> None:
    verb = find_verb("archive.list")
    assert verb.decode_call(b'{"offset": 9223372036854775807}')["offset"] == 2**63 - 1
    with pytest.raises(InvalidInput, match="offset"):
        verb.decode_call(verb.encode_call({"offset": offset}))


@pytest.mark.parametrize("text", ["\0", "a\0b", "\\\0", "\\\\\0\\u0000"])
def test_a_nul_is_invalid_input(text: str) -> None:
    verb = find_verb("scripts.check")
    with pytest.raises(InvalidInput, match="NUL"):
        verb.decode_call(verb.encode_call({"text": text}))


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "u0000", "\\0"])
def test_what_only_looks_like_a_nul_arrives(text: str) -> None:
    verb = find_verb("scripts.check")
    assert verb.decode_call(verb.encode_call({"text": text}))["text"] == text


@pytest.mark.parametrize("address", ["", "prearchive", "prearchive.", "x.list", "jobs.__init__"])
def test_an_unknown_verb_is_not_found(address: str) -> None:
    with pytest.raises(NotFound):
        find_verb(address)


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, EngineError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_keeps_kind_sentence_hint_and_problems(kind: type[EngineError]) -> None:
    problems = (Problem(message="no", line=2, column=5, path="rules"),)
    error = decode_error(encode_error(kind("it is so", hint="do this", problems=problems)))
    assert type(error) is kind
    assert (error.message, error.hint, error.problems) == ("it is so", "do this", problems)


def test_an_error_of_an_unknown_kind_is_still_an_engine_error() -> None:
    error = decode_error(b'{"code": "from-the-future", "message": "new"}')
    assert type(error) is EngineError
    assert error.message == "new"


@settings(derandomize=True, deadline=None)
@given(st.binary())
def test_no_answer_makes_the_reader_of_errors_fail(body: bytes) -> None:
    assert isinstance(decode_error(body), EngineError)


def test_a_result_of_another_form_says_that_versions_may_differ() -> None:
    with pytest.raises(EngineError) as caught:
        find_verb("prearchive.list").decode_result(b'{"rows": 3}')
    assert "versions" in caught.value.hint


async def test_an_engine_offers_every_verb_that_can_be_asked() -> None:
    engine = HostInMemory().acting("admin")
    for noun, verbs in VERBS.items():
        for name in verbs:
            assert callable(getattr(getattr(engine, noun), name))
