# SPDX-License-Identifier: Apache-2.0
"""Routing: from a header, as received, to project, subject, session and auto-archive. Only the
configuration is used, so the same header gets the same route in every process that has the same
snapshot. The order of the extractors is defined in `extractors`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.dicom.header import Header
from engine.model.errors import Refused
from engine.model.routing import Concept, Route
from engine.routing.extractors import ExtractionPlan, plan_for
from engine.routing.inquiry import Inquiry, TracedInquiry
from engine.routing.labels import label_from_header
from engine.routing.rules import RuleTexts

__all__ = [
    "DEFAULT_SESSION",
    "RequestParameters",
    "Router",
    "RoutingConfig",
    "RuleTexts",
    "UnknownProject",
    "parse_auto_archive",
]

DEFAULT_SESSION = "dicom_upload"

_REMEMBERED = 64
"""Routes that a router remembers: of more patients than come at once."""
_LONGEST = 4096
"""Bytes of all elements together by which a route is remembered."""
_CHARSET = 0x00080005

_NO_PROJECT = "ignored, because no project was found"
_NO_OPINION = "neither true nor false, so the code of the project decides"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutingConfig:
    """All that routing needs, plain enough to travel inside a snapshot."""

    projects: Mapping[str, str] = field(default_factory=dict)
    """ID or alias, exactly as written, to project ID; those that the acting account sees."""
    site: RuleTexts = field(default_factory=RuleTexts)
    receivers: Mapping[str, RuleTexts] = field(default_factory=dict)
    """By AE title; only receivers that have their routing expressions enabled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestParameters:
    """What an upload said about where it belongs. Blank values count as not given."""

    project: str | None = None
    subject: str | None = None
    session: str | None = None
    auto_archive: bool | None = None
    fallback_to_header: bool = False
    """Route by header when the project is unknown, as XNAT does, instead of refusing."""


class UnknownProject(Refused):
    """The project of a request does not exist, or the acting account does not see it."""

    def __init__(self, project: str) -> None:
        super().__init__(
            "the project given is not known",
            hint="check its ID or alias, and that the account may see it",
        )
        self.project = project


class Router:
    """Routes headers by one configuration. Made once for a snapshot; may be shared by threads."""

    def __init__(self, config: RoutingConfig) -> None:
        """Compile all rule lines; raises `InvalidRules` where a text could not have been saved."""
        self._projects = dict(config.projects)
        self._plan = plan_for(RuleTexts(), config.site)
        self._plans = {ae: plan_for(texts, config.site) for ae, texts in config.receivers.items()}
        self.timeouts: Counter[str] = Counter()
        """How often each rule line ran into its time limit, by name; for health screens."""
        self._reads = {ae: self._read_by(ae) for ae in (None, *self._plans)}
        self._routes: dict[tuple[object, ...], Route] = {}
        """By receiver and elements: those of a series have the same route, object by object."""

    def tags(self, receiver: str | None = None) -> frozenset[int]:
        """Return the elements that routing may read of objects that come through this receiver."""
        return frozenset(extractor.tag for extractor in self._plan_of(receiver).all())

    def route(
        self,
        header: Header,
        *,
        receiver: str | None = None,
        request: RequestParameters | None = None,
        trace: bool = False,
    ) -> Route:
        """Say where an object belongs; raises `UnknownProject` for a request that names none.

        `receiver` is the AE title through which the object came; None for uploads, which no
        receiver's rules may influence.
        """
        if trace or request is not None:
            return self._ask(header, receiver, request, trace=trace)[0]
        of = receiver if receiver in self._plans else None
        written = header.written(self._reads[of])
        key = (of, header.explicit, written)
        route = self._routes.get(key)
        if route is None:
            route, lasts = self._ask(header, receiver, None, trace=False)
            if lasts and sum(map(len, written)) <= _LONGEST:
                if len(self._routes) >= _REMEMBERED:
                    self._routes = {}
                self._routes[key] = route
        return route

    def _ask(
        self,
        header: Header,
        receiver: str | None,
        request: RequestParameters | None,
        *,
        trace: bool,
    ) -> tuple[Route, bool]:
        """Return the route, and whether the same elements always give it."""
        plan = self._plan_of(receiver)
        kind = TracedInquiry if trace else Inquiry
        inquiry = kind(header, self._projects, self.timeouts, plan)
        given = request or _NOTHING_GIVEN

        found = inquiry.ask(Concept.PROJECT, plan.project, self._project_given(given, inquiry))
        project = None if found is None else self._projects[found]
        subject = _given(given.subject)
        found = inquiry.ask(Concept.SUBJECT, plan.subject, subject)
        if subject is None and found is not None:
            subject = label_from_header(found)
        session = _given(given.session)
        found = inquiry.ask(Concept.SESSION, plan.session, session)
        if session is None:
            session = DEFAULT_SESSION if found is None else label_from_header(found)
        inquiry.close(Concept.SESSION, DEFAULT_SESSION if found is None else None)
        route = Route(
            project=project,
            subject=subject,
            session=session,
            auto_archive=self._auto_archive(inquiry, plan, given, project),
            trace=tuple(inquiry.steps),
        )
        return route, not inquiry.timed_out

    def _read_by(self, receiver: str | None) -> tuple[int, ...]:
        """Return all elements that a route may depend on: those that are read, and those that say
        how they are to be read."""
        tags = self.tags(receiver)
        creators = {tag & 0xFFFF0000 | (tag >> 8 & 0xFF) for tag in tags if tag & 0x10000}
        return tuple(sorted(tags | creators | {_CHARSET}))

    def _plan_of(self, receiver: str | None) -> ExtractionPlan:
        return self._plans.get(receiver, self._plan) if receiver else self._plan

    def _project_given(self, request: RequestParameters, inquiry: Inquiry) -> str | None:
        wanted = _given(request.project)
        if wanted is None or wanted in self._projects:
            return wanted
        if not request.fallback_to_header:
            raise UnknownProject(wanted)
        inquiry.passed_over(Concept.PROJECT, wanted)
        return None

    def _auto_archive(
        self,
        inquiry: Inquiry,
        plan: ExtractionPlan,
        request: RequestParameters,
        project: str | None,
    ) -> bool | None:
        given = None if request.auto_archive is None else str(request.auto_archive).lower()
        found = inquiry.ask(Concept.AUTO_ARCHIVE, plan.auto_archive, given)
        flag = parse_auto_archive(found)
        if found is not None and project is None:
            inquiry.remark(Concept.AUTO_ARCHIVE, _NO_PROJECT)
        elif found is not None and flag is None:
            inquiry.remark(Concept.AUTO_ARCHIVE, _NO_OPINION)
        return flag if project is not None else None


def parse_auto_archive(text: str | None) -> bool | None:
    """Read an auto-archive flag as headers and requests write it; None is no opinion."""
    word = (text or "").strip().lower()
    return True if word in ("t", "true") else False if word in ("f", "false") else None


def _given(text: str | None) -> str | None:
    return text if text and not text.isspace() else None


_NOTHING_GIVEN = RequestParameters()
