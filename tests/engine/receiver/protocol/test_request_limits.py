# SPDX-License-Identifier: Apache-2.0
"""Each field of an A-ASSOCIATE-RQ at its limits, over a real connection (PS3.8 9.3.2 and annex D,
PS3.7 annex D.3.3). pynetdicom has to understand every answer."""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Iterator, Sequence

import pytest

from engine.receiver.protocol.ending import Ending
from tests.engine.receiver.listening import PATIENCE, Listener
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.protocol.oracle import (
    ABORT,
    AC,
    END,
    RJ,
    RP,
    Said,
    accepted,
    hear,
    results,
    understood,
    user_items,
)
from tests.engine.receiver.protocol.wire import EXPLICIT, IMPLICIT, MR, VERIFICATION, item

CT = "1.2.840.10008.5.1.4.1.1.2"
TITLE = "ANTEROOM"
NOBODY = (RJ, (1, 1, 7))
MALFORMED = (ABORT, (0, 0))


def sub(kind: int, text: str) -> bytes:
    """An item that is a UID."""
    return item(kind, text.encode())


def context(number: int, *inner: bytes) -> bytes:
    """A presentation context of these items."""
    return item(0x20, bytes((number, 0, 0, 0)) + b"".join(inner))


def user(*inner: bytes) -> bytes:
    """The user information of these items."""
    return item(0x50, b"".join(inner))


def sized(text: bytes) -> bytes:
    """A value behind its length."""
    return struct.pack(">H", len(text)) + text


APPLICATION = sub(0x10, wire.APPLICATION)
IMAGES = context(1, sub(0x30, MR), sub(0x40, EXPLICIT))
ECHO = context(3, sub(0x30, VERIFICATION), sub(0x40, IMPLICIT))
LARGEST = item(0x51, struct.pack(">I", 16384))
NAMED = item(0x52, b"1.2.3")


def request(
    *items: bytes,
    version: int = 1,
    called: bytes = b"ANTEROOM        ",
    calling: bytes = b"SCANNER         ",
    reserved: bytes = bytes(32),
) -> bytes:
    """Build an A-ASSOCIATE-RQ; of nothing else than the items that are given, if any is."""
    body = struct.pack(">HH", version, 0) + called + calling + reserved
    every = items or (APPLICATION, IMAGES, ECHO, user(LARGEST, NAMED))
    return wire.pdu(0x01, body + b"".join(every))


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """One for all cases."""
    with Listener() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_is_left(listener: Listener) -> Iterator[None]:
    """Whatever was asked, nothing of the connection stays."""
    yield
    listener.join()
    assert listener.slots.half_open("127.0.0.1") == 0
    assert listener.slots.established(listener.receiver) == 0
    assert all(each.ending not in (None, Ending.FAILED) for each in listener.associations)
    listener.associations.clear()


def ask(listener: Listener, asked: bytes) -> tuple[Said, bytes]:
    """Send a request; return the answer, and its body. An association that comes of it works."""
    with listener.connect() as sock:
        listener.accepted.get(timeout=PATIENCE)
        sock.sendall(asked)
        kind, body = wire.read_pdu(sock)
        said = understood(kind, body)
        if said == Said(AC):
            assert body[:4] == b"\0\1\0\0"
            # The titles and what is reserved beside them come back as they went (PS3.8 9.3.3).
            assert body[4:68] == asked[10:74]
            sock.sendall(wire.RELEASE_RQ)
            assert hear(sock) == Said(RP)
        assert hear(sock) == END
        return said, body


@pytest.mark.parametrize(
    ("version", "said"),
    [
        *((version, Said(AC)) for version in (0x0001, 0x0003, 0x8001, 0xFFFF)),
        *((version, Said(RJ, (1, 2, 2))) for version in (0x0000, 0x0002, 0x0100, 0xFFFE)),
    ],
)
def test_protocol_version_is_a_field_of_bits(listener: Listener, version: int, said: Said) -> None:
    assert ask(listener, request(version=version))[0] == said


@pytest.mark.parametrize(
    ("called", "said"),
    [
        (b"ANTEROOM        ", Said(AC)),
        (b"    ANTEROOM    ", Said(AC)),
        (b"ANTEROOM\0\0\0\0\0\0\0\0", Said(AC)),
        (b"ANTEROOM\0garbage", Said(AC)),
        (b"anteroom        ", Said(*NOBODY)),
        (b"                ", Said(*NOBODY)),
        (bytes(16), Said(*NOBODY)),
        (b"ANTEROOMANTEROOM", Said(*NOBODY)),
        ("ANTERÖOM      ".encode("latin_1").ljust(16), Said(*NOBODY)),
        (b"\xff" * 16, Said(*NOBODY)),
        (b"ANTE ROOM       ", Said(*NOBODY)),
    ],
)
def test_called_title(listener: Listener, called: bytes, said: Said) -> None:
    assert ask(listener, request(called=called))[0] == said


@pytest.mark.parametrize(
    ("calling", "read"),
    [
        (b"SCANNER         ", "SCANNER"),
        (b"  SCANNER       ", "SCANNER"),
        (b"SIXTEEN LETTERS.", "SIXTEEN LETTERS."),
        (b"                ", ""),
        (bytes(16), ""),
        (b"\xe9" * 16, "\N{REPLACEMENT CHARACTER}" * 16),
        (b"\x1b[2J\r\n          ", "\x1b[2J\r\n"),
    ],
)
def test_calling_title(listener: Listener, calling: bytes, read: str) -> None:
    assert ask(listener, request(calling=calling))[0] == Said(AC)
    assert listener.associations[-1].calling == read


def test_a_title_of_sixteen_characters() -> None:
    with Listener(ae_title="SIXTEEN.LETTERS.") as listener:
        assert ask(listener, request(called=b"SIXTEEN.LETTERS."))[0] == Said(AC)


def test_what_is_reserved_is_given_back_and_not_looked_at(listener: Listener) -> None:
    assert ask(listener, request(reserved=bytes(range(224, 256))))[0] == Said(AC)


@pytest.mark.parametrize(
    "application",
    [
        b"",
        sub(0x10, ""),
        sub(0x10, "1.2.840.10008.3.1.1.2"),
        sub(0x10, "1.2.840.10008.3.1.1.10"),
        item(0x10, b"\xff" * 200),
    ],
)
def test_another_application_context_is_rejected(listener: Listener, application: bytes) -> None:
    asked = request(application, IMAGES, user(LARGEST, NAMED))
    assert ask(listener, asked)[0] == Said(RJ, (1, 1, 2))


@pytest.mark.parametrize("pad", [b"\0", b" ", b"\0\0\0"])
def test_uids_may_be_padded(listener: Listener, pad: bytes) -> None:
    asked = request(
        item(0x10, wire.APPLICATION.encode() + pad),
        context(1, item(0x30, MR.encode() + pad), item(0x40, EXPLICIT.encode() + pad)),
        user(LARGEST, NAMED),
    )
    said, body = ask(listener, asked)
    assert said == Said(AC)
    assert results(body) == {1: (0, EXPLICIT)}


def test_items_may_stand_in_any_order(listener: Listener) -> None:
    said, body = ask(listener, request(user(NAMED, LARGEST), ECHO, IMAGES, APPLICATION))
    assert said == Said(AC)
    assert results(body) == {3: (0, IMPLICIT), 1: (0, EXPLICIT)}


class TestContexts:
    """Presentation contexts (PS3.8 9.3.2.2)."""

    @pytest.mark.parametrize("number", [0, 2, 4, 128, 254])
    def test_even_ids(self, listener: Listener, number: int) -> None:
        asked = request(APPLICATION, context(number, sub(0x30, MR), sub(0x40, EXPLICIT)))
        assert ask(listener, asked)[0] == Said(*MALFORMED)

    def test_an_id_that_is_used_twice(self, listener: Listener) -> None:
        asked = request(APPLICATION, IMAGES, context(1, sub(0x30, CT), sub(0x40, EXPLICIT)))
        assert ask(listener, asked)[0] == Said(*MALFORMED)

    def test_none(self, listener: Listener) -> None:
        assert ask(listener, request(APPLICATION, user(LARGEST)))[0] == Said(*MALFORMED)

    def test_all_128(self, listener: Listener) -> None:
        each = [context(number, sub(0x30, MR), sub(0x40, EXPLICIT)) for number in range(1, 256, 2)]
        said, body = ask(listener, request(APPLICATION, *each, user(LARGEST, NAMED)))
        assert said == Said(AC)
        assert results(body) == dict.fromkeys(range(1, 256, 2), (0, EXPLICIT))

    @pytest.mark.parametrize("number", [1, 127, 129, 255])
    def test_every_accepted_id_can_be_used(self, listener: Listener, number: int) -> None:
        asked = request(APPLICATION, context(number, sub(0x30, VERIFICATION), sub(0x40, IMPLICIT)))
        with listener.connect() as sock:
            listener.accepted.get(timeout=PATIENCE)
            sock.sendall(asked + wire.p_data(wire.pdv(number, 3, wire.echo_rq())))
            assert hear(sock) == Said(AC)
            assert wire.status(wire.read_response(sock)) == 0

    @pytest.mark.parametrize(
        ("inner", "result"),
        [
            ((sub(0x30, MR),), 4),
            ((sub(0x30, MR), sub(0x40, "")), 4),
            ((sub(0x30, MR), sub(0x40, "1.2.3")), 4),
            ((sub(0x30, "1.2.3"), sub(0x40, EXPLICIT)), 3),
            ((sub(0x30, ""), sub(0x40, EXPLICIT)), 3),
            ((sub(0x40, EXPLICIT),), 3),
            ((), 3),
            ((item(0x30, b"\xff" * 300), sub(0x40, EXPLICIT)), 3),
            ((sub(0x40, EXPLICIT), sub(0x30, MR)), 0),
            ((sub(0x30, MR), *[sub(0x40, f"1.2.{n}") for n in range(500)], sub(0x40, EXPLICIT)), 0),
            ((sub(0x30, MR), item(0x77, b"what"), sub(0x40, EXPLICIT)), 0),
        ],
    )
    def test_what_a_context_holds(
        self, listener: Listener, inner: Sequence[bytes], result: int
    ) -> None:
        said, body = ask(listener, request(APPLICATION, context(1, *inner), ECHO, user(LARGEST)))
        assert said == Said(AC)
        found = results(body)
        assert found[1][0] == result
        assert found[3] == (0, IMPLICIT)

    def test_what_is_reserved_in_a_context_is_not_looked_at(self, listener: Listener) -> None:
        inner = sub(0x30, MR) + sub(0x40, EXPLICIT)
        asked = request(APPLICATION, item(0x20, b"\1\xff\xff\xff" + inner), user(LARGEST, NAMED))
        said, body = ask(listener, asked)
        assert said == Said(AC)
        assert results(body) == {1: (0, EXPLICIT)}


class TestUserInformation:
    """User items (PS3.8 annex D, PS3.7 annex D.3.3)."""

    def answered(self, listener: Listener, *inner: bytes) -> dict[int, list[bytes]]:
        """Ask with these items; return those of the answer."""
        said, body = ask(listener, request(APPLICATION, IMAGES, ECHO, user(*inner)))
        assert said == Said(AC)
        accepted(body)
        return user_items(body)

    def test_none_at_all(self, listener: Listener) -> None:
        assert ask(listener, request(APPLICATION, IMAGES))[0] == Said(AC)
        assert set(self.answered(listener)) == {0x51, 0x52, 0x55}

    def test_what_is_always_told(self, listener: Listener) -> None:
        told = self.answered(listener, LARGEST, NAMED)
        assert struct.unpack(">I", *told[0x51]) == (listener.receiver.max_pdu,)
        (implementation,), (version,) = told[0x52], told[0x55]
        assert 0 < len(implementation) <= 64
        assert 0 < len(version) <= 16
        assert set(told) == {0x51, 0x52, 0x55}

    @pytest.mark.parametrize("largest", [0, 1, 2, 6, 7, 8, 127, 4096, 1 << 24, 0xFFFFFFFF])
    def test_maximum_length(self, listener: Listener, largest: int) -> None:
        limit = item(0x51, struct.pack(">I", largest))
        with listener.connect() as sock:
            listener.accepted.get(timeout=PATIENCE)
            sock.sendall(request(APPLICATION, IMAGES, ECHO, user(limit, NAMED)))
            assert hear(sock) == Said(AC)
            sock.sendall(wire.p_data(wire.pdv(3, 3, wire.echo_rq())))
            assert _echoed(sock) <= max(largest or 1 << 32, 7)

    @pytest.mark.parametrize("window", [*itertools.product([0, 1, 2, 0xFFFF], repeat=2)])
    def test_asynchronous_operations(self, listener: Listener, window: tuple[int, int]) -> None:
        told = self.answered(listener, LARGEST, item(0x53, struct.pack(">HH", *window)))
        assert told[0x53] == [struct.pack(">HH", 1, 1)]

    @pytest.mark.parametrize("roles", [*itertools.product([0, 1, 255], repeat=2)])
    @pytest.mark.parametrize(
        ("sop_class", "is_answered"), [(MR, True), (VERIFICATION, True), (CT, False), ("", False)]
    )
    def test_roles(
        self, listener: Listener, sop_class: str, is_answered: bool, roles: tuple[int, int]
    ) -> None:
        asked = item(0x54, sized(sop_class.encode()) + bytes(roles))
        told = self.answered(listener, LARGEST, asked)
        # Answered for classes with an accepted context; the requestor is never the SCP.
        agreed = item(0x54, sized(sop_class.encode()) + bytes((bool(roles[0]), 0)))
        assert told.get(0x54, []) == ([agreed[4:]] if is_answered else [])

    @pytest.mark.parametrize("wants_answer", [0, 1])
    @pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5, 9, 255])
    def test_user_identity_is_neither_checked_nor_answered(
        self, listener: Listener, kind: int, wants_answer: int
    ) -> None:
        secret = b"S" * 30_000
        value = bytes((kind, wants_answer)) + sized(secret) + sized(b"password")
        told = self.answered(listener, LARGEST, item(0x58, value))
        # Without an item 59 the requestor knows that its identity was not looked at (D.3.3.7.3).
        assert 0x59 not in told
        assert b"SSS" not in repr(vars(listener.associations[-1])).encode()

    @pytest.mark.parametrize(
        ("sop_class", "is_answered"), [(MR, True), (VERIFICATION, False), (CT, False)]
    )
    @pytest.mark.parametrize("info", [b"", b"\2", b"\2\0\3\0\1\0", bytes(1000)])
    def test_extended_negotiation(
        self, listener: Listener, info: bytes, sop_class: str, is_answered: bool
    ) -> None:
        told = self.answered(listener, LARGEST, item(0x56, sized(sop_class.encode()) + info))
        ours = sized(sop_class.encode()) + bytes((2, 0, 0, 0, 1, 0))
        assert told.get(0x56, []) == ([ours] if is_answered else [])

    @pytest.mark.parametrize("related", [b"", sized(b"1.2.3"), b"\xff\xff"])
    def test_common_extended_negotiation_is_taken_and_not_answered(
        self, listener: Listener, related: bytes
    ) -> None:
        new = "1.2.276.0.1.2"
        common = sized(new.encode()) + sized(b"1.2.840.10008.4.2") + sized(related)
        asked = request(
            APPLICATION,
            context(1, sub(0x30, new), sub(0x40, EXPLICIT)),
            user(LARGEST, NAMED, item(0x57, common)),
        )
        said, body = ask(listener, asked)
        assert said == Said(AC)
        assert results(body) == {1: (0, EXPLICIT)}
        assert 0x57 not in user_items(body)

    @pytest.mark.parametrize("kind", [0x00, 0x4F, 0x5A, 0x99, 0xFF])
    def test_unknown_items_are_passed_over(self, listener: Listener, kind: int) -> None:
        unknown = item(kind, b"what is this")
        told = self.answered(listener, unknown, LARGEST, unknown, NAMED, unknown)
        assert set(told) == {0x51, 0x52, 0x55}
        items = (unknown, APPLICATION, unknown, IMAGES, unknown, user(LARGEST, NAMED), unknown)
        assert ask(listener, request(*items))[0] == Said(AC)

    @pytest.mark.parametrize(
        "broken",
        [
            *(item(0x51, bytes(size)) for size in (0, 3, 5)),
            *(item(0x53, bytes(size)) for size in (0, 3, 5)),
            *(item(0x54, value) for value in (b"", b"\0", b"\0\0", b"\0\0\1", b"\0\0\1\1\1")),
            *(item(0x56, value) for value in (b"", b"\0", b"\0\5abc")),
            *(item(0x57, value) for value in (b"", b"\0\1a", b"\0\1a\0", b"\0\1a\0\2b")),
            *(item(0x58, value) for value in (b"", b"\1")),
        ],
    )
    def test_items_of_wrong_lengths(self, listener: Listener, broken: bytes) -> None:
        asked = request(APPLICATION, IMAGES, user(LARGEST, broken))
        assert ask(listener, asked)[0] == Said(*MALFORMED)


def _echoed(sock: socket.socket) -> int:
    """Read a C-ECHO response in however many PDUs; return the length of the longest."""
    longest, data = 0, b""
    while True:
        kind, body = wire.read_pdu(sock)
        understood(kind, body)
        longest = max(longest, len(body))
        data += body[6:]
        if body[5] & 2:
            assert wire.status(wire.elements(data)) == 0
            return longest


def _length_fields(whole: bytes) -> list[tuple[int, str]]:
    """Return the offsets of every length field in a request, with their formats."""
    found = [(2, ">I")]

    def look(start: int, end: int) -> None:
        while start < end:
            kind, length = struct.unpack_from(">BxH", whole, start)
            found.append((start + 2, ">H"))
            if kind in (0x20, 0x50):
                look(start + (8 if kind == 0x20 else 4), start + 4 + length)
            elif kind in (0x54, 0x56, 0x57):
                found.append((start + 4, ">H"))
            start += 4 + length

    look(74, len(whole))
    return found


FULL = request(
    APPLICATION,
    IMAGES,
    ECHO,
    user(
        LARGEST,
        NAMED,
        item(0x53, struct.pack(">HH", 1, 1)),
        item(0x54, sized(MR.encode()) + b"\1\1"),
        item(0x56, sized(MR.encode()) + b"\2\0\3\0\1\0"),
        item(0x57, sized(b"1.2.3") + sized(b"1.2.840.10008.4.2") + sized(b"")),
        item(0x58, b"\1\0" + sized(b"name") + sized(b"")),
    ),
)


def test_every_length_may_lie(listener: Listener) -> None:
    """Short, long, over what follows, over the end: an answer or an abort, and never a wait."""
    fields = _length_fields(FULL)
    assert len(fields) > 15
    answers = set()
    for offset, form in fields:
        (true,) = struct.unpack_from(form, FULL, offset)
        top = 0xFFFF if form == ">H" else 0xFFFFFFFF
        for lie in {0, 1, true - 1, true + 1, true + 4, true * 2, 1 << 15, top} - {true}:
            asked = bytearray(FULL)
            struct.pack_into(form, asked, offset, lie)
            answers.add(_answer_to(listener, bytes(asked)))
    assert answers <= {AC, RJ, ABORT, 0}
    assert ABORT in answers


@pytest.mark.parametrize("wrong", [0x00, 0xFF, None])
def test_every_byte_may_be_wrong(listener: Listener, wrong: int | None) -> None:
    for offset in range(len(FULL)):
        asked = bytearray(FULL)
        asked[offset] = asked[offset] ^ 0x01 if wrong is None else wrong
        assert _answer_to(listener, bytes(asked)) in (AC, RJ, ABORT, 0)


def test_every_request_may_be_cut_short_or_said_to_be_shorter(listener: Listener) -> None:
    for end in range(6, len(FULL)):
        assert _answer_to(listener, FULL[:end]) == 0
        shorter = FULL[:2] + struct.pack(">I", end - 6) + FULL[6:end]
        assert _answer_to(listener, shorter) in (AC, RJ, ABORT)


def _answer_to(listener: Listener, asked: bytes) -> int:
    """Send a request and no more; return the type of the answer, and see that it is the only one
    but for an abort of what follows."""
    with listener.connect() as sock:
        listener.accepted.get(timeout=PATIENCE)
        sock.sendall(asked)
        sock.shutdown(socket.SHUT_WR)
        first = hear(sock)
        after = [first]
        while after[-1] != END:
            after.append(hear(sock))
        assert all(said.kind in (ABORT, 0) for said in after[1:])
        return first.kind
