# SPDX-License-Identifier: Apache-2.0
"""Decodes A-ASSOCIATE-RQ and encodes A-ASSOCIATE-AC (PS3.8 9.3.2, 9.3.3, annex D; PS3.7 annex D).
Whom to admit and which contexts to accept is decided elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from engine.receiver.protocol.pdu import ASSOCIATE_AC, HEADER, AbortReason, PduError

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"

_UID_LENGTH = 64
_USUAL_CONTEXT = 1024
"""Bytes of a presentation context that may be remembered."""

_FIXED = struct.Struct(">H2x16s16s32s")
_ITEM = struct.Struct(">BxH")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_WINDOW = struct.Struct(">HH")
_ROLES = struct.Struct(">BB")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedContext:
    """A presentation context as the peer proposes it (PS3.8 9.3.2.2)."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """SCP/SCU role selection for one SOP class, seen from the requestor (PS3.7 D.3.3.4)."""

    sop_class: str
    scu: bool
    scp: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CommonExtended:
    """What kind of SOP class a class is, in the requestor's words (PS3.7 D.3.3.6)."""

    sop_class: str
    service_class: str


@dataclass(kw_only=True, slots=True)
class UserInformation:
    """The user items of an A-ASSOCIATE-RQ (PS3.8 annex D, PS3.7 annex D.3.3), filled item by item.

    User identity is noted by its type only; secrets are not kept."""

    max_pdu: int = 0
    """The peer's maximum PDU length in bytes; 0: no maximum."""
    implementation_class: str = ""
    implementation_version: str = ""
    asynchronous: tuple[int, int] | None = None
    roles: list[Role] = field(default_factory=list)
    extended: list[tuple[str, bytes]] = field(default_factory=list)
    common_extended: list[CommonExtended] = field(default_factory=list)
    identity_type: int = 0
    identity_wants_reply: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociateRequest:
    """An A-ASSOCIATE-RQ."""

    protocol_version: int
    called: str
    calling: str
    echo: bytes
    """The 64 bytes that the answer must repeat as they came (PS3.8 9.3.3)."""
    application_context: str
    contexts: tuple[ProposedContext, ...]
    user: UserInformation


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextAnswer:
    """One presentation context's result (PS3.8 9.3.3.2): 0 accepted, 3 abstract, 4 transfer."""

    id: int
    result: int
    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociateAccept:
    """What we answer with an A-ASSOCIATE-AC."""

    echo: bytes
    contexts: Sequence[ContextAnswer]
    max_pdu: int
    implementation_class: str
    implementation_version: str
    asynchronous: tuple[int, int] | None = None
    roles: Sequence[Role] = ()
    extended: Sequence[tuple[str, bytes]] = ()


def _bad(text: str) -> PduError:
    return PduError(AbortReason.INVALID_PARAMETER, text)


def _uid(value: bytes) -> str:
    # What is longer than a UID is none: no more of it is kept than shows that.
    return _text(value.rstrip(b"\0 ")[: _UID_LENGTH + 1])


@lru_cache(maxsize=1024)
def _text(value: bytes) -> str:
    # Cached, because a request repeats its few transfer syntaxes in each of up to 128 contexts.
    return value.decode("ascii", "replace")


def _title(value: bytes) -> str:
    # What a C program leaves behind the end of its string is no part of the title.
    return value.partition(b"\0")[0].decode("ascii", "replace").strip(" ")


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        if len(data) - position < _ITEM.size:
            raise _bad("item header cut short")
        kind, length = _ITEM.unpack_from(data, position)
        position += _ITEM.size
        if length > len(data) - position:
            raise _bad("item longer than what holds it")
        yield kind, data[position : position + length]
        position += length


def _counted(data: bytes) -> tuple[bytes, bytes]:
    """Split off a value that has its own two-byte length."""
    if len(data) < 2:
        raise _bad("length field cut short")
    (length,) = _U16.unpack_from(data)
    if length > len(data) - 2:
        raise _bad("field longer than its item")
    return data[2 : 2 + length], data[2 + length :]


def decode_request(body: bytes | bytearray) -> AssociateRequest:
    """Decode what follows the PDU header of an A-ASSOCIATE-RQ. Raises PduError."""
    raw = bytes(body)
    if len(raw) < _FIXED.size:
        raise _bad("A-ASSOCIATE-RQ cut short")
    version, called, calling, _ = _FIXED.unpack_from(raw)
    application_context = ""
    contexts: list[ProposedContext] = []
    user = UserInformation()
    seen: set[int] = set()
    for kind, data in _items(raw[_FIXED.size :]):
        if kind == 0x10:
            application_context = _uid(data)
        elif kind == 0x20:
            context = (_context_again if len(data) <= _USUAL_CONTEXT else _context)(data)
            if context.id in seen or not context.id & 1:
                raise _bad("presentation context id even or used twice")
            seen.add(context.id)
            contexts.append(context)
        elif kind == 0x50:
            for item, value in _items(data):
                _user_item(user, item, value)
    if not contexts:
        raise _bad("no presentation context proposed")
    return AssociateRequest(
        protocol_version=version,
        called=_title(called),
        calling=_title(calling),
        echo=raw[4 : _FIXED.size],
        application_context=application_context,
        contexts=tuple(contexts),
        user=user,
    )


def _context(data: bytes) -> ProposedContext:
    if len(data) < 4:
        raise _bad("presentation context cut short")
    abstract = ""
    transfers: list[str] = []
    for kind, value in _items(data[4:]):
        if kind == 0x30:
            abstract = _uid(value)
        elif kind == 0x40:
            transfers.append(_uid(value))
    return ProposedContext(id=data[0], abstract_syntax=abstract, transfer_syntaxes=tuple(transfers))


# A sender proposes the same contexts each time.
_context_again = lru_cache(maxsize=1024)(_context)


def _user_item(user: UserInformation, kind: int, value: bytes) -> None:
    match kind:
        case 0x51:
            (user.max_pdu,) = _exactly(_U32, value)
        case 0x52:
            user.implementation_class = _uid(value)
        case 0x53:
            invoked, performed = _exactly(_WINDOW, value)
            user.asynchronous = (invoked, performed)
        case 0x54:
            sop_class, rest = _counted(value)
            scu, scp = _exactly(_ROLES, rest)
            user.roles.append(Role(sop_class=_uid(sop_class), scu=bool(scu), scp=bool(scp)))
        case 0x55:
            user.implementation_version = _uid(value)
        case 0x56:
            sop_class, rest = _counted(value)
            user.extended.append((_uid(sop_class), bytes(rest)))
        case 0x57:
            sop_class, rest = _counted(value)
            service, _ = _counted(rest)
            user.common_extended.append(
                CommonExtended(sop_class=_uid(sop_class), service_class=_uid(service))
            )
        case 0x58 if len(value) >= 2:
            user.identity_type = value[0]
            user.identity_wants_reply = bool(value[1])
        case 0x58:
            raise _bad("user identity item cut short")
        case _:
            # PS3.8 9.3.1: items of an unknown type are ignored.
            pass


def _exactly(form: struct.Struct, value: bytes) -> tuple[int, ...]:
    if len(value) != form.size:
        raise _bad("user item of a wrong length")
    numbers: tuple[int, ...] = form.unpack(value)
    return numbers


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value


def _sized(text: str) -> bytes:
    value = text.encode("ascii", "replace")
    return _U16.pack(len(value)) + value


def encode_accept(accept: AssociateAccept) -> bytes:
    """Encode an A-ASSOCIATE-AC (PS3.8 9.3.3), user items in the order of their types."""
    parts = [_item(0x10, APPLICATION_CONTEXT.encode())]
    for context in accept.contexts:
        # Not significant in a refused context, yet some peers want to decode one there too.
        syntax = context.transfer_syntax or IMPLICIT_LITTLE_ENDIAN
        head = bytes((context.id, 0, context.result, 0))
        parts.append(_item(0x21, head + _item(0x40, syntax.encode("ascii", "replace"))))
    user = [
        _item(0x51, _U32.pack(accept.max_pdu)),
        _item(0x52, accept.implementation_class.encode("ascii")),
    ]
    if accept.asynchronous is not None:
        user.append(_item(0x53, _WINDOW.pack(*accept.asynchronous)))
    user.extend(
        _item(0x54, _sized(role.sop_class) + bytes((role.scu, role.scp))) for role in accept.roles
    )
    user.append(_item(0x55, accept.implementation_version.encode("ascii")))
    user.extend(_item(0x56, _sized(sop_class) + info) for sop_class, info in accept.extended)
    parts.append(_item(0x50, b"".join(user)))
    body = struct.pack(">HH", 1, 0) + accept.echo + b"".join(parts)
    return HEADER.pack(ASSOCIATE_AC, len(body)) + body
