# SPDX-License-Identifier: Apache-2.0
"""Decisions on the contradictions in a waiting session: the private file with the alternatives, and
the decision, which the row keeps until a job has carried it out. The file names patients; it moves
with the session's folder and is never filed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.model.contradictions import ALL_ONE, Choice, Contradiction, ContradictionKind
from engine.model.errors import Conflict, InvalidInput
from engine.prearchive.tables import SessionRow
from engine.sessions.build.patients import Identity, Patient
from engine.storage.files import PRIVATE, write_synced

FILE = ".contradictions"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A patient who was said to be the session's own, and how many objects were theirs then."""

    name: tuple[str, str, str]
    sex: str
    birth_date: str
    objects: int
    main: bool
    """Objects that come later may be theirs, too."""

    def covers(self, patient: Patient) -> bool:
        """Say whether nothing has come since that names this patient."""
        mine = Identity(name=self.name, sex=self.sex, birth_date=self.birth_date)
        if not patient.elsewhere and not mine.differs(patient.identity):
            return self.main or patient.objects <= self.objects
        return False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of the private file."""

    found: tuple[Contradiction, ...] = ()
    files: tuple[tuple[tuple[str, ...], ...], ...] = ()
    """The objects of each alternative of each contradiction, below the session's folder."""
    accepted: tuple[Accepted, ...] = ()

    @property
    def seen(self) -> str:
        """Name this state."""
        return hashlib.sha256(msgspec.json.encode((self.found, self.files))).hexdigest()[:12]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has decided, as it stands on the row until the job has carried it out."""

    seen: str
    choices: tuple[Choice, ...]
    aside: str
    """The prearchive id under which goes what is not kept."""
    carried_out: bool = False

    @property
    def accepts(self) -> bool:
        """Whether all objects are said to be of one patient."""
        return any(choice.keep == ALL_ONE for choice in self.choices)

    def done(self) -> Decision:
        """Return the decision as carried out: what does not stay has left."""
        return msgspec.structs.replace(self, carried_out=True)


def read(folder: Path) -> Kept:
    """Return what is kept of a session; a file that cannot be read is one that a build makes
    anew."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Kept)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return Kept()


def write(folder: Path, kept: Kept) -> None:
    """Keep this and nothing else."""
    path = folder / FILE
    if kept == Kept():
        path.unlink(missing_ok=True)
        return
    new = path.with_name(f"{FILE}.new")
    write_synced(new, (msgspec.json.encode(kept),), mode=PRIVATE)
    new.rename(path)


def decision_of(row: SessionRow) -> Decision | None:
    """Return what is to be carried out."""
    return msgspec.json.decode(row.decision, type=Decision) if row.decision else None


def written(decision: Decision) -> str:
    """Return a decision as it stands on the row."""
    return msgspec.json.encode(decision).decode()


def check(kept: Kept, choices: Sequence[Choice], seen: str = "") -> None:
    """Refuse a decision that fits nothing.

    Raises:
        Conflict: if the contradictions are others than those that were seen.
        InvalidInput: if it names something that does not exist.
    """
    if seen and seen != kept.seen:
        raise Conflict("the session has changed since: look at its contradictions again")
    if not choices:
        raise InvalidInput("say what is to be kept")
    by_number = {one.number: one for one in kept.found}
    if len({choice.contradiction for choice in choices}) < len(choices):
        raise InvalidInput("decide on each contradiction once")
    for choice in choices:
        found = by_number.get(choice.contradiction)
        if found is None:
            raise InvalidInput(f"there is no contradiction {choice.contradiction} in the session")
        if choice.keep == ALL_ONE and found.kind is ContradictionKind.OBJECT:
            raise InvalidInput("two objects of one UID cannot both stay: say which is kept")
        if choice.keep != ALL_ONE and not 1 <= choice.keep <= len(found.alternatives):
            last = len(found.alternatives)
            raise InvalidInput(f"say which alternative is kept: a number from 1 to {last}")


def of_patients(kept: Kept, choices: Sequence[Choice]) -> bool:
    """Say whether a decision is on whose the objects are."""
    by_number = {one.number: one.kind for one in kept.found}
    return any(by_number[one.contradiction] is ContradictionKind.PATIENT for one in choices)


def subject_after(kept: Kept, choices: Sequence[Choice]) -> str | None:
    """Return the subject that a decision makes the session's; None where that stays.

    Raises:
        InvalidInput: if nobody can tell it.
    """
    for choice in choices:
        found = kept.found[choice.contradiction - 1]
        if found.kind is ContradictionKind.PATIENT and choice.keep != ALL_ONE:
            one = found.alternatives[choice.keep - 1]
            if one.own:
                return None
            if not one.subject:
                raise InvalidInput("the subject of that patient is not known: give it as well")
            return one.subject
    return None


def set_aside(kept: Kept, choices: Sequence[Choice]) -> tuple[str, ...]:
    """Name the objects that do not stay."""
    gone: dict[str, None] = {}
    for choice in choices:
        if choice.keep != ALL_ONE:
            for number, files in enumerate(kept.files[choice.contradiction - 1], start=1):
                if number != choice.keep:
                    gone.update(dict.fromkeys(files))
    return tuple(gone)


def subject_aside(kept: Kept, choices: Sequence[Choice], own: str | None) -> str | None:
    """Return the subject of what does not stay: that of the patient who goes, `own` where the
    patient is the same. None where several go, or nothing tells it."""
    for choice in choices:
        found = kept.found[choice.contradiction - 1]
        if found.kind is ContradictionKind.PATIENT and choice.keep != ALL_ONE:
            gone = {one.subject for one in found.alternatives if one.number != choice.keep}
            return next(iter(gone)) or None if len(gone) == 1 else None
    return own
