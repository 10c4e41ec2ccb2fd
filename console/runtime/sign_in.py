# SPDX-License-Identifier: Apache-2.0
"""The sign-in that a Unix user goes on with: a key that the engine of a home gave for a password,
in a file that only this Unix user can read. It is worth as much as the password until it ends."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import msgspec
import structlog
from platformdirs import user_state_path

from engine.model.access import PRIVATE_FILE
from engine.model.errors import Refused
from engine.model.home import Home

log = structlog.get_logger(__name__)


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who has signed in, and what is shown for it."""

    login: str
    key: str


def read(home: Home) -> SignIn | None:
    """Return the sign-in that is kept for a home; None where there is none.

    Raises:
        Refused: others could have written or read it.
    """
    path = _file(home)
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != PRIVATE_FILE:
                raise Refused(
                    f"{path} is open to others, or belongs to somebody else",
                    hint="remove it, and sign in again",
                )
            return msgspec.json.decode(file.read(), type=SignIn)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("no sign-in read", action="sign-in", error=type(error).__name__)
        return None


def keep(home: Home, sign_in: SignIn) -> None:
    """Keep a sign-in for a home, in place of the one before."""
    path = _file(home)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(draft, flags, PRIVATE_FILE), "wb") as file:
        os.fchmod(file.fileno(), PRIVATE_FILE)
        file.write(msgspec.json.encode(sign_in))
    draft.replace(path)


def forget(home: Home) -> None:
    """Keep no sign-in for a home any more."""
    _file(home).unlink(missing_ok=True)


def _file(home: Home) -> Path:
    # Two ways to one home are one home.
    name = hashlib.sha256(os.fsencode(os.path.realpath(home.root))).hexdigest()[:16]
    return user_state_path("anteroom") / f"sign-in-{name}.json"
