# SPDX-License-Identifier: Apache-2.0
"""The sentences of the DICOM conformance statement, in the order of the page; its tables, which are
made from the code, are in `conformance`."""

from __future__ import annotations

OVERVIEW = """# DICOM conformance statement

This page is made from the values that the code goes by: `make conformance` writes it anew. Its
form is that of PS3.2, with the parts that apply.

## 1 Overview

Anteroom receives DICOM objects over the network, sorts and reviews them, and keeps them. It sends
what it keeps to other application entities. It answers no queries, and it sends no worklists.
"""

INTRODUCTION = """
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

PRIVATE = """
Private classes, accepted while their vendor is among `dicom.private_storage`. Others are added by
UID for all receivers (`dicom.storage_classes`) or for one (`receiver edit AE
storage_classes=UID`).
"""

POLICIES = """
A class that is none of these is refused with result 3 (abstract syntax not supported), unless the
sender declares it to be of the storage service class by SOP Class Common Extended Negotiation.

#### 3.2.2 Association policies

**General.** The application context is `1.2.840.10008.3.1.1.1`. Associations at once, their sizes
and their times:
"""

TRANSIENT = """
An association beyond a limit is rejected as transient, so that a sender may try again. A
connection beyond the limits of half-open ones is closed without an answer.

**Asynchronous operations.** A window of one operation each way. It is answered only where it was
proposed.

**Implementation identity.**
"""

ACCEPTANCE = """
**Initiation.** The receiver AE opens no association.

**Acceptance.** An association is accepted if called AE title and port are those of a receiver
that is on, and if the sender is on its allow-list where it has one. It is also accepted if none
of the presentation contexts is. It is rejected otherwise:
"""

CONTEXTS = """
An association that does not do what the standard says is ended with A-ABORT: as the service user
(source 0) before it is established and where messages make no sense, as the service provider
(source 2) with a reason where PDUs make none, on time-outs, and where the receiver stops.

**Presentation contexts.** Verification and every storage class above are accepted in these
transfer syntaxes, Storage Commitment in Implicit VR Little Endian and Explicit VR Little Endian:
"""

CHOICE = """
Of several transfer syntaxes in one context the receiver takes the first of its
`transfer_syntaxes` that is among them, else the first that was proposed and that it accepts; but
never Implicit VR where Explicit VR was proposed as well, because Implicit VR loses the value
representations of private elements. It converts nothing: a data set is stored in the transfer
syntax in which it came, except as told under attributes that are changed.

**Extended negotiation.**
"""

STATUSES = """
#### 3.2.3 Conformance to SOP classes

**Verification.** A C-ECHO is answered with 0000.

**Storage.** Level 2 (full): every element that was sent is kept, private ones too, unless a
script removes it. Objects are kept until a user deletes them. Statuses of C-STORE-RSP:
"""

COMMITMENT = """
Warnings (Bxxx) are never returned. (0000,0902) Error Comment says why, in at most 64 characters
without a value of the object. A failure affects its object only; the association goes on.

**Storage Commitment** (push model, N-ACTION with action type 1). The report (N-EVENT-REPORT) goes
over the same association while that is open, else over a new one to the remote that has the AE
title of the sender. Statuses of the N-ACTION-RSP, and reasons in the report:
"""

REPORT = """
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

ANSWERS = """
#### 3.3.3 Conformance to SOP classes

Statuses of a C-STORE-RSP of the remote:
"""

CONFIGURATION = """
An object that failed is listed with the reason, and is sent again when a user retries.

### 3.4 Network interfaces

TCP/IP, IPv4 and IPv6, over whatever the operating system offers. Addresses are not looked up when
a sender connects.

### 3.5 Configuration

AE titles, ports, limits, allow-lists and TLS of receivers, and the addresses of remotes, are
configured while the engine runs ([operating.md](operating.md)). The receiver of the settings
file:
"""

CHARSETS = """
## 4 Character sets

Specific Character Set (0008,0005) is obeyed wherever text is read, with code extensions (ISO
2022). What is stored stays in the character set in which it came; a script that writes text which
this cannot express has it replaced by ISO_IR 192. Bytes that are not valid are shown as replaced,
and are stored as they came.
"""

SECURITY = """
## 5 Security

**Profiles.** BCP 195 RFC 9325 TLS Secure Transport Connection Profile (PS3.15 B.12), for
receivers and remotes that have TLS. TLS 1.2 is the oldest version. A port with TLS takes no plain
connection.
"""

PEERS = """
**Peers.** A receiver can ask senders for certificates (`none`, `optional`, `required`) of a CA,
and looks at a list of revoked ones. A remote's certificate has to be valid, of its CA, and for
its name. What is said of a failed handshake is in the ledger; whom a sender's certificate names
is shown with its transfers.

**Association level.** The allow-list of a receiver: AE titles, addresses, networks, or both
together. User Identity is read over and not answered.

**Application level.** De-identification by scripts, among them those of the Basic Application
Level Confidentiality Profile (PS3.15 E) with its options
([deidentification.md](deidentification.md)). Every change is in an audit trail whose links are
chained by hashes. With `audit.syslog` each event is sent as
a message of the audit trail message format profile (PS3.15 A.5) by syslog over TLS, TCP or UDP
(A.6, A.7), in their order and at least once.

## 6 Annexes

### 6.1 Attributes that are changed

Without a script every data set is stored byte for byte. Group 2 is written anew:
"""

CHANGES = """
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
