# SPDX-License-Identifier: Apache-2.0
"""The DICOM conformance statement, `docs/conformance.md`, in the form of PS3.2. Its tables are made
from the values that the code goes by; the sentences between them are in `conformance_text`.
`make conformance` writes it, and a test keeps page and code in step."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from engine.dicom import charset, commitment, private_storage, tables, transfer_syntaxes
from engine.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from engine.intake import answers
from engine.model.expectations import rule_of
from engine.model.remotes import ANSWER_SECONDS, CONNECT_SECONDS
from engine.model.settings import DicomSettings, DiskSettings
from engine.receiver.protocol import admission, contexts, dimse, pdu, tls
from engine.receiver.protocol.dimse import DimseStatus
from engine.remotes import sending
from engine.remotes.plan import MOST_CONTEXTS
from engine.service import conformance_text as text

_MEANINGS = {
    answers.SUCCESS: (
        "success",
        "the object is stored, kept beside another of its UID, held for review, or counted as a "
        "duplicate or as rejected by a script",
    ),
    answers.OUT_OF_RESOURCES: (
        "refused: out of resources",
        "the disk is nearly full, or storing failed; or a script failed and `script_error` is "
        "`refuse`. Nothing is kept; try again",
    ),
    answers.MISMATCH: (
        "error: data set does not match SOP class",
        "the UIDs of command and data set differ. Nothing is kept",
    ),
    answers.CANNOT_UNDERSTAND: (
        "error: cannot understand",
        "UIDs are missing or malformed, the data set is empty, or it is no DICOM. Nothing is kept",
    ),
    DimseStatus.PROCESSING_FAILURE: (
        "processing failure",
        "a fault of the receiver. Nothing is kept",
    ),
    DimseStatus.INVALID_INSTANCE: (
        "invalid object instance",
        "the SOP Instance UID of the command is missing or malformed",
    ),
    DimseStatus.SOP_CLASS_NOT_SUPPORTED: (
        "SOP class not supported",
        "the class of the command is not that of its presentation context",
    ),
    DimseStatus.UNRECOGNIZED_OPERATION: (
        "unrecognized operation",
        "a service other than those told here",
    ),
}

_REASONS = {
    commitment.Reason.COMMITTED: "committed: it stands in Referenced SOP Sequence (0008,1199)",
    commitment.Reason.PROCESSING_FAILURE: "what is known of it could not be read",
    commitment.Reason.NO_SUCH_OBJECT: "it is not here, or not any more",
    commitment.Reason.CLASS_INSTANCE_CONFLICT: "it is of another SOP class",
    commitment.Reason.DUPLICATE_TRANSACTION: "the Transaction UID was used before",
}

_EXTENDED = (
    ("SOP Class Extended (storage)", "answered where asked: level 2, no signatures, may coerce"),
    ("SOP Class Common Extended", "read: what is declared to be storage is accepted"),
    ("SCP/SCU Role Selection", "SCU of the sender is agreed to, SCP never"),
    ("Asynchronous Operations Window", "answered where asked: one operation at a time"),
    ("User Identity", "read over, never answered"),
)


def page() -> str:
    """Return the page."""
    dicom = DicomSettings()
    return "".join(
        (
            text.OVERVIEW,
            _table(("network service", "as SCU", "as SCP"), _services()),
            text.INTRODUCTION,
            _table(("SOP class", "UID", ""), _storage()),
            text.PRIVATE,
            _table(("vendor", "SOP class", "UID"), _private()),
            _table(("vendor", "named in"), _origins()),
            text.POLICIES,
            _table(("limit", "value", "setting"), _limits(dicom)),
            text.TRANSIENT,
            _table(
                ("", ""),
                (
                    ("Implementation Class UID", f"`{IMPLEMENTATION_CLASS_UID}`"),
                    ("Implementation Version Name", f"`{IMPLEMENTATION_VERSION}`"),
                ),
            ),
            text.ACCEPTANCE,
            _table(("result", "source", "reason", "meaning"), _rejections()),
            text.CONTEXTS,
            _table(("transfer syntax", "UID"), _syntaxes()),
            text.CHOICE,
            _table(("item", "what is done"), _EXTENDED),
            text.STATUSES,
            _table(("status", "meaning", "when"), _statuses()),
            text.COMMITMENT,
            _table(("status of N-ACTION-RSP", "meaning"), _actions()),
            _table(
                ("failure reason", "when"), ((_hex(one), said) for one, said in _REASONS.items())
            ),
            text.REPORT,
            _table(("limit", "value"), _calling()),
            text.ANSWERS,
            _table(("status", "meaning", "the object counts as"), _replies()),
            text.CONFIGURATION,
            _table(("parameter", "default", "setting"), _parameters(dicom)),
            text.CHARSETS,
            _table(("character sets",), [(", ".join(_charsets()),)]),
            text.SECURITY,
            _table(
                ("TLS 1.2 cipher suites of receivers (those of TLS 1.3 are all accepted)",),
                _suites(),
            ),
            text.PEERS,
            _table(("element", "value"), _META),
            text.CHANGES,
        )
    )


_UTF_8, _EXTENSIONS = 192, (58, 149)
"""Numbers of the ISO registry; the latter are of code extensions only."""

_META = (
    ("preamble", "128 bytes of zero"),
    ("Media Storage SOP Class and Instance UID (0002,0002), (0002,0003)", "those of the object"),
    ("Transfer Syntax UID (0002,0010)", "that of the presentation context"),
    ("Implementation Class UID, Version Name (0002,0012), (0002,0013)", "those above"),
    ("Source Application Entity Title (0002,0016)", "the calling AE title"),
)


def _services() -> Iterable[Sequence[str]]:
    yield f"Verification `{contexts.VERIFICATION}`", "yes", "yes"
    yield f"Storage, {len(contexts.STORAGE)} standard classes", "yes", "yes"
    yield f"Storage, {len(private_storage.CLASSES)} private classes", "yes", "yes"
    yield f"Storage Commitment Push Model `{commitment.SOP_CLASS}`", "no", "yes"


def _storage() -> Iterable[Sequence[str]]:
    known = tables.uids()
    for uid in sorted(contexts.STORAGE, key=_numbers):
        name, _, _, retired, *_ = known.get(uid, ("", "", "", "", ""))
        yield contexts.NEWER_STORAGE.get(uid) or name, f"`{uid}`", retired.lower()


def _private() -> Iterable[Sequence[str]]:
    for one in private_storage.CLASSES:
        yield one.vendor, one.name, f"`{one.uid}`"


def _origins() -> Iterable[Sequence[str]]:
    for vendor in private_storage.VENDORS:
        yield vendor, next(o.origin for o in private_storage.CLASSES if o.vendor == vendor)


def _limits(dicom: DicomSettings) -> Iterable[Sequence[str]]:
    yield "associations of a receiver", str(dicom.max_associations), _set("max_associations")
    yield "associations of one address at a receiver", "any number", "of a receiver: `max_per_peer`"
    yield "connections without an association", str(admission.HALF_OPEN), "fixed"
    yield "the same of one address", str(admission.HALF_OPEN_PER_PEER), "fixed"
    yield "PDU length offered, bytes", str(dicom.max_pdu), _set("max_pdu")
    yield "A-ASSOCIATE-RQ, bytes", str(pdu.LARGEST_ASSOCIATE), "fixed"
    yield "command set, bytes", str(dimse.LARGEST_COMMAND), "fixed"
    yield "data set", "as much as the disk holds", ""
    yield "disk that stays free, bytes", str(DiskSettings().keep_free), "`disk.keep_free`"
    yield "objects of a storage commitment", str(commitment.MOST_OBJECTS), "fixed"
    yield "ARTIM, seconds", f"{dicom.artim_timeout:g}", _set("artim_timeout")
    yield "silence of a sender, seconds", f"{dicom.idle_timeout:g}", _set("idle_timeout")


def _rejections() -> Iterable[Sequence[str]]:
    kinds = {1: "1 permanent", 2: "2 transient"}
    sources = {1: "1 user", 2: "2 provider (ACSE)", 3: "3 provider (presentation)"}
    for one in admission.RejectReason:
        result, source, reason = one.codes
        yield kinds[result], sources[source], str(reason), one.sentence


def _syntaxes() -> Iterable[Sequence[str]]:
    for uid in sorted(contexts.TRANSFER_SYNTAXES, key=_numbers):
        yield transfer_syntaxes.keyword_of(uid), f"`{uid}`"


def _statuses() -> Iterable[Sequence[str]]:
    for status, (meaning, when) in _MEANINGS.items():
        yield _hex(status), meaning, when


def _actions() -> Iterable[Sequence[str]]:
    yield _hex(DimseStatus.SUCCESS), "the request is written down, and will be reported on"
    for one in (
        DimseStatus.NO_SUCH_INSTANCE,
        DimseStatus.NO_SUCH_ACTION,
        *commitment.RequestStatus,
    ):
        yield _hex(one), one.name.lower().replace("_", " ")


def _calling() -> Iterable[Sequence[str]]:
    yield "presentation contexts of one association", str(MOST_CONTEXTS)
    yield (
        "until the association is open, seconds (of a remote: `connect_timeout`)",
        (f"{CONNECT_SECONDS:g}"),
    )
    yield "for an answer, seconds (of a remote: `answer_timeout`)", f"{ANSWER_SECONDS:g}"
    yield "connections that may break at one object before it is left out", str(sending.STRIKES)


def _replies() -> Iterable[Sequence[str]]:
    yield "0000", "success", "sent"
    for status, said in sending.WARNINGS.items():
        yield _hex(status), said, "sent, with a warning"
    for status, said in sending.FAILURES.items():
        yield _hex(status), said, "failed"
    for kind, said in sending.KINDS.items():
        yield f"{kind:02X}xx", said, "failed"
    yield "Cxxx", "the remote cannot understand it", "failed"


def _parameters(dicom: DicomSettings) -> Iterable[Sequence[str]]:
    yield "AE title", f"`{dicom.ae_title}`", _set("ae_title")
    yield "port", str(dicom.port), _set("port")
    yield "address", f"`{dicom.host}`", _set("host")
    yield "durability", dicom.durability.value, "`dicom.durability`: group or none"
    yield "TLS", "off", "`dicom.tls`"


def _charsets() -> Iterable[str]:
    yield "default (ISO_IR 6)"
    for number in sorted(charset.CODECS):
        if number == _UTF_8:
            yield "ISO_IR 192 (UTF-8)"
        elif number in _EXTENSIONS:
            yield f"ISO 2022 IR {number}"
        else:
            yield f"ISO_IR {number} and ISO 2022 IR {number}"
    yield "ISO 2022 IR 87"
    yield "ISO 2022 IR 159"
    yield "GB18030"
    yield "GBK"


def _suites() -> Iterable[Sequence[str]]:
    for suite in tls.SUITES:
        yield (f"`{suite}`",)


def _set(name: str) -> str:
    rule = rule_of(DicomSettings, name)
    return f"`dicom.{name}`" + (f": {rule.words}" if rule is not None else "")


def _hex(status: int) -> str:
    return f"{status:04X}"


def _numbers(uid: str) -> tuple[int, ...]:
    return tuple(map(int, uid.split(".")))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
