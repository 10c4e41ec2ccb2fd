# SPDX-License-Identifier: Apache-2.0
"""The wire format of the protocols in `engine.service.api`: each verb's typed signature defines how
its arguments and its result are written as JSON. No sockets are known here; `engine.server` and
`engine.service.remote` transfer the bytes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_type_hints

import msgspec

from engine.model.errors import EngineError, InvalidInput, NotFound, Problem, from_code
from engine.service.api import NOUNS


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it crosses the wire."""

    code: str
    message: str
    hint: str = ""
    problems: tuple[Problem, ...] = ()


class Verb:
    """One verb of one noun: how to write and read its call and its result."""

    def __init__(self, noun: str, name: str, function: Any) -> None:
        self.noun = noun
        self.name = name
        hints = get_type_hints(function)
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1:]
        self._signature = signature.replace(parameters=parameters)
        self._arguments = msgspec.defstruct(
            f"{noun}.{name}",
            [_field(parameter, hints[parameter.name]) for parameter in parameters],
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
        )
        self._call = msgspec.json.Decoder(self._arguments)
        self._result = msgspec.json.Decoder(hints["return"])

    @property
    def path(self) -> str:
        """The address that the verb is asked at."""
        return f"/rpc/{self.noun}.{self.name}"

    @property
    def waits(self) -> bool:
        """True for a verb that may wait for news before it answers."""
        return "wait" in self._signature.parameters

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call by name; `TypeError` as a local call would raise it."""
        return dict(self._signature.bind(*args, **kwargs).arguments)

    def encode_call(self, arguments: Mapping[str, Any]) -> bytes:
        """Write the arguments of a call."""
        return msgspec.json.encode(dict(arguments))

    def decode_call(self, body: bytes) -> dict[str, Any]:
        """Read the arguments of a call, missing ones by their defaults; raise `InvalidInput`."""
        if _NUL.search(body):
            raise InvalidInput(
                f"{self.noun}.{self.name} was asked with a NUL, which no text holds",
                hint="leave it out",
            )
        try:
            call = self._call.decode(body or b"{}")
        except msgspec.MsgspecError as error:
            raise InvalidInput(f"{self.noun}.{self.name} cannot be asked like this: {error}") from (
                error
            )
        return {name: getattr(call, name) for name in self._arguments.__struct_fields__}

    def encode_result(self, result: object) -> bytes:
        """Write what the verb answered."""
        return msgspec.json.encode(result)

    def decode_result(self, body: bytes) -> Any:
        """Read what the verb answered; `EngineError` when it does not fit the signature."""
        try:
            return self._result.decode(body)
        except msgspec.MsgspecError as error:
            raise EngineError(
                f"the engine answered {self.noun}.{self.name} in a form that is not understood",
                hint="engine and console may be of different versions; restart the engine",
            ) from error


def verbs_of(noun: str) -> Iterator[Verb]:
    """Yield the verbs of one noun, in the order of its protocol."""
    for name, function in vars(NOUNS[noun]).items():
        if inspect.iscoroutinefunction(function) and not name.startswith("_"):
            yield Verb(noun, name, function)


def find_verb(address: str) -> Verb:
    """Return the verb of an address `noun.verb`; `NotFound` when there is none."""
    noun, _, name = address.partition(".")
    verb = VERBS.get(noun, {}).get(name)
    if verb is None:
        raise NotFound("the engine has no such noun and verb")
    return verb


def encode_error(error: EngineError) -> bytes:
    """Write an error."""
    return msgspec.json.encode(
        Failure(code=error.code, message=error.message, hint=error.hint, problems=error.problems)
    )


def decode_error(body: bytes) -> EngineError:
    """Read an error; what is not one becomes an `EngineError` without a guess at its kind."""
    try:
        failure = msgspec.json.decode(body, type=Failure)
    except msgspec.MsgspecError:
        return EngineError("the engine failed and did not say why")
    kind = from_code(failure.code)
    return kind(failure.message, hint=failure.hint, problems=failure.problems)


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL in JSON, which PostgreSQL cannot hold and which ends names of files; not an escaped
backslash with the same letters after it."""

_WHOLE = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that the databases can hold."""


def _field(parameter: inspect.Parameter, hint: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    hint = _WHOLE if hint is int else hint
    if parameter.default is inspect.Parameter.empty:
        return (parameter.name, hint)
    return (parameter.name, hint, parameter.default)


VERBS: dict[str, dict[str, Verb]] = {
    noun: {verb.name: verb for verb in verbs_of(noun)} for noun in NOUNS
}
"""Every verb by noun and name."""
