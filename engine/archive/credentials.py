# SPDX-License-Identifier: Apache-2.0
"""What people show instead of a Unix user: passwords, as argon2 writes them, tokens, and sign-ins.
Only digests of the last two are kept. Nothing here is slow; passwords are compared elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record
from engine.archive.people import get, revoke_tokens
from engine.archive.tables import SignInRow, TokenRow, UserRow
from engine.model.errors import InvalidInput, NotFound
from engine.model.people import NewToken, Token

TOKEN_LIFE = timedelta(days=2)
"""As XNAT has it."""
LONGEST_LIFE = timedelta(days=366)
SILENT = timedelta(minutes=30)
"""After so long without a call nobody is signed in any more."""
LONGEST_SIGN_IN = timedelta(hours=12)
MOST_WRONG = 10
"""So many wrong passwords in a row, from one place, lock that place out from a user."""
MOST_WRONG_OF_ALL = 100
"""So many in a row from all places together lock the user out, wherever he comes from."""
LOCKED = timedelta(minutes=15)
_NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is known when somebody was seen last."""
_LONGEST_NOTE = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is known of a user before a password is compared."""

    password: str
    wrong: int
    locked_until: datetime | None


async def standing(session: AsyncSession, login: str) -> Standing | None:
    """Return how a user stands; None for nobody, who is disabled, and who has no password."""
    row = await session.get(UserRow, login)
    if row is None or row.disabled or not row.password:
        return None
    return Standing(password=row.password, wrong=row.wrong, locked_until=row.locked_until)


async def set_password(session: AsyncSession, login: str, written: str, *, actor: str) -> None:
    """Set what argon2 has made of a password, or with an empty one take none any more; who was
    signed in with the one before is so no longer.

    Raises:
        NotFound: there is no such user.
    """
    row = await get(session, login)
    row.password, row.password_set = written, datetime.now(UTC) if written else None
    row.wrong, row.locked_until = 0, None
    await session.execute(delete(SignInRow).where(SignInRow.login == login))
    # Whoever sets another one may have lost what was made with the old one.
    await revoke_tokens(session, login)
    record(session, actor, "Set password" if written else "Removed password", login)


async def wrong(session: AsyncSession, login: str, place: str, *, last: bool) -> None:
    """Count a wrong password of a user that came from a place, whose `last` one it was for a while;
    too many in a row lock the user out everywhere."""
    row = await get(session, login)
    row.wrong += 1
    locked = row.wrong >= MOST_WRONG_OF_ALL
    if locked:
        row.wrong, row.locked_until = 0, datetime.now(UTC) + LOCKED
    why = "locked out" if locked else "locked out there" if last else "wrong password"
    record(session, login, "Sign-in refused", login, {"error": why, "from": place})


async def right(session: AsyncSession, login: str, written: str = "") -> None:
    """Note that the password was right, and what argon2 makes of it now, if that is something else
    than before."""
    row = await get(session, login)
    row.wrong, row.locked_until, row.last_seen = 0, None, datetime.now(UTC)
    row.password = written or row.password


async def saw(session: AsyncSession, login: str) -> None:
    """Note that a user was seen."""
    row = await session.get(UserRow, login)
    if row is not None:
        row.last_seen = datetime.now(UTC)


async def begin(session: AsyncSession, login: str) -> str:
    """Sign a user in; return what the client has to show from now on."""
    key, now = randomness.token_urlsafe(32), datetime.now(UTC)
    session.add(SignInRow(key=_digest(key), login=login, began=now, seen=now))
    record(session, login, "Signed in", login)
    return key


async def signed_in(session: AsyncSession, key: str) -> tuple[str, bool] | None:
    """Return who is signed in with a key, and whether it is time to note that they were seen."""
    row = await session.get(SignInRow, _digest(key))
    now = datetime.now(UTC)
    if row is None or now > min(row.seen + SILENT, row.began + LONGEST_SIGN_IN):
        return None
    return row.login, now - row.seen >= _NOTED_EVERY


async def seen(session: AsyncSession, key: str) -> None:
    """Note that who is signed in was seen."""
    row = await session.get(SignInRow, _digest(key))
    if row is not None:
        row.seen = datetime.now(UTC)


async def end(session: AsyncSession, key: str) -> None:
    """Sign out who is signed in with a key."""
    row = await session.get(SignInRow, _digest(key))
    if row is not None:
        record(session, row.login, "Signed out", row.login)
        await session.delete(row)


async def forget(session: AsyncSession) -> None:
    """Remove sign-ins that are over."""
    now = datetime.now(UTC)
    await session.execute(
        delete(SignInRow).where(
            (SignInRow.seen < now - SILENT) | (SignInRow.began < now - LONGEST_SIGN_IN)
        )
    )


async def issue(
    session: AsyncSession,
    login: str,
    *,
    note: str = "",
    life: timedelta = TOKEN_LIFE,
    single_use: bool = False,
    actor: str,
) -> NewToken:
    """Make a token for a user.

    Raises:
        NotFound: there is no such user.
        InvalidInput: the note or the life is too long, or the life too short.
    """
    if len(note) > _LONGEST_NOTE:
        raise InvalidInput(f"a note has at most {_LONGEST_NOTE} characters")
    if not timedelta(minutes=1) <= life <= LONGEST_LIFE:
        raise InvalidInput(f"a token lives from a minute to {LONGEST_LIFE.days} days")
    await get(session, login)
    alias, secret = randomness.token_hex(16), randomness.token_urlsafe(32)
    now = datetime.now(UTC)
    row = TokenRow(
        alias=alias,
        login=login,
        secret=_digest(secret),
        note=note,
        created=now,
        expires=now + life,
        single_use=single_use,
    )
    session.add(row)
    await session.flush()
    record(session, actor, "Issued token", login, {"token": alias[:6], "single": single_use})
    return NewToken(token=_token(row), secret=secret)


async def good(session: AsyncSession, alias: str, secret: str) -> tuple[Token, bool] | None:
    """Return the token that an alias and its secret are, and whether its use is to be written down
    with `use`; None if it is not good now."""
    row = await session.get(TokenRow, alias)
    # Compared also where there is none: how long it takes tells nothing.
    same = hmac.compare_digest(row.secret if row is not None else "", _digest(secret))
    if row is None or not same or not _is_good(row):
        return None
    to_note = row.used is None or datetime.now(UTC) - row.used >= _NOTED_EVERY
    return _token(row), to_note


async def use(session: AsyncSession, alias: str) -> bool:
    """Write down that a token is used; say whether it was still good: of two who come at once with
    one for a single use, one comes too late."""
    row = await session.get(TokenRow, alias, with_for_update=True)
    if row is None or not _is_good(row):
        return False
    row.used = datetime.now(UTC)
    return True


def _is_good(row: TokenRow) -> bool:
    is_over = row.revoked is not None or datetime.now(UTC) >= row.expires
    return not is_over and not (row.single_use and row.used is not None)


async def tokens(session: AsyncSession, login: str) -> tuple[Token, ...]:
    """Return the tokens of a user, the newest first; those too that are good no more."""
    rows = await session.scalars(
        select(TokenRow).where(TokenRow.login == login).order_by(TokenRow.created.desc())
    )
    return tuple(_token(row) for row in rows)


async def owner_of(session: AsyncSession, alias: str) -> str:
    """Return whose token has an alias, or begins so if only one does.

    Raises:
        NotFound: there is none, or more than one.
    """
    found = (
        await session.scalars(
            select(TokenRow).where(TokenRow.alias.startswith(alias, autoescape=True)).limit(2)
        )
    ).all()
    if len(found) != 1:
        raise NotFound("no token has this alias", hint="list them: anteroom user tokens")
    return found[0].login


async def revoke(session: AsyncSession, alias: str, *, actor: str) -> Token:
    """Let a token be taken no more.

    Raises:
        NotFound: there is none of this alias.
    """
    login = await owner_of(session, alias)
    row = (
        await session.scalars(
            select(TokenRow).where(TokenRow.alias.startswith(alias, autoescape=True))
        )
    ).one()
    if row.revoked is None:
        row.revoked = datetime.now(UTC)
        record(session, actor, "Revoked token", login, {"token": row.alias[:6]})
    return _token(row)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: TokenRow) -> Token:
    return Token(
        alias=row.alias,
        login=row.login,
        note=row.note,
        created=row.created,
        expires=row.expires,
        single_use=row.single_use,
        used=row.used,
        revoked=row.revoked,
    )
