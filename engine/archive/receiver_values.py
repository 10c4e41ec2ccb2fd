# SPDX-License-Identifier: Apache-2.0
"""What the values of an added receiver may be: each mistake is refused with a sentence that says
what is wrong. Where they are kept is `receivers`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import replace

from engine.dicom import tables, transfer_syntaxes
from engine.dicom.names import FileNameTemplate
from engine.model.archive import Receiver
from engine.model.errors import InvalidInput
from engine.model.expectations import UID, between, rule_of
from engine.model.settings import DicomSettings

PORTS = range(1024, 49152)
_AE_TITLE_LENGTH = 16
_AE_TITLE_HINT = "use 1 to 16 printable ASCII characters without a backslash"
_ALLOW_HINT = "write an AE title, an address, a network such as 10.1.0.0/16, or AE@address"
_MOST_PER_PEER = between(1, 10_000)
_NUMBERS = {
    "max_pdu": rule_of(DicomSettings, "max_pdu"),
    "max_associations": rule_of(DicomSettings, "max_associations"),
    "max_per_peer": _MOST_PER_PEER,
    "idle_timeout": rule_of(DicomSettings, "idle_timeout"),
}
_OWN_NAMES = ("engine", "timer", "auto-archive")
"""The engine acts by these itself."""
_STANDARD, _STORAGE = "1.2.840.10008.", "1.2.840.10008.5.1.4."
_ZERO = {"max_per_peer": "any number"}

# An AE title may look like much, but hardly like one of these.
_LIKE_IPV4 = re.compile(r"[0-9]+(\.[0-9]*)+(/.*)?")
_LIKE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(/.*)?")


def checked(receiver: Receiver, before: Receiver | None = None) -> Receiver:
    """Return a receiver with its values as they are kept.

    Entries of the allow-list that `before` has are kept, whatever they are: they were taken once.

    Raises:
        InvalidInput: if one of the values is not allowed.
    """
    if receiver.port not in PORTS:
        raise InvalidInput(
            f"{receiver.port} cannot be the port of a receiver",
            hint=f"use {PORTS.start} to {PORTS.stop - 1}",
        )
    known = before.allow if before is not None else ()
    for name, rule in _NUMBERS.items():
        value = getattr(receiver, name)
        if value and rule is not None and not rule.holds(value):
            zero = _ZERO.get(name, "what the settings file says")
            raise InvalidInput(f"{name}: expected {rule.words}, or 0 for {zero}")
    return replace(
        receiver,
        ae_title=checked_ae_title(receiver.ae_title),
        allow=tuple(
            dict.fromkeys(
                entry if entry in known else _checked_entry(entry) for entry in receiver.allow
            )
        ),
        transfer_syntaxes=_checked_syntaxes(receiver.transfer_syntaxes),
        account=_checked_account(receiver.account.strip()),
        file_name_template=_checked_template(receiver.file_name_template.strip()),
        storage_classes=_checked_classes(receiver.storage_classes),
    )


def checked_ae_title(ae_title: str) -> str:
    """Return an AE title without its padding.

    Raises:
        InvalidInput: it is empty, longer than 16, or has a backslash or a control character
            (PS3.5 6.2, AE).
    """
    title = ae_title.strip(" ")
    if fault := _title_fault(title):
        raise InvalidInput(f"{ae_title!r} cannot be an AE title: {fault}", hint=_AE_TITLE_HINT)
    return title


def _title_fault(title: str) -> str:
    if not title:
        return "it is empty"
    if len(title) > _AE_TITLE_LENGTH:
        return f"it is longer than {_AE_TITLE_LENGTH} characters"
    if "\\" in title or not all(" " <= character <= "~" for character in title):
        return "it holds a character that no AE title may have"
    return ""


def _checked_entry(entry: str) -> str:
    """Return an entry of an allow-list, read as `receiver.protocol.admission` will read it."""
    text = entry.strip()
    if fault := _entry_fault(text):
        raise InvalidInput(f"{entry!r} cannot be in the allow-list: {fault}", hint=_ALLOW_HINT)
    return text


def _entry_fault(text: str) -> str:
    if _place_fault(text) == "":
        return ""
    title, at, place = text.rpartition("@")
    title, place = title.strip(), place.strip()
    if not at:
        if _is_like_a_place(text):
            return _place_fault(text)
        return (fault := _title_fault(text)) and f"as an AE title {fault}"
    if place_fault := _place_fault(place):
        # An AE title may hold an "@", but hardly one with an address or the name of a host behind.
        if not place or _is_like_a_place(place) or "." in place or "/" in place:
            return f"after the @, {place_fault}"
        return (fault := _title_fault(text)) and f"as an AE title {fault}"
    return (fault := _title_fault(title)) and f"before the @ stands no AE title: {fault}"


def _is_like_a_place(text: str) -> bool:
    return bool(_LIKE_IPV4.fullmatch(text) or _LIKE_IPV6.fullmatch(text))


def _place_fault(text: str) -> str:
    """Say what is wrong with an address or a network; empty for nothing."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    else:
        return ""
    place, slash, _ = text.partition("/")
    try:
        address = ipaddress.ip_address(place.strip())
    except ValueError:
        return f"{place!r} is not an address"
    assert slash
    return f"the number behind the / goes from 0 to {address.max_prefixlen}"


def _checked_syntaxes(texts: Iterable[str]) -> tuple[str, ...]:
    found = []
    for text in texts:
        uid = transfer_syntaxes.uid_of(text.strip())
        if not uid:
            raise InvalidInput(
                f"{text!r} is not a transfer syntax of stored objects",
                hint="use UIDs or keywords such as ExplicitVRLittleEndian or JPEGLSLossless",
            )
        found.append(uid)
    return tuple(dict.fromkeys(found))


def _checked_account(account: str) -> str:
    rule = rule_of(DicomSettings, "account")
    if rule is not None and not rule.holds(account):
        raise InvalidInput(f"account: expected {rule.words}")
    if account in _OWN_NAMES:
        raise InvalidInput(
            f"account: the engine itself acts as {account}",
            hint="use the name of a person or of a service that can answer for it",
        )
    return account


def _checked_template(template: str) -> str:
    """Return a template of file names that gives two objects two names; empty for none."""
    rule = rule_of(DicomSettings, "file_name_template")
    if not template:
        return ""
    problems = FileNameTemplate(template).check()
    if problems:
        raise InvalidInput(f"file_name_template: {problems[0]}")
    if rule is not None and not rule.holds(template):
        raise InvalidInput(f"file_name_template: expected {rule.words}")
    return template


def _checked_classes(uids: Iterable[str]) -> tuple[str, ...]:
    """Return UIDs of storage classes, as far as it can be told that they are."""
    found = []
    for uid in (uid.strip() for uid in uids):
        if not UID.fullmatch(uid):
            raise InvalidInput(f"storage_classes: {uid!r} is no UID")
        name, kind, *_ = tables.uids().get(uid, ("", ""))
        is_other = bool(kind) and (kind != "SOP Class" or "Storage" not in name)
        if is_other or (uid.startswith(_STANDARD) and not uid.startswith(_STORAGE)):
            raise InvalidInput(
                f"storage_classes: {uid} is no storage class",
                hint="name private classes by the UIDs of their vendor's conformance statement",
            )
        found.append(uid)
    return tuple(dict.fromkeys(found))
