# SPDX-License-Identifier: Apache-2.0
"""The patients of a session: files are grouped by patient, from their headers and from the token
that the site script has left. Differences in spelling and missing values are ignored; the caller
decides what several patients mean."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from engine.anonymize.hosting import record_id, script_of, variables
from engine.routing.labels import label_of_name
from engine.sessions.build.facts import ObjectFacts
from engine.sessions.build.level import iso_date

_APART = re.compile(r"[\s^_]+")
_SEXES = {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F", "O": "O", "OTHER": "O"}
_OWN = "own"

Name = tuple[str, str, str]
"""The three ways of writing one (PS3.5 6.2.1), folded; empty where one is not given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Routed:
    """For whom a session's objects were routed, and how objects say that they were."""

    project: str = ""
    subject: str = ""
    session: str = ""
    scripts: frozenset[str] = frozenset()
    """The ids of all versions of the site script."""
    secret: bytes = field(default=b"", repr=False)

    def mark(self, records: Sequence[str], name: str) -> str:
        """Tell for whom the site script ran: `own`, empty where nothing tells it, or the record of
        somebody else. `name` is that of the header: it may spell the subject in another way."""
        foreign = ""
        for record in records:
            script = script_of(record)
            if script not in self.scripts:
                continue
            said = self._said(script, record, name)
            if said is not None:
                return said
            foreign = record
        return foreign

    def _said(self, script: str, record: str, name: str) -> str | None:
        # The record tells nobody the label; only spellings of the one label can be tried.
        for subject in self._spellings(name):
            given = variables(project=self.project, subject=subject, session=self.session)
            if record_id(script, given, self.secret) == record:
                return _OWN if subject else ""
        return None

    def _spellings(self, name: str) -> Iterable[str]:
        yield self.subject
        yield ""
        own = self.subject
        tried = (own.upper(), own.lower(), own.title(), label_of_name(name))
        yield from (one for one in dict.fromkeys(tried) if one and one != own and self.is_own(one))

    def is_own(self, label: str) -> bool:
        """Say whether a label is the session's subject, however it is spelled."""
        return folded_text(label) == folded_text(self.subject)

    def label(self, records: Sequence[str], name: str) -> str:
        """Return the label that an object was routed to, where the name makes it; else nothing."""
        label = label_of_name(name)
        given = variables(project=self.project, subject=label, session=self.session)
        for record in records:
            script = script_of(record)
            if script in self.scripts and record_id(script, given, self.secret) == record:
                return label
        return ""


NOBODY = Routed()


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Whom an object is of, without regard to spelling. What is empty is not known."""

    name: Name
    sex: str
    birth_date: str
    mark: str = ""

    @property
    def known(self) -> int:
        """Count what is known of it."""
        parts = (any(self.name), self.sex, self.birth_date, self.mark)
        return sum(map(bool, parts))

    def differs(self, other: Identity) -> list[str]:
        """Name what tells two apart: nothing where they may be one."""
        found = []
        if any(a and b and a != b for a, b in zip(self.name, other.name, strict=True)):
            found.append("name")
        for word, one, two in (
            ("sex", self.sex, other.sex),
            ("birth date", self.birth_date, other.birth_date),
            ("subject", self.mark, other.mark),
        ):
            if one and two and one != two:
                found.append(word)
        return found

    def joined(self, other: Identity) -> Identity:
        """Return what is known of one whom both tell of."""
        return Identity(
            name=tuple(a or b for a, b in zip(self.name, other.name, strict=True)),  # type: ignore[arg-type]
            sex=self.sex or other.sex,
            birth_date=self.birth_date or other.birth_date,
            mark=self.mark or other.mark,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """One patient of a session, spelled as most of their objects do."""

    identity: Identity
    name: str
    sex: str
    birth_date: str
    patient_id: str
    own: bool
    """Whether the session's subject stands for this patient."""
    subject: str
    """The label that the objects were routed to, as far as it can be told."""
    objects: int
    files: tuple[str, ...]
    """Below the session's folder; empty where the session has only this patient."""

    @property
    def elsewhere(self) -> bool:
        """Whether the objects were routed to another subject than the session's."""
        return self.identity.mark not in ("", _OWN)


class _Group:
    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.files: list[ObjectFacts] = []

    def add(self, identity: Identity, files: Iterable[ObjectFacts]) -> None:
        self.identity = self.identity.joined(identity)
        self.files += files


def patients(facts: Iterable[ObjectFacts], routed: Routed) -> tuple[Patient, ...]:
    """Tell the patients of a session apart, the one with the most objects first."""
    by_identity: defaultdict[Identity, list[ObjectFacts]] = defaultdict(list)
    identities: dict[tuple[tuple[str, ...], tuple[str, ...]], Identity] = {}
    for fact in facts:
        # Whole series share their values and their records: few are looked at.
        key = (fact.values, fact.records)
        identity = identities.get(key)
        if identity is None:
            identity = identities[key] = _identity(fact, routed)
        by_identity[identity].append(fact)
    groups: list[_Group] = []
    for identity, files in sorted(by_identity.items(), key=_most_known):
        group = next((one for one in groups if not one.identity.differs(identity)), None)
        if group is None:
            group = _Group(identity)
            groups.append(group)
        group.add(identity, files)
    groups.sort(key=lambda group: -len(group.files))
    several = len(groups) > 1
    found = tuple(_patient(group, routed, several=several) for group in groups)
    if any(one.own for one in found):
        return found
    # The subject comes from no name: it stands for all who were not routed to another one.
    return tuple(
        replace(one, own=True, subject=routed.subject) if not one.identity.mark else one
        for one in found
    )


def differences(found: Sequence[Patient]) -> list[str]:
    """Name what tells patients apart, without values."""
    pairs = ((a, b) for number, a in enumerate(found) for b in found[number + 1 :])
    told = dict.fromkeys(word for a, b in pairs for word in a.identity.differs(b.identity))
    return [word for word in ("name", "sex", "birth date", "subject") if word in told]


def folded_name(text: str) -> Name:
    """Return a name without what is insignificant: case, blanks, delimiters that end it, and the
    character set that it was written in."""
    groups = [folded_text(group) for group in text.split("=")[:3]]
    first, second, third = (*groups, "", "", "")[:3]
    return first, second, third


@lru_cache(maxsize=4096)
def folded_text(text: str) -> str:
    """Fold one way of writing a name, or the label that was made of it."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(part for part in _APART.split(normal) if part)


def _identity(fact: ObjectFacts, routed: Routed) -> Identity:
    name = fact["PatientName"]
    return Identity(
        name=folded_name(name),
        sex=_SEXES.get(fact["PatientSex"].upper(), ""),
        birth_date=iso_date(fact["PatientBirthDate"]),
        mark=routed.mark(fact.records, name),
    )


def _most_known(item: tuple[Identity, list[ObjectFacts]]) -> tuple[int, int, str]:
    identity, files = item
    return -identity.known, -len(files), files[0].path


def _patient(group: _Group, routed: Routed, *, several: bool) -> Patient:
    def told(attribute: str) -> str:
        return next((fact[attribute] for fact in group.files if fact[attribute]), "")

    name = told("PatientName")
    mark = group.identity.mark
    own = mark == _OWN or (not mark and routed.is_own(label_of_name(name)))
    labels = (routed.label(fact.records, fact["PatientName"]) for fact in group.files[:1])
    return Patient(
        identity=group.identity,
        name=name,
        sex=told("PatientSex"),
        birth_date=told("PatientBirthDate"),
        patient_id=told("PatientID"),
        own=own,
        subject=routed.subject if own else next(labels, ""),
        objects=len(group.files),
        files=tuple(fact.path for fact in group.files) if several else (),
    )
