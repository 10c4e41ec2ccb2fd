# SPDX-License-Identifier: Apache-2.0
"""Who may do what, and what they did."""

from __future__ import annotations

from typing import Protocol

from engine.model.archive import EVERY_EVENT, AuditCount, AuditPage, AuditQuery, AuditReport
from engine.model.audit import AuditHead
from engine.model.people import AccessRequest, Group, Member, NewToken, Token, User, WhoAmI


class PeopleApi(Protocol):
    """Users, their roles, and what they sign in with. A holder of a role is a login, or `@` and the
    name of a Unix group."""

    async def who_am_i(self) -> WhoAmI: ...
    async def list(self) -> tuple[User, ...]: ...
    async def groups(self) -> tuple[Group, ...]:
        """Return the Unix groups that have roles."""
        ...

    async def show(self, login: str) -> User: ...
    async def add(self, login: str, values: dict[str, str] | None = None) -> User:
        """Add a user, who may do nothing before roles are granted; `values` are those of `set`."""
        ...

    async def set(self, login: str, values: dict[str, str]) -> User:
        """Set name, email, uid, disabled or sees_originals."""
        ...

    async def grant(self, holder: str, role: str, project: str = "") -> None:
        """Grant a role in a project, or without one a role of the site."""
        ...

    async def revoke(self, holder: str, role: str, project: str = "") -> None: ...
    async def members(self, project: str) -> tuple[Member, ...]: ...
    async def ask(self, project: str, role: str = "collaborator", reason: str = "") -> None:
        """Ask the owners of a project for a role in it."""
        ...

    async def requests(self) -> tuple[AccessRequest, ...]:
        """Return the requests that wait for an answer; granting a role is the answer yes."""
        ...

    async def decline(self, id: int, reason: str = "") -> None: ...
    async def set_password(self, login: str, password: str, old: str = "") -> None:
        """Set a password; an empty one lets none be taken any more."""
        ...

    async def tokens(self, login: str = "") -> tuple[Token, ...]: ...
    async def issue_token(
        self, login: str = "", note: str = "", hours: int = 48, single_use: bool = False
    ) -> NewToken: ...
    async def revoke_token(self, alias: str) -> Token: ...
    async def sign_in(self) -> str:
        """Begin a sign-in for whoever shows a password; return its key."""
        ...

    async def sign_out(self, key: str) -> None: ...


class AuditApi(Protocol):
    """The trail that never forgets."""

    async def list(
        self,
        query: AuditQuery = EVERY_EVENT,
        before: int | None = None,
        after: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> AuditPage:
        """Return events, newest first: those before a number, or those that follow one."""
        ...

    async def counts(self, days: int = 7) -> tuple[AuditCount, ...]:
        """How often each action was done in the last days, the commonest first."""
        ...

    async def verify(self, whole: bool = False, heads: tuple[AuditHead, ...] = ()) -> AuditReport:
        """Verify what is new since the newest checkpoint, or everything."""
        ...

    async def note(self, action: str, object: str, reason: str = "", count: int = 0) -> None:
        """Record what a user did with what they may see: an action of `audit.ACTIONS`."""
        ...
