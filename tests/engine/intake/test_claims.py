# SPDX-License-Identifier: Apache-2.0
"""The worker's book of claims: it asks once, forgets what is gone, and does not grow for ever."""

from __future__ import annotations

import pytest

from engine.intake.claims import Claim, ClaimBook, ClaimRequest, Known, NoClaim

KEY = ("P", "1.2.3", "session")


class Engine:
    """Answers each claim with a row of its own."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = False

    def claim(self, request: ClaimRequest) -> Claim:
        if self.refuses:
            raise NoClaim("stopping")
        self.asked.append(request.study_uid)
        return Claim(session=f"pre_{len(self.asked)}", folder="/f")

    def known(self, session: str, file: str) -> tuple[Known, ...]:
        return (Known(received_sop=session, digest=file),)


def request(study: str = "1.2.3") -> ClaimRequest:
    return ClaimRequest(project="P", study_uid=study, label="session")


def test_only_the_first_object_of_a_session_asks() -> None:
    engine = Engine()
    book = ClaimBook(engine)
    first = book.get(KEY, request)
    assert book.get(KEY, request) is first
    assert book.get(("", "1.2.3", "session"), request) is not first
    assert len(engine.asked) == 2


def test_a_claim_whose_folder_is_gone_is_asked_for_again() -> None:
    engine = Engine()
    book = ClaimBook(engine)
    old = book.get(KEY, request)
    book.drop(KEY, old)
    new = book.get(KEY, request)
    assert (old.session, new.session) == ("pre_1", "pre_2")
    # A thread that comes late with the old one does not take away the new one.
    book.drop(KEY, old)
    assert book.get(KEY, request) is new


def test_a_refusal_is_not_remembered() -> None:
    engine = Engine()
    book = ClaimBook(engine)
    engine.refuses = True
    with pytest.raises(NoClaim):
        book.get(KEY, request)
    engine.refuses = False
    assert book.get(KEY, request).session == "pre_1"


def test_the_book_does_not_grow_for_ever() -> None:
    engine = Engine()
    book = ClaimBook(engine)
    for number in range(10_000):
        book.get(("P", str(number), "session"), request)
    assert len(book._held) <= 4096
    last = book.get(("P", "9999", "session"), request)
    assert last.session == "pre_10000"


def test_the_index_is_asked_each_time() -> None:
    assert ClaimBook(Engine()).known("pre_1", "file") == (
        Known(received_sop="pre_1", digest="file"),
    )
