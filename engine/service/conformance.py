# SPDX-License-Identifier: Apache-2.0
"""The DICOM conformance statement, `docs/conformance.md`, in the form of PS3.2. Its tables are made
from the values that the code goes by; the sentences between them are here. `make conformance`
writes it, and a test keeps page and code in step."""

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

_OVERVIEW = """# DICOM conformance statement

This page is made from the values that the code goes by: `make conformance` writes it anew. Its
form is that of PS3.2, with the parts that apply.

## 1 Overview

Anteroom receives DICOM objects over the network, sorts and reviews them, and keeps them. It sends
what it keeps to other application entities. It answers no queries, and it sends no worklists.
"""

_INTRODUCTION = """
Media: none. Anteroom writes files in the form of PS3.10, but no DICOMDIR.

## 2 Introduction

**Audience.** Administrators who connect a scanner or an archive, and whoever tests such a
connection.

**Remarks.** Conformance does not guarantee that two systems work together. A test with the
objects of the site is needed, see [interoperability.md](interoperability.md).

**Terms.** *Receiver*: an AE title on a port that takes associations; there may be many. *Remote*:
an AE that Anteroom calls. *Site script*: what an administrator has running over each object
before it is stored.

## 3 Networking

### 3.1 Implementation model

```
 scanner ──association──▶ Receiver AE ─▶ prearchive ─▶ archive ─▶ Sender AE ──association──▶ remote
```

* **Receiver AE** waits for associations. It answers verification, stores objects, and takes
  requests for a storage commitment and reports on them.
* **Sender AE** opens an association when a user has it send a session or echo a remote, and when
  the report of a storage commitment cannot go over the association of the request.

**Sequencing.** An object is answered with success only when it is safe on disk
(`dicom.durability: group`). A storage commitment is decided by what is on disk when the request
is worked on. Objects of one association are answered in the order in which they come.

### 3.2 Receiver AE

#### 3.2.1 SOP classes

As SCP, for Verification, for Storage Commitment (unless `dicom.storage_commitment` is off), and
for these storage classes, with support of level 2 (full):
"""

_PRIVATE = """
Private classes, accepted while their vendor is among `dicom.private_storage`. Others are added by
UID for all receivers (`dicom.storage_classes`) or for one (`receiver edit AE
storage_classes=UID`).
"""

_POLICIES = """
A class that is none of these is refused with result 3 (abstract syntax not supported), unless the
sender declares it to be of the storage service class by SOP Class Common Extended Negotiation.

#### 3.2.2 Association policies

**General.** The application context is `1.2.840.10008.3.1.1.1`. Associations at once, their sizes
and their times:
"""

_TRANSIENT = """
An association beyond a limit is rejected as transient, so that a sender may try again. A
connection beyond the limits of half-open ones is closed without an answer.

**Asynchronous operations.** A window of one operation each way. It is answered only where it was
proposed.

**Implementation identity.**
"""

_ACCEPTANCE = """
**Initiation.** The receiver AE opens no association.

**Acceptance.** An association is accepted if called AE title and port are those of a receiver
that is on, and if the sender is on its allow-list where it has one. It is also accepted if none
of the presentation contexts is. It is rejected otherwise:
"""

_CONTEXTS = """
An association that does not do what the standard says is ended with A-ABORT: as the service user
(source 0) before it is established and where messages make no sense, as the service provider
(source 2) with a reason where PDUs make none, on time-outs, and where the receiver stops.

**Presentation contexts.** Verification and every storage class above are accepted in these
transfer syntaxes, Storage Commitment in Implicit VR Little Endian and Explicit VR Little Endian:
"""

_CHOICE = """
Of several transfer syntaxes in one context the receiver takes the first of its
`transfer_syntaxes` that is among them, else the first that was proposed and that it accepts; but
never Implicit VR where Explicit VR was proposed as well, because Implicit VR loses the value
representations of private elements. It converts nothing: a data set is stored in the transfer
syntax in which it came, except as told under attributes that are changed.

**Extended negotiation.**
"""

_STATUSES = """
#### 3.2.3 Conformance to SOP classes

**Verification.** A C-ECHO is answered with 0000.

**Storage.** Level 2 (full): every element that was sent is kept, private ones too, unless a
script removes it. Objects are kept until a user deletes them. Statuses of C-STORE-RSP:
"""

_COMMITMENT = """
Warnings (Bxxx) are never returned. (0000,0902) Error Comment says why, in at most 64 characters
without a value of the object. A failure affects its object only; the association goes on.

**Storage Commitment** (push model, N-ACTION with action type 1). The report (N-EVENT-REPORT) goes
over the same association while that is open, else over a new one to the remote that has the AE
title of the sender. Statuses of the N-ACTION-RSP, and reasons in the report:
"""

_REPORT = """
A report that nobody takes is tried again at growing intervals up to an hour, for two days. What
the receipts do not know any more (`retention.receipts_days`) is reported as 0112.

### 3.3 Sender AE

#### 3.3.1 SOP classes

As SCU: Verification, and the storage classes of the objects that are sent. As SCP in the opened
association, by role selection: Storage Commitment, to report.

#### 3.3.2 Association policies

**General.** One association at a time for one session that is sent. The maximum PDU length is
`dicom.max_pdu`, or that of the remote. Implementation identity as above. No asynchronous
operations.

**Initiation.** On demand of a user. An association that breaks is opened again, and goes on with
what is not sent. The calling AE title is that of the remote's settings, or that of the first
receiver.

**Acceptance.** The sender AE accepts no association.

**Presentation contexts.** One for each pair of SOP class and transfer syntax of the files, with
this transfer syntax alone; nothing is converted. A session with more pairs needs several
associations.
"""

_ANSWERS = """
#### 3.3.3 Conformance to SOP classes

Statuses of a C-STORE-RSP of the remote:
"""

_CONFIGURATION = """
An object that failed is listed with the reason, and is sent again when a user retries.

### 3.4 Network interfaces

TCP/IP, IPv4 and IPv6, over whatever the operating system offers. Addresses are not looked up when
a sender connects.

### 3.5 Configuration

AE titles, ports, limits, allow-lists and TLS of receivers, and the addresses of remotes, are
configured while the engine runs ([operating.md](operating.md)). The receiver of the settings
file:
"""

_CHARSETS = """
## 4 Character sets

Specific Character Set (0008,0005) is obeyed wherever text is read, with code extensions (ISO
2022). What is stored stays in the character set in which it came; a script that writes text which
this cannot express has it replaced by ISO_IR 192. Bytes that are not valid are shown as replaced,
and are stored as they came.
"""

_SECURITY = """
## 5 Security

**Profiles.** BCP 195 RFC 9325 TLS Secure Transport Connection Profile (PS3.15 B.12), for
receivers and remotes that have TLS. TLS 1.2 is the oldest version. A port with TLS takes no plain
connection.
"""

_PEERS = """
**Peers.** A receiver can ask senders for certificates (`none`, `optional`, `required`) of a CA,
and looks at a list of revoked ones. A remote's certificate has to be valid, of its CA, and for
its name. What is said of a failed handshake is in the ledger; whom a sender's certificate names
is shown with its transfers.

**Association level.** The allow-list of a receiver: AE titles, addresses, networks, or both
together. User Identity is read over and not answered.

**Application level.** De-identification by scripts, among them those of the Basic Application
Level Confidentiality Profile (PS3.15 E) with its options
([deidentification.md](deidentification.md)). Every change is in an audit trail whose links are
chained by hashes. Syslog messages of the audit trail profile are not sent.

## 6 Annexes

### 6.1 Attributes that are changed

Without a script every data set is stored byte for byte. Group 2 is written anew:
"""

_CHANGES = """
A site script changes what it says. The script that a new home begins with:

| attribute | value |
|---|---|
| Patient's Name (0010,0010) | the label of the subject, if the object has a project |
| Patient ID (0010,0020) | the label of the session, if the object has a project |
| De-identification Method Code Sequence (0012,0064) | one item more for each script |

An object that a script changes and that came deflated or in Explicit VR Big Endian is stored in
Explicit VR Little Endian. SOP Instance UIDs change only if a script maps them.

### 6.2 Attributes that are used

SOP Class UID (0008,0016), SOP Instance UID (0008,0018) and Study Instance UID (0020,000D) must be
there and be valid, and the first two must be those of the command; without a Series Instance UID
(0020,000E) an object is held. Routing reads what its rules name. Names of files and scans are
made of Series Number (0020,0011), Instance Number (0020,0013) and UIDs.

### 6.3 Other annexes

Private attributes, coded terminology, standard extended classes, private transfer syntaxes: none
of its own.
"""

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
            _OVERVIEW,
            _table(("network service", "as SCU", "as SCP"), _services()),
            _INTRODUCTION,
            _table(("SOP class", "UID", ""), _storage()),
            _PRIVATE,
            _table(("vendor", "SOP class", "UID"), _private()),
            _table(("vendor", "named in"), _origins()),
            _POLICIES,
            _table(("limit", "value", "setting"), _limits(dicom)),
            _TRANSIENT,
            _table(
                ("", ""),
                (
                    ("Implementation Class UID", f"`{IMPLEMENTATION_CLASS_UID}`"),
                    ("Implementation Version Name", f"`{IMPLEMENTATION_VERSION}`"),
                ),
            ),
            _ACCEPTANCE,
            _table(("result", "source", "reason", "meaning"), _rejections()),
            _CONTEXTS,
            _table(("transfer syntax", "UID"), _syntaxes()),
            _CHOICE,
            _table(("item", "what is done"), _EXTENDED),
            _STATUSES,
            _table(("status", "meaning", "when"), _statuses()),
            _COMMITMENT,
            _table(("status of N-ACTION-RSP", "meaning"), _actions()),
            _table(
                ("failure reason", "when"), ((_hex(one), said) for one, said in _REASONS.items())
            ),
            _REPORT,
            _table(("limit", "value"), _calling()),
            _ANSWERS,
            _table(("status", "meaning", "the object counts as"), _replies()),
            _CONFIGURATION,
            _table(("parameter", "default", "setting"), _parameters(dicom)),
            _CHARSETS,
            _table(("character sets",), [(", ".join(_charsets()),)]),
            _SECURITY,
            _table(
                ("TLS 1.2 cipher suites of receivers (those of TLS 1.3 are all accepted)",),
                _suites(),
            ),
            _PEERS,
            _table(("element", "value"), _META),
            _CHANGES,
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


def _reasons() -> Iterable[Sequence[str]]:
    for reason, said in _REASONS.items():
        yield _hex(reason), said


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
