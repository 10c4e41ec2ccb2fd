# SPDX-License-Identifier: Apache-2.0
"""DICOM receivers that users have added. The receiver of the settings file is not here, and nothing
here listens: the receiver processes follow these rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history
from engine.archive.audit.trail import record
from engine.archive.configuration import bump, lock
from engine.archive.receiver_values import checked
from engine.archive.tables import ReceiverRow
from engine.model.archive import ClientCertificates, Durability, OnScriptError, Receiver
from engine.model.errors import Conflict, NotFound

_KIND = "receiver"


async def all_of(session: AsyncSession) -> tuple[Receiver, ...]:
    """Return all added receivers, by port and AE title."""
    rows = await session.scalars(
        select(ReceiverRow).order_by(ReceiverRow.port, ReceiverRow.ae_title)
    )
    return tuple(_receiver(row) for row in rows)


async def show(session: AsyncSession, ae_title: str, port: int) -> Receiver:
    """Return one receiver.

    Raises:
        NotFound: no receiver of this AE title and port was added.
    """
    return _receiver(await _row(session, ae_title, port))


async def add(session: AsyncSession, receiver: Receiver, *, actor: str) -> Receiver:
    """Add a receiver.

    Raises:
        InvalidInput: one of its values is not allowed.
        Conflict: the pair of AE title and port is taken, or the port has other TLS settings.
    """
    wanted = checked(receiver)
    await lock(session)
    await _check_tls(session, wanted)
    if await _find(session, wanted.ae_title, wanted.port) is not None:
        raise _taken(wanted)
    row = ReceiverRow()
    _fill(row, wanted)
    session.add(row)
    await session.flush()
    name = name_of(wanted)
    history.keep(session, _KIND, name, actor, "Added")
    record(session, actor, "Added receiver", name, _detail(row))
    await bump(session)
    return _receiver(row)


async def edit(
    session: AsyncSession, ae_title: str, port: int, receiver: Receiver, *, actor: str
) -> Receiver:
    """Make the receiver of this AE title and port be what `receiver` says; it may also move.

    Raises:
        NotFound: no receiver of this AE title and port was added.
        InvalidInput: one of the new values is not allowed.
        Conflict: the new pair of AE title and port is taken, or the port has other TLS settings.
    """
    await lock(session)
    row = await _row(session, ae_title, port)
    wanted = checked(receiver, _receiver(row))
    before = history.state(row)
    old_detail = _detail(row)
    other = await _find(session, wanted.ae_title, wanted.port)
    if other is not None and other is not row:
        raise _taken(wanted)
    await _check_tls(session, wanted, row)
    old_name = name_of(row)
    _fill(row, wanted)
    await session.flush()
    new_detail = _detail(row)
    changed = {key: value for key, value in new_detail.items() if value != old_detail[key]}
    if changed:
        history.keep(session, _KIND, old_name, actor, "Modified", before)
        if name_of(row) != old_name:
            # Under its new name there was none before.
            history.keep(session, _KIND, name_of(row), actor, "Moved")
        record(session, actor, "Modified receiver", old_name, changed)
        await bump(session)
    return _receiver(row)


async def remove(session: AsyncSession, ae_title: str, port: int, *, actor: str) -> None:
    """Remove a receiver.

    Raises:
        NotFound: no receiver of this AE title and port was added.
    """
    await lock(session)
    row = await _row(session, ae_title, port)
    name = name_of(row)
    history.keep(session, _KIND, name, actor, "Removed", history.state(row))
    record(session, actor, "Removed receiver", name)
    await session.delete(row)
    await bump(session)


def name_of(receiver: Receiver | ReceiverRow) -> str:
    """Return what a receiver is called in the history and in the trail."""
    return f"{receiver.ae_title}:{receiver.port}"


def _taken(receiver: Receiver) -> Conflict:
    return Conflict(
        f"there is a receiver {receiver.ae_title} on port {receiver.port}",
        hint="choose another AE title or port",
    )


async def _find(session: AsyncSession, ae_title: str, port: int) -> ReceiverRow | None:
    found: ReceiverRow | None = await session.scalar(
        select(ReceiverRow).where(ReceiverRow.ae_title == ae_title, ReceiverRow.port == port)
    )
    return found


async def _row(session: AsyncSession, ae_title: str, port: int) -> ReceiverRow:
    row = await _find(session, ae_title.strip(" "), port)
    if row is None:
        raise NotFound(f"no receiver {ae_title} was added on port {port}")
    return row


async def _check_tls(
    session: AsyncSession, wanted: Receiver, row: ReceiverRow | None = None
) -> None:
    """Refuse what contradicts another receiver of the port: the handshake comes before the AE title
    that is called."""
    if not wanted.enabled:
        return
    others = await session.scalars(
        select(ReceiverRow).where(ReceiverRow.port == wanted.port, ReceiverRow.enabled)
    )
    for other in others:
        if other is not row and _receiver(other).tls_files != wanted.tls_files:
            raise Conflict(
                f"{other.ae_title} on port {other.port} has other TLS settings, and a port has one"
                " certificate",
                hint="choose another port; or stop the others of this port, set them all, and "
                "start them again",
            )


async def reload(session: AsyncSession, ae_title: str, port: int, *, actor: str) -> None:
    """Have every engine read the certificates again.

    Raises:
        NotFound: no receiver of this AE title and port was added.
    """
    await lock(session)
    row = await _row(session, ae_title, port)
    record(session, actor, "Reloaded certificates of receiver", name_of(row))
    await bump(session)


def _fill(row: ReceiverRow, receiver: Receiver) -> None:
    row.ae_title = receiver.ae_title
    row.port = receiver.port
    row.enabled = receiver.enabled
    row.anonymize = receiver.anonymize
    row.allow_enabled = receiver.allow_enabled
    row.allow = {"entries": list(receiver.allow)}
    row.rules_enabled = receiver.rules_enabled
    row.script_error = receiver.script_error.value
    row.transfer_syntaxes = {"uids": list(receiver.transfer_syntaxes)}
    row.max_pdu = receiver.max_pdu
    row.max_associations = receiver.max_associations
    row.max_per_peer = receiver.max_per_peer
    row.idle_timeout = receiver.idle_timeout
    row.tls = receiver.tls
    row.certificate = receiver.certificate
    row.key = receiver.key
    row.client_ca = receiver.client_ca
    row.client_certificates = receiver.client_certificates.value
    row.crl = receiver.crl
    row.account = receiver.account
    row.file_name_template = receiver.file_name_template
    row.durability = receiver.durability.value if receiver.durability is not None else ""
    row.storage_classes = {"uids": list(receiver.storage_classes)}


def _detail(row: ReceiverRow) -> dict[str, Any]:
    values = history.state(row)
    del values["id"]
    values["allow"] = values["allow"].get("entries", [])
    for name in ("transfer_syntaxes", "storage_classes"):
        values[name] = values[name].get("uids", [])
    return values


def _receiver(row: ReceiverRow) -> Receiver:
    return Receiver(
        ae_title=row.ae_title,
        port=row.port,
        enabled=row.enabled,
        anonymize=row.anonymize,
        allow_enabled=row.allow_enabled,
        allow=tuple(row.allow.get("entries", ())),
        rules_enabled=row.rules_enabled,
        script_error=OnScriptError(row.script_error),
        transfer_syntaxes=tuple(row.transfer_syntaxes.get("uids", ())),
        max_pdu=row.max_pdu,
        max_associations=row.max_associations,
        max_per_peer=row.max_per_peer,
        idle_timeout=row.idle_timeout,
        tls=row.tls,
        certificate=row.certificate,
        key=row.key,
        client_ca=row.client_ca,
        client_certificates=ClientCertificates(row.client_certificates),
        crl=row.crl,
        account=row.account,
        file_name_template=row.file_name_template,
        durability=Durability(row.durability) if row.durability else None,
        storage_classes=tuple(row.storage_classes.get("uids", ())),
    )
