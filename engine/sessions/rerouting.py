# SPDX-License-Identifier: Apache-2.0
"""Routes a session's first object again, with a trace: by the configuration in force, or by another
one on trial. Nothing is moved. It reads files and compiles rules, and runs in other processes."""

from __future__ import annotations

import heapq
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import read_header
from engine.model.errors import Conflict, NotFound
from engine.model.routing import Route
from engine.model.what_if import Destination
from engine.routing.router import Router, RoutingConfig
from engine.sessions.contents import object_paths

_TRIED = 5
"""Objects that are tried, where the first cannot be read."""


def route_first(folder: Path, config: RoutingConfig, receiver: str) -> Route:
    """Route the object that came first, with a trace.

    Raises:
        NotFound: if the session has no object.
        Conflict: if the first objects cannot be read.
    """
    router = Router(config)
    paths = [folder / path for path in object_paths(folder)]
    if not paths:
        raise NotFound("the session has no object that could be routed")
    for path in heapq.nsmallest(_TRIED, paths, key=_arrived):
        try:
            _, header = read_header(path, guard=_guard())
        except (HeaderError, OSError, Unreadable):
            continue
        return router.route(header, receiver=receiver or None, trace=True)
    raise Conflict("the first objects of the session cannot be read, so none could be routed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """A session, and the receiver that it came to."""

    folder: Path
    receiver: str


Routed = tuple[Destination, Destination]
"""By one configuration, and by another."""


def route_both(
    sessions: Sequence[Came], now: RoutingConfig, then: RoutingConfig
) -> list[Routed | None]:
    """Route the object of each session that came first by two configurations; None where none can
    be read, or where the session has gone."""
    routers = Router(now), Router(then)
    return [_route_both(one, routers) for one in sessions]


def _route_both(one: Came, routers: tuple[Router, Router]) -> Routed | None:
    try:
        paths = [one.folder / path for path in object_paths(one.folder)]
    except OSError:
        return None
    for path in heapq.nsmallest(_TRIED, paths, key=_arrived):
        try:
            _, header = read_header(path, guard=_guard())
        except (HeaderError, OSError, Unreadable):
            continue
        first, second = (_destination(each, header, one.receiver) for each in routers)
        return first, second
    return None


def _destination(router: Router, header: Header, receiver: str) -> Destination:
    route = router.route(header, receiver=receiver or None)
    return Destination(
        project=route.project,
        subject=route.subject,
        session=route.session,
        auto_archive=route.auto_archive,
    )


def without_values(route: Route) -> Route:
    """Return what may be kept of a route: who decided, and not what was read from the header, which
    a script may take away later."""
    return replace(route, trace=tuple(replace(step, saw="", found=None) for step in route.trace))


def _arrived(path: Path) -> tuple[float, str]:
    try:
        return os.lstat(path).st_mtime, str(path)
    except OSError:
        return float("inf"), str(path)


@cache
def _guard() -> Guard:
    return Guard()
