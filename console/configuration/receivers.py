# SPDX-License-Identifier: Apache-2.0
"""Receivers as files have them, named `AE_TITLE:PORT`. That of the settings file is not among them:
it has its file."""

from __future__ import annotations

from console.configuration.kinds import Remark, Values, named
from engine.model.archive import Receiver
from engine.model.errors import EngineError
from engine.model.live import ReceiverStatus
from engine.service.api import EngineApi

_FIELDS: Values = {
    "enabled": True,
    "anonymize": True,
    "allow": (),
    "allow_enabled": False,
    "rules_enabled": False,
    "script_error": "hold",
    "transfer_syntaxes": (),
    "storage_classes": (),
    "max_pdu": 0,
    "max_associations": 0,
    "max_per_peer": 0,
    "idle_timeout": 0.0,
    "tls": False,
    "certificate": "",
    "key": "",
    "client_ca": "",
    "client_certificates": "none",
    "crl": "",
    "account": "",
    "file_name_template": "",
    "durability": "",
}


class Receivers:
    """Receivers that were added."""

    name, one = "receivers", "receiver"
    fields = _FIELDS
    required: tuple[str, ...] = ("anonymize",)
    secret: frozenset[str] = frozenset()

    async def current(self, engine: EngineApi) -> dict[str, Values]:
        """Return all receivers that were added."""
        return {
            f"{row.ae_title}:{row.port}": self._values(row)
            for row in await engine.receivers.list()
            if row.origin != "settings"
        }

    async def check(self, engine: EngineApi, name: str, values: Values) -> list[Remark]:
        """Say what the service would refuse, but for what only a running engine knows."""
        place = _place(name)
        if place is None:
            return [Remark(message=f"{name}: expected AE_TITLE:PORT")]
        if any(
            (row.ae_title, row.port) == place and row.origin == "settings"
            for row in await engine.receivers.list()
        ):
            return [Remark(message=f"{name} is the receiver of the settings file: change it there")]
        try:
            self._checked(name, values)
        except EngineError as error:
            return [Remark(message=error.message)]
        return []

    def normal(self, name: str, values: Values) -> Values:
        """Return them as the service tells them."""
        return self._values(self._checked(name, values))

    async def add(self, engine: EngineApi, name: str, values: Values) -> None:
        """Add a receiver, which listens at once unless it is not enabled."""
        ae_title, port = _place(name) or ("", 0)
        await engine.receivers.add(ae_title, port, values=named(values))

    async def change(self, engine: EngineApi, name: str, changes: Values, values: Values) -> None:
        """Set what differs."""
        ae_title, port = _place(name) or ("", 0)
        # Some values follow others that are set, unless they are set as well.
        beside = {"allow": "allow_enabled", "client_ca": "client_certificates"}
        also = {beside[key]: values[beside[key]] for key in changes if key in beside}
        await engine.receivers.edit(ae_title, port, named({**also, **changes}))

    async def remove(self, engine: EngineApi, name: str) -> str:
        """Remove a receiver."""
        await engine.receivers.remove(*(_place(name) or ("", 0)))
        return ""

    def _checked(self, name: str, values: Values) -> Receiver:
        from engine.service import checking  # noqa: PLC0415 (slow to load)

        ae_title, port = _place(name) or ("", 0)
        return checking.receiver(ae_title, port, named(values))

    def _values(self, row: Receiver | ReceiverStatus) -> Values:
        values = {name: getattr(row, name) for name in self.fields}
        for word in ("script_error", "client_certificates", "durability"):
            values[word] = str(values[word] or "")
        values["idle_timeout"] = float(values["idle_timeout"])
        return values


def _place(name: str) -> tuple[str, int] | None:
    ae_title, colon, port = name.rpartition(":")
    return (ae_title, int(port)) if colon and port.isdecimal() and len(port) < 6 else None
