# SPDX-License-Identifier: Apache-2.0
"""The certificates of the receivers that have TLS: read again when their files have changed, and
kept when the new files cannot be used. What a file has to be is in `receiver.certificates`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.intake.snapshot import TlsConfig
from engine.model.archive import TlsFiles
from engine.model.errors import InvalidInput
from engine.receiver.certificates import Stamp, load, revocations_end, stamp, validity


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificates:
    """What is in force for some files; `config` is None where they could never be used."""

    stamp: Stamp
    config: TlsConfig | None
    ends: datetime | None = None
    fault: str = ""
    """Why the files as they are now cannot be used."""
    revocations_end: datetime | None = None
    """When the first revocation list ends; None without one, or where it does not say."""

    def overdue(self, now: datetime) -> str:
        """Say that a revocation list has ended; nothing while all is well."""
        end = self.revocations_end
        if end is None or now < end:
            return ""
        return (
            f"the revocation list ended on {end:%Y-%m-%d %H:%M} UTC: senders with certificates are"
            " refused"
        )


class CertificateStore:
    """Certificates by their files."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._held: dict[TlsFiles, Certificates] = {}

    def held(self, files: TlsFiles) -> Certificates | None:
        """Return what was read last, without a look at the files: who only wants to know how a
        receiver stands must not take a change from `changed`."""
        return self._held.get(files)

    def get(self, files: TlsFiles) -> Certificates:
        """Return what is to be in force, read anew where a file has changed; not for the loop."""
        held, seen = self._held.get(files), stamp(files)
        if held is None or held.stamp != seen:
            held = self._held[files] = _read(files, seen, held)
        return held

    def changed(self) -> bool:
        """Say whether a file is not what it was when it was last read."""
        return any(stamp(files) != held.stamp for files, held in tuple(self._held.items()))

    def keep(self, wanted: Collection[TlsFiles]) -> None:
        """Forget all but these."""
        self._held = {files: held for files, held in self._held.items() if files in wanted}


def usable(files: TlsFiles) -> None:
    """See whether files can be put into force now.

    Raises:
        InvalidInput: if not; says why.
    """
    config = load(files)
    begins, ends = _validity(config)
    now = datetime.now(UTC)
    revocations = _revocations_end(config)
    if revocations is not None and revocations <= now:
        raise InvalidInput(
            f"the revocation list {files.crl} ended on {revocations:%Y-%m-%d %H:%M}",
            hint="get the newest one from the CA",
        )
    if not begins <= now < ends:
        when = f"ended on {ends:%Y-%m-%d}" if now >= ends else f"begins on {begins:%Y-%m-%d %H:%M}"
        raise InvalidInput(
            f"the certificate {files.certificate} is not valid now: it {when}",
            hint="get another one, or look whether the clock of this machine is right",
        )


def _read(files: TlsFiles, seen: Stamp, held: Certificates | None) -> Certificates:
    try:
        config = load(files)
        _, ends = _validity(config)
        revocations = _revocations_end(config)
    except InvalidInput as error:
        old = held.config if held is not None else None
        kept = "; the one before stays in force" if old is not None else ""
        return Certificates(
            stamp=seen,
            config=old,
            ends=held.ends if held is not None else None,
            fault=f"{error.message}{kept}",
            revocations_end=held.revocations_end if held is not None else None,
        )
    return Certificates(stamp=seen, config=config, ends=ends, revocations_end=revocations)


def _validity(config: TlsConfig) -> tuple[datetime, datetime]:
    try:
        return validity(config)
    except (ValueError, IndexError) as error:
        raise InvalidInput("it is not clear when the certificate ends") from error


def _revocations_end(config: TlsConfig) -> datetime | None:
    try:
        return revocations_end(config)
    except (ValueError, IndexError) as error:
        raise InvalidInput("it is not clear when the revocation list ends") from error
