# SPDX-License-Identifier: Apache-2.0
"""The questions about receivers: adding one, changing its settings, stopping it, and the equivalent
commands. Pure; the engine decides what is allowed."""

from __future__ import annotations

import shlex

from console.views.project_settings import names
from console.views.question import (
    NO,
    UNCHANGED,
    YES,
    YES_NO,
    Answers,
    Field,
    Question,
    differing,
    edit_command,
    flag,
    yes_no,
)
from engine.model.archive import ClientCertificates, Durability, OnScriptError
from engine.model.live import ReceiverStatus

FROM_SETTINGS = (
    "it is the receiver of the settings file: change it in anteroom.yaml, start the engine again"
)
_ALLOW_HINT = "AE, address/CIDR or AE@address; commas; empty: all"
_EFFECT = "It takes effect at once; open associations keep the old values."
# Without hints of their own the questions are whole at 80x24.
_LIMITS = {
    "transfer_syntaxes": "Transfer syntaxes",
    "max_pdu": "Largest PDU, bytes",
    "max_associations": "Associations",
    "max_per_peer": "… of one address",
    "idle_timeout": "Idle time-out, s",
}
_STORING = {
    "file_name_template": "File names",
    "durability": "Durability",
    "storage_classes": "Storage classes",
    "account": "Account",
    "script_error": "If a script fails",
}
_TLS_FILES = {
    "certificate": "Certificate",
    "key": "Key",
    "client_ca": "CA of senders",
    "crl": "Revocation list",
}
_CHOICES = {"durability": ("", *Durability), "script_error": tuple(OnScriptError)}
_ASKING = tuple(ClientCertificates)
_FLAGS = {"anonymize": "Anonymize", "rules_enabled": "Own rules", "allow_enabled": "Allow-list on"}
_TLS_ON, _NEEDED_FILES = "tls", ("certificate", "key")


def new_question() -> Question:
    """Ask for a new receiver."""
    return Question(
        title="New receiver",
        act="Add",
        says=(
            "It listens at once, by the rules of the site; enter on it changes that.",
            "Ports from 1024 to 49151; several AE titles may share one.",
        ),
        fields=(
            Field(name="ae_title", label="AE title", needed=True),
            Field(name="port", label="Port", needed=True),
            Field(name="allow", label="Who may send", hint=_ALLOW_HINT),
            Field(name=_TLS_ON, label="TLS", value=NO, choices=YES_NO),
            *(Field(name=name, label=_TLS_FILES[name]) for name in _NEEDED_FILES),
        ),
        command=_add_command,
        fault=lambda given: _wrong(given) or _wrong_tls(given),
    )


def first_values(given: Answers) -> dict[str, str]:
    """Return what a new receiver is to have beside its name, its port and its allow-list."""
    if given[_TLS_ON] != YES:
        return {}
    return {_TLS_ON: flag(YES)} | {name: given[name] for name in _NEEDED_FILES}


def question(receiver: ReceiverStatus) -> Question:
    """Ask for other values of a receiver."""
    now = values(receiver)

    def wrong(given: Answers) -> str:
        return _wrong(given) or ("" if changes(receiver, given) else UNCHANGED)

    return Question(
        title=f"Receiver {receiver.ae_title} on port {receiver.port}",
        act="Change it",
        says=(_EFFECT,),
        fields=(
            Field(name="ae_title", label="AE title", value=now["ae_title"], needed=True),
            Field(name="port", label="Port", value=now["port"], needed=True),
            Field(name="allow", label="Who may send", value=now["allow"]),
            *(
                Field(name=name, label=label, value=now[name], choices=YES_NO)
                for name, label in _FLAGS.items()
            ),
        ),
        command=lambda given: _edit_command(receiver, given),
        fault=wrong,
    )


def limits_question(receiver: ReceiverStatus) -> Question:
    """Ask for other transfer syntaxes and limits of a receiver."""
    now = values(receiver)
    return Question(
        title=f"Limits of {receiver.ae_title} on port {receiver.port}",
        act="Change it",
        says=(
            _EFFECT,
            "0: what the settings file says; of one address: any number.",
            "Transfer syntaxes: those preferred, by keyword or UID, with commas.",
        ),
        fields=tuple(
            Field(name=name, label=label, value=now[name]) for name, label in _LIMITS.items()
        ),
        command=lambda given: _edit_command(receiver, given),
        fault=lambda given: "" if changes(receiver, given) else UNCHANGED,
    )


def storing_question(receiver: ReceiverStatus) -> Question:
    """Ask how a receiver keeps what it gets, and on whose account."""
    now = values(receiver)
    return Question(
        title=f"Storage of {receiver.ae_title} on port {receiver.port}",
        act="Change it",
        says=(
            _EFFECT,
            "Empty: as the settings file says. File names need SOPInstanceUID.",
            "Storage classes: those beside the usual ones, by UID, with commas.",
            "Account: the actor for its sessions. If a script fails: hold or refuse.",
        ),
        fields=tuple(
            Field(name=name, label=label, value=now[name], choices=_CHOICES.get(name, ()))
            for name, label in _STORING.items()
        ),
        command=lambda given: _edit_command(receiver, given),
        fault=lambda given: "" if changes(receiver, given) else UNCHANGED,
    )


def tls_question(receiver: ReceiverStatus) -> Question:
    """Ask for other TLS settings of a receiver."""
    now = values(receiver)

    def wrong(given: Answers) -> str:
        if given["client_certificates"] not in _ASKING:
            return f"client certificates: {', '.join(_ASKING)}"
        if fault := _wrong_tls(given):
            return fault
        return "" if changes(receiver, given) else UNCHANGED

    return Question(
        title=f"TLS of {receiver.ae_title} on port {receiver.port}",
        act="Change it",
        says=(
            _EFFECT,
            "Whole paths of PEM files; only the engine may read the key.",
            f"Client certificates: {', '.join(_ASKING)}.",
        ),
        fields=(
            Field(name=_TLS_ON, label="TLS", value=now[_TLS_ON], choices=YES_NO),
            *(Field(name=name, label=label, value=now[name]) for name, label in _TLS_FILES.items()),
            Field(
                name="client_certificates",
                label="Client certificates",
                value=now["client_certificates"],
                choices=_ASKING,
            ),
        ),
        command=lambda given: _edit_command(receiver, given),
        fault=wrong,
    )


def stop_question(receiver: ReceiverStatus) -> Question:
    """Ask before a receiver is stopped."""
    name, port = receiver.ae_title, str(receiver.port)
    return Question(
        title=f"Stop {name}?",
        act="Stop it",
        keep="Keep it",
        rows=(f"{name}   port {port}",),
        says=(
            "Associations for it are refused from then on; scanners keep their images, or give up.",
            "Those that are open go on to their end. a starts it again.",
        ),
        danger=True,
        command=lambda _given: shlex.join(["anteroom", "receiver", "stop", name, "--port", port]),
    )


def values(receiver: ReceiverStatus) -> dict[str, str]:
    """Return the values of a receiver as they are typed."""
    flags = {name: yes_no(getattr(receiver, name)) for name in _FLAGS}
    return {
        "ae_title": receiver.ae_title,
        "port": str(receiver.port),
        "allow": ", ".join(receiver.allow),
        **flags,
        "transfer_syntaxes": ", ".join(receiver.transfer_syntaxes),
        "max_pdu": str(receiver.max_pdu),
        "max_associations": str(receiver.max_associations),
        "max_per_peer": str(receiver.max_per_peer),
        "idle_timeout": f"{receiver.idle_timeout:g}",
        _TLS_ON: yes_no(receiver.tls),
        "certificate": receiver.certificate,
        "key": receiver.key,
        "client_ca": receiver.client_ca,
        "client_certificates": receiver.client_certificates.value,
        "crl": receiver.crl,
        "account": receiver.account,
        "file_name_template": receiver.file_name_template,
        "durability": receiver.durability.value if receiver.durability is not None else "",
        "storage_classes": ", ".join(receiver.storage_classes),
        "script_error": receiver.script_error.value,
    }


def changes(receiver: ReceiverStatus, given: Answers) -> dict[str, str]:
    """Return what differs, as the engine takes it."""
    found = differing(values(receiver), given, (*_FLAGS, _TLS_ON))
    if "allow" in found:
        # A new list would take effect by itself, whatever else is answered.
        found["allow_enabled"] = flag(given["allow_enabled"])
    if "client_ca" in found:
        # A CA would have them asked for by itself, too.
        found["client_certificates"] = given["client_certificates"]
    return found


def _edit_command(receiver: ReceiverStatus, given: Answers) -> str:
    words = ("receiver", "edit", receiver.ae_title)
    return edit_command(words, changes(receiver, given), "--port", str(receiver.port))


def _wrong(given: Answers) -> str:
    if not given["port"].isdecimal():
        return "the port is a number"
    for name, label in _FLAGS.items():
        if name in given and given[name] not in YES_NO:
            return f"{label.lower()}: yes or no"
    if given.get("allow_enabled") == YES and not names(given["allow"]):
        return "the allow-list is empty: nobody could send"
    return ""


def _wrong_tls(given: Answers) -> str:
    if given[_TLS_ON] not in YES_NO:
        return "TLS: yes or no"
    if given[_TLS_ON] == YES and not all(given[name] for name in _NEEDED_FILES):
        return "TLS needs a certificate and a key"
    return ""


def _add_command(given: Answers) -> str:
    words = ["anteroom", "receiver", "add", given["ae_title"] or "AE"]
    words += ["--port", given["port"] or "PORT"]
    for one in names(given["allow"]):
        words += ["--allow", one]
    words += [f"{name}={text}" for name, text in first_values(given).items()]
    return shlex.join(words)
