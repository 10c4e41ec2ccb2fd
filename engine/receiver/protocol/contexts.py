# SPDX-License-Identifier: Apache-2.0
"""Which presentation contexts a receiver accepts: Verification and every storage class, standard,
retired and private, in every transfer syntax that is allowed in a file, and Storage Commitment in
those that it reads. Encoding is done elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from engine.dicom import commitment, tables, transfer_syntaxes
from engine.receiver.protocol.associate import (
    AssociateRequest,
    CommonExtended,
    ContextAnswer,
    ProposedContext,
    Role,
)

VERIFICATION = tables.VERIFICATION
STORAGE_SERVICE = "1.2.840.10008.4.2"
_UID_LENGTH = 64
_MOST_SYNTAXES = 64
"""Transfer syntaxes of one context that may be remembered with its answer."""
_TELLING_VR = (transfer_syntaxes.EXPLICIT, transfer_syntaxes.EXPLICIT_BIG_ENDIAN)

_READ = (transfer_syntaxes.IMPLICIT, transfer_syntaxes.EXPLICIT)
"""In which requests of Storage Commitment are read."""

ACCEPTED = 0
ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED = 4

_COMPOSITE = "1.2.840.10008.5.1.4.1.1."
_NO_PATIENT = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.200.1",
        "1.2.840.10008.5.1.4.1.1.200.3",
        "1.2.840.10008.5.1.4.1.1.200.7",
        "1.2.840.10008.5.1.4.1.1.201.1",
    }
)
"""Protocols and inventories: they belong to no patient, so no session could hold them."""


NEWER_STORAGE = {
    "1.2.840.10008.5.1.4.1.1.9.100.1": "Waveform Presentation State Storage",
    "1.2.840.10008.5.1.4.1.1.9.100.2": "Waveform Acquisition Presentation State Storage",
    "1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage",
    "1.2.840.10008.5.1.4.1.1.66.8": "Height Map Segmentation Storage",
    "1.2.840.10008.5.1.4.34.7": "RT Beams Delivery Instruction Storage",
    "1.2.840.10008.5.1.4.34.10": "RT Brachy Application Setup Delivery Instruction Storage",
}
"""Storage classes that are too new for the table of UIDs, or stand in another branch, by UID."""


def _standard_storage() -> set[str]:
    """Living classes, and retired ones, which old scanners still propose."""
    return {
        uid
        for uid, (name, kind, *_) in tables.uids().items()
        if uid.startswith(_COMPOSITE) and kind == "SOP Class" and "Storage" in name
    } - _NO_PATIENT


STORAGE = frozenset(_standard_storage()) | frozenset(NEWER_STORAGE)
"""Every storage SOP class of the standard; private ones are those of the receiver."""

TRANSFER_SYNTAXES = transfer_syntaxes.STORED

# PS3.4 B.3.1.2: level 2 SCP, signature level unspecified, may coerce data elements.
STORAGE_INFORMATION = bytes((2, 0, 0, 0, 1, 0))


@lru_cache(maxsize=64)
def accepted_storage(further: tuple[str, ...]) -> frozenset[str]:
    """Return the storage classes that a receiver accepts unasked: the standard's and its own."""
    return (STORAGE | frozenset(further)) - _NO_PATIENT


def storage_classes(
    common: Iterable[CommonExtended], further: tuple[str, ...] = ()
) -> frozenset[str]:
    """Add to what a receiver accepts the classes that the peer itself declares to be storage (PS3.4
    B.3.1.3)."""
    accepted = accepted_storage(further)
    declared = {
        item.sop_class
        for item in common
        if item.service_class == STORAGE_SERVICE
        and 0 < len(item.sop_class) <= _UID_LENGTH
        and item.sop_class.isprintable()
    }
    return accepted | declared if declared else accepted


def negotiate(
    request: AssociateRequest,
    preference: Sequence[str],
    further: tuple[str, ...] = (),
    *,
    commits: bool = False,
) -> tuple[ContextAnswer, ...]:
    """Answer every proposed context; `further` are storage classes beside those of the standard.

    The first of `preference` that was proposed wins, else what the sender proposed first, except
    that Implicit VR yields to Explicit VR: see `choose`. With `commits` Storage Commitment is
    served."""
    storage = storage_classes(request.user.common_extended, further)
    preferred = tuple(preference)
    # What a peer declares of its own is not kept: it may be large, and other each time.
    usual = storage is accepted_storage(further)
    return tuple(
        (_answer_again if usual and len(context.transfer_syntaxes) <= _MOST_SYNTAXES else _answer)(
            context, storage, preferred, commits
        )
        for context in request.contexts
    )


def _answer(
    context: ProposedContext, storage: frozenset[str], preference: Sequence[str], commits: bool
) -> ContextAnswer:
    transfer = ""
    if commits and context.abstract_syntax == commitment.SOP_CLASS:
        transfer = next((one for one in context.transfer_syntaxes if one in _READ), "")
        result = ACCEPTED if transfer else TRANSFER_SYNTAXES_NOT_SUPPORTED
    elif context.abstract_syntax != VERIFICATION and context.abstract_syntax not in storage:
        result = ABSTRACT_SYNTAX_NOT_SUPPORTED
    else:
        transfer = choose(context.transfer_syntaxes, preference)
        result = ACCEPTED if transfer else TRANSFER_SYNTAXES_NOT_SUPPORTED
    return ContextAnswer(
        id=context.id,
        result=result,
        abstract_syntax=context.abstract_syntax,
        transfer_syntax=transfer,
    )


# A sender proposes the same contexts each time.
_answer_again = lru_cache(maxsize=1024)(_answer)


def choose(proposed: Sequence[str], preference: Sequence[str]) -> str:
    """Choose a transfer syntax, or "" when none is common."""
    for syntax in preference:
        if syntax in proposed and syntax in TRANSFER_SYNTAXES:
            return syntax
    # By custom senders list the syntax of their files first: accepting it saves them a conversion.
    first = next((syntax for syntax in proposed if syntax in TRANSFER_SYNTAXES), "")
    if first != transfer_syntaxes.IMPLICIT:
        return first
    # Implicit VR does not tell the VR of private elements, which nobody can restore later. The
    # acceptor may choose any that was proposed (PS3.8 9.3.3.2).
    return next((syntax for syntax in _TELLING_VR if syntax in proposed), first)


def answer_roles(request: AssociateRequest, answers: Sequence[ContextAnswer]) -> tuple[Role, ...]:
    """Agree to the requestor as SCU, never as SCP: we are nobody's client (PS3.7 D.3.3.4)."""
    accepted = {answer.abstract_syntax for answer in answers if answer.result == ACCEPTED}
    return tuple(
        Role(sop_class=role.sop_class, scu=role.scu, scp=False)
        for role in {role.sop_class: role for role in request.user.roles}.values()
        if role.sop_class in accepted
    )


def answer_extended(
    request: AssociateRequest, answers: Sequence[ContextAnswer]
) -> tuple[tuple[str, bytes], ...]:
    """Say what storage means here, for each accepted storage class that was asked about."""
    accepted = {answer.abstract_syntax for answer in answers if answer.result == ACCEPTED}
    asked = dict.fromkeys(sop_class for sop_class, _ in request.user.extended)
    return tuple(
        (sop_class, STORAGE_INFORMATION)
        for sop_class in asked
        if sop_class in accepted and sop_class not in (VERIFICATION, commitment.SOP_CLASS)
    )
