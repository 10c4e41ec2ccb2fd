# SPDX-License-Identifier: Apache-2.0
"""What identifies a patient in what leaves an engine: answers to each role, lists and files that
are taken out, audit messages, a backup and the home that is restored from it. Each element bears a
mark of its own, as in `test_planted`."""

from __future__ import annotations

import asyncio
import base64
import inspect
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from engine.model.accounts import Place
from engine.model.archive import AuditQuery
from engine.model.errors import EngineError, NotTaken
from engine.service.remote import RemoteEngine
from engine.service.wire import VERBS
from tests.conftest import Backend
from tests.engine.service.test_audit_syslog import Repository
from tests.line.planting import SERIES_UID, SESSION, SOP_UID, STUDY_UID, SUBJECT, Marks, searched
from tests.line.serving import LONGEST_WAIT, Served, sessions, settled, until
from tests.line.test_planted import (
    LABELS,
    NOTHING,
    SCRIPTS,
    SERIES,
    STUDY_DATE,
    Search,
    assigned,
    of_study,
)
from tests.line.test_site_script import encoded
from tests.line.wire import MR_IMAGE, RawSender

WATCHING = ("watcher", "collaborator", "site watcher", "")
"""Roles that see no patient of the prearchive; the last is none at all."""
REVIEWING = ("reviewer", "owner")
ASKED = {"project": WATCHING, "site": REVIEWING}
"""Who is asked as what: where the site script leaves all, those who are to see nothing of it; and
where it takes all, those who see what it leaves."""
_READING = """
list show find contradictions log done to_come contents files header route timeline
trash
document history due transfers ledger held series throughput senders status checks counts
members who_am_i diff sends sending requests headers
would look_up queues report capsule
"""
READING = frozenset(_READING.split())
"""Verbs that leave everything as it was. The others only a watcher asks, whom all are refused."""

OWN = frozenset(("sign_in", "sign_out", "set_password", "issue_token", "revoke_token"))
"""Verbs after which somebody's token is taken no more, or that make others."""
_OF_SESSIONS = "prearchive desk archive comparison quarantine held live remotes"
OF_SESSIONS = frozenset(_OF_SESSIONS.split())


@pytest.fixture
def repository() -> Iterator[Repository]:
    made = Repository()
    yield made
    made.close()


@pytest.mark.parametrize("mode", ["site", "project"])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_leaves_an_engine_names_no_patient(
    serve: Callable[..., Served],
    mode: str,
    backend: Backend,
    repository: Repository,
    tmp_path: Path,
) -> None:
    marks = Marks()
    stored = frozenset(marks.tags) if mode == "project" else NOTHING
    target = f"tcp://127.0.0.1:{repository.port}"
    told = {"syslog": target, "head_syslog": target, "head_every": 1.0}
    served = serve(build_after=0.3, audit=told)
    search = Search(
        served=served,
        backend=backend,
        marks=marks,
        every=frozenset(marks.tags),
        stored=stored,
        passes=0 if SCRIPTS[mode].site else 1,
        triage={STUDY_UID, SOP_UID, *LABELS} | stored & {STUDY_DATE, SERIES, SERIES_UID},
    )
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        for scope, text in (("site", SCRIPTS[mode].site), ("project:P", SCRIPTS[mode].project)):
            if text:
                await engine.scripts.set(scope, text)
                await engine.scripts.enable(scope)
        ids = await _received(search, engine)
        tokens = await _people(engine)
        for role in ASKED[mode]:
            await _asked(search, role, tokens[role], ids)
        out = tmp_path / "out"
        out.mkdir()
        await _taken_out(search, out, tokens, ids)
    await served.kill()
    await search.look("killed")
    await served.start()
    folder = tmp_path / "backups"
    said = await _anteroom(served, "backup", str(folder), "--json")
    search.judge("what backup says", said)
    async with served.asked() as engine:
        await search.look("started again", engine)
    assert await served.stop() == 0
    for number, message in enumerate(repository.messages):
        search.judge(f"syslog message {number}", message)
    assert repository.faults == []
    assert any(b"AuditMessage" in message for message in repository.messages)
    _backed_up(search, folder)
    await _restored(search, serve, folder)


async def _received(search: Search, engine: RemoteEngine) -> dict[str, str]:
    """Let one session be filed, one deleted, one wait, one be nobody's; and one object held."""
    marks = search.marks
    nobodys = of_study(marks.image(5), study=2)
    nobodys.PatientName, nobodys.PatientID = marks.of(SUBJECT), marks.of(SESSION)
    images = [
        assigned(marks.image(1), "S1"),
        assigned(marks.image(2), "S2", study=3),
        assigned(marks.image(3), "S3", study=4),
        nobodys,
        assigned(marks.image(13), "S1"),
    ]
    async with RawSender.associated(search.served.port, classes=(MR_IMAGE,)) as sender:
        for image in images:
            uid = str(image.SOPInstanceUID)
            said = await sender.store(encoded(image), sop_instance=uid, sop_class=MR_IMAGE)
            assert said.status == 0
        cut = encoded(images[0])[:9_000]
        uid = str(images[0].SOPInstanceUID) + ".1"
        assert (await sender.store(cut, sop_instance=uid, sop_class=MR_IMAGE)).status == 0
    await settled(engine, objects=4 + search.passes)

    async def is_held() -> bool:
        held = (await engine.system.status()).accounts.at(Place.HELD)
        return held == 2 - search.passes

    await until(engine, is_held)
    rows = {row.subject: row.id for row in await sessions(engine)}
    (unassigned,) = rows.keys() - {"S1", "S2", "S3"}
    assert (await engine.prearchive.archive((rows["S1"],)))[0].done
    assert (await engine.prearchive.delete((rows["S2"],)))[0].done

    async def filed() -> bool:
        gone = rows["S1"] not in {row.id for row in await sessions(engine)}
        return gone and bool((await engine.archive.list()).total)

    await until(engine, filed)
    (card,) = (await engine.archive.list()).rows
    (trashed,) = await engine.prearchive.trash()
    return {
        "waiting": rows["S3"],
        "unassigned": rows[unassigned],
        "trashed": trashed.id,
        "filed": card.accession,
        "held": (await engine.live.held())[0].id,
    }


async def _people(engine: RemoteEngine) -> dict[str, str]:
    """Add somebody of each role; return what they sign in with."""
    tokens: dict[str, str] = {}
    for role in (*WATCHING, *REVIEWING):
        login = f"u{len(tokens)}"
        await engine.people.add(login)
        if role:
            of_site = role == "site watcher"
            await engine.people.grant(login, role, "" if of_site else "P")
        made = await engine.people.issue_token(login)
        tokens[role] = f"{made.token.alias}:{made.secret}"
    return tokens


async def _asked(search: Search, role: str, token: str, ids: dict[str, str]) -> None:
    """Ask each verb as somebody of a role, of everything that is there."""
    allowed = NOTHING
    if role in REVIEWING:
        allowed = search.stored - LABELS | {STUDY_UID, SOP_UID}
    path = Path(search.served.ready["socket"])
    answered = 0
    async with RemoteEngine(
        path, shows=f"Basic {base64.b64encode(token.encode()).decode()}"
    ) as engine:
        async for address, answer in _answers(engine, role, ids):
            answered += not isinstance(answer, EngineError)
            text = repr(answer).encode() + b"\n" + _json(answer)
            search.judge(f"{address}, asked by a {role or 'stranger'}", text, allowed)
    assert answered > 5
    assert search.wrong == [], "\n".join(search.wrong)


def _json(answer: Any) -> bytes:
    if isinstance(answer, EngineError):
        return f"{answer.message} {answer.hint}".encode()
    return answer if isinstance(answer, bytes) else msgspec.json.encode(answer)


async def _answers(
    engine: RemoteEngine, role: str, ids: dict[str, str]
) -> AsyncIterator[tuple[str, Any]]:
    nouns = get_type_hints(RemoteEngine)
    for noun, verbs in VERBS.items():
        for name in verbs:
            if role not in WATCHING and name not in READING:
                continue
            signature = inspect.signature(getattr(nouns[noun], name))
            needed = [
                each
                for each in list(signature.parameters.values())[1:]
                if each.default is inspect.Parameter.empty
            ]
            things = list(ids.items()) if needed and noun in OF_SESSIONS else [("", "none")]
            if name not in READING:
                things = things[:1]
            for which, id in things:
                given = {each.name: _value(each, id) for each in needed}
                if {"seen", "wait"} <= signature.parameters.keys():
                    given["wait"] = 30.0
                try:
                    answer = await getattr(getattr(engine, noun), name)(**given)
                except NotTaken:
                    raise
                except EngineError as error:
                    answer = error
                yield f"{noun}.{name} {which}", answer
    epoch = (await engine.events.after("", 0)).epoch
    yield "events", await engine.events.after(epoch, 0)


_VALUES: dict[str, Any] = {
    "project": "P",
    "scope": "project:P",
    "concept": "project",
    "query": AuditQuery(project="P"),
    "values": {},
    "choices": (),
    "verb": "delete",
    "month": "2026-11",
    "before": "2099-01-01T00:00:00Z",
    "at": "2099-01-01T00:00:00Z",
}


def _value(parameter: inspect.Parameter, id: str) -> Any:
    """Return something that an argument may be, of a thing with this id where it can be."""
    if parameter.name in _VALUES:
        return _VALUES[parameter.name]
    kind = str(parameter.annotation)
    if kind.startswith("tuple"):
        return (id,)
    return {"int": 1, "float": 1.0, "bool": False, "datetime": "2099-01-01T00:00:00Z"}.get(kind, id)


async def _taken_out(
    search: Search, out: Path, tokens: dict[str, str], ids: dict[str, str]
) -> None:
    """Take everything out that can be, as an administrator and as those who see no patient."""
    served = search.served
    watcher, collaborator = tokens["watcher"], tokens["collaborator"]
    for token, words in (
        (watcher, "prearchive list --json"),
        (watcher, f"prearchive show {ids['waiting']} --json"),
        (watcher, f"prearchive show {ids['unassigned']} --json"),
        (collaborator, f"archive export {ids['filed']} {out}/files --json"),
        ("", "audit export --csv {out}/trail.csv"),
        ("", "audit export --json {out}/trail.jsonl"),
        ("", "config export {out}/config"),
        ("", "archive list --json"),
        ("", "status --json"),
        ("", "queue --json"),
        ("", f"prearchive capsule {ids['waiting']} -o {out}/waiting.tar.gz"),
        ("", f"prearchive capsule {ids['unassigned']} -o {out}/unassigned.tar.gz"),
    ):
        said = await _anteroom(served, *words.format(out=out).split(), token=token, any_exit=True)
        search.judge(f"anteroom {words}", said)
    names = [name for name, _ in searched(out)]
    for wanted in (
        ".dcm",
        "trail.csv",
        "trail.jsonl",
        ".yaml",
        "waiting.tar.gz",
        "assigned.tar.gz",
    ):
        assert any(name.endswith(wanted) for name in names), (wanted, names)
    for name, data in searched(out):
        search.judge(f"taken out: {name}", data)
    assert search.wrong == [], "\n".join(search.wrong)


def _backed_up(search: Search, folder: Path) -> None:
    """Search a backup: in its copy of the home the same holds as in the home; the manifest names
    the files of the prearchive, with their sizes, and nothing else of them."""
    seen = set()
    for name, data in searched(folder):
        inner = name.partition("/")[2]
        seen.add(inner.partition("/")[0])
        allowed = search.allowed(inner.removeprefix("home/"))
        if inner == "manifest.jsonl":
            for line in data.splitlines():
                kept = NOTHING if b"prearchive/" not in line else search.every
                search.judge(f"backup: {name}", line, kept)
            continue
        if "prearchive" in inner.partition("/")[0] or inner.endswith("prearchive.db"):
            allowed = search.triage
        search.judge(f"backup: {name}", data, allowed)
    assert {"manifest.jsonl", "backup.json"} <= seen, seen
    assert search.wrong == [], "\n".join(search.wrong)


async def _restored(search: Search, serve: Callable[..., Served], folder: Path) -> None:
    again = serve(name="elsewhere")
    (again.home / "anteroom.yaml").unlink()
    search.judge("what restore says", await _anteroom(again, "restore", str(folder)))
    search.served = again
    await search.look("restored")
    await again.start()
    async with again.asked() as engine:
        assert len(await sessions(engine)) == 2
        await search.look("restored and started", engine)
    assert await again.stop() == 0


async def _anteroom(served: Served, *words: str, token: str = "", any_exit: bool = False) -> bytes:
    """Run the command on a home, with a token as somebody else; return all that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "--home", str(served.home), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **({"ANTEROOM_TOKEN": token} if token else {})},
    )
    said, _ = await asyncio.wait_for(process.communicate(), LONGEST_WAIT)
    assert any_exit or process.returncode == 0, said
    return said
