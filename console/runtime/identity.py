# SPDX-License-Identifier: Apache-2.0
"""As whom an engine is asked: as this Unix user, as somebody who signs in with a password and goes
on with that sign-in, or with a token. Passwords are asked for here and kept nowhere."""

from __future__ import annotations

import asyncio
import base64
import getpass
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from console.runtime import sign_in
from console.runtime.sign_in import SignIn
from console.runtime.silence import still_silent
from engine.model.errors import InvalidInput, NotTaken
from engine.model.home import Home
from engine.service.remote import RemoteEngine

USER_VARIABLE = "ANTEROOM_USER"
TOKEN_VARIABLE = "ANTEROOM_TOKEN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """As whom somebody wants to ask."""

    user: str = ""
    """Who signs in; whoever has signed in before goes on without being named."""
    token: str = ""
    """`alias:secret`."""

    @classmethod
    def of(cls, user: str, environ: Mapping[str, str]) -> Identity:
        """Return who is meant: the user who was named, else what the environment holds."""
        if user:
            return cls(user=user)
        token = environ.get(TOKEN_VARIABLE, "")
        return cls(token=token, user="" if token else environ.get(USER_VARIABLE, ""))

    def is_shown(self, home: Home) -> bool:
        """Say whether anything is shown to the engine of a home."""
        return bool(self.token or self.user) or sign_in.read(home) is not None

    async def shows(self, home: Home) -> str:
        """Return what to show the engine of a home: nothing where the Unix user will do.

        Raises:
            Refused: the password is wrong.
            Unavailable: somebody is to sign in, and no engine is running.
        """
        if self.token:
            return _basic(*_alias_and_secret(self.token))
        kept = sign_in.read(home)
        if not self.user:
            return _bearer(kept) if kept is not None else ""
        if kept is not None and kept.login == self.user and await _is_taken(home.socket, kept):
            return _bearer(kept)
        return _bearer(await signed_in(home, self.user))


THIS_UNIX_USER = Identity()


async def signed_in(home: Home, login: str) -> SignIn:
    """Ask for the password of a user, sign in, and keep that."""
    # Nobody types a password where no engine could take it: asking it without one says why.
    password = ask_password(f"Password of {login}: ") if await _is_there(home.socket) else ""
    shown = _basic(login, password)
    async with RemoteEngine(home.socket, silent=still_silent, shows=shown) as engine:
        found = SignIn(login=login, key=await engine.people.sign_in())
    sign_in.keep(home, found)
    return found


async def sign_out(home: Home) -> str:
    """End the sign-in that is kept for a home; return whose it was."""
    kept = sign_in.read(home)
    if kept is None:
        return ""
    sign_in.forget(home)
    async with RemoteEngine(home.socket, silent=still_silent, shows=_bearer(kept)) as engine:
        try:
            await engine.people.sign_out(kept.key)
        except NotTaken:
            return kept.login
    return kept.login


@asynccontextmanager
async def asked(home: Home, identity: Identity) -> AsyncIterator[RemoteEngine]:
    """Connect to the engine of a home; what is not taken any more is said with what to do."""
    shows = await identity.shows(home)
    async with RemoteEngine(home.socket, silent=still_silent, shows=shows) as engine:
        try:
            yield engine
        except NotTaken as error:
            raise over(home, identity, error) from error


def over(home: Home, identity: Identity, error: NotTaken) -> NotTaken:
    """Return what is said when an engine does not take what was shown."""
    if identity.token:
        return NotTaken(
            f"the token of {TOKEN_VARIABLE} is not taken: it is used up, revoked, over, or wrong",
            hint="make a new one: anteroom user token",
        )
    kept = sign_in.read(home)
    if kept is None:
        return error
    return NotTaken(
        f"the sign-in of {kept.login} is over",
        hint=f"sign in again: anteroom --user {kept.login} ...; "
        "or go on as this Unix user: anteroom user sign-out",
    )


def ask_password(prompt: str, getting: Callable[[str], str] | None = None) -> str:
    """Ask for a password on the terminal, without echo.

    Raises:
        InvalidInput: there is no terminal.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return (getting or getpass.getpass)(prompt)
        except (getpass.GetPassWarning, EOFError):
            raise InvalidInput(
                "there is no terminal on which a password could be asked for",
                hint=f"set a password with --stdin; let programs use a token: {TOKEN_VARIABLE}",
            ) from None


async def _is_there(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    return True


async def _is_taken(socket: Path, kept: SignIn) -> bool:
    async with RemoteEngine(socket, silent=still_silent, shows=_bearer(kept)) as engine:
        try:
            await engine.people.who_am_i()
        except NotTaken:
            return False
    return True


def _alias_and_secret(token: str) -> tuple[str, str]:
    alias, colon, secret = token.strip().partition(":")
    if not (alias and colon and secret):
        raise InvalidInput(
            f"{TOKEN_VARIABLE} is not of the form ALIAS:SECRET",
            hint="`anteroom user token` says both",
        )
    return alias, secret


def _basic(name: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"


def _bearer(kept: SignIn) -> str:
    return f"Bearer {kept.key}"
