# SPDX-License-Identifier: Apache-2.0
"""The noun `scripts` of both forms of an engine."""

from __future__ import annotations

import pytest

from engine.model.errors import InvalidInput, InvalidScript, NotFound
from engine.model.remarks import Severity
from tests.engine.service.conftest import Opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDE = 'version "6.7"\n(0010,0010) := subject\n'


async def test_a_new_home_has_the_site_script_of_the_program(opened: Opened) -> None:
    engine, _ = opened
    (site,) = [one for one in await engine.scripts.list() if one.scope == "site"]
    assert (site.version, site.enabled, site.author) == (1, True, "anteroom")
    text = (await engine.scripts.show("site")).text
    assert {"(0010,0010) := subject", "(0010,0020) := session"} <= set(
        map(str.strip, text.splitlines())
    )
    assert await engine.scripts.check(text) == ()


async def test_a_script_is_stored_turned_off_compared_and_taken_back(opened: Opened) -> None:
    engine, _ = opened
    await engine.projects.add("SCRIPTED")
    scope = "project:SCRIPTED"
    assert (await engine.scripts.show(scope)).version == 0
    with pytest.raises(NotFound):
        await engine.scripts.enable(scope)
    before = (await engine.system.status()).snapshot
    first = await engine.scripts.set(scope, HIDE, reason="as agreed")
    assert (first.version, first.enabled, first.active, first.language) == (1, True, True, 6)
    assert (first.author, first.reason, first.remarks) == ("root", "as agreed", ())
    assert (await engine.system.status()).snapshot > before
    second = await engine.scripts.set(scope, HIDE + "reject[]\n", "site/a = b\n")
    assert [one.line for one in second.remarks] == [3]
    assert (await engine.scripts.show(scope)).lookups == "site/a = b\n"
    assert (await engine.scripts.show(scope, 1)).text == HIDE
    assert not (await engine.scripts.disable(scope)).enabled
    assert (await engine.scripts.enable(scope)).enabled

    diff = (await engine.scripts.diff(scope, 1)).splitlines()
    assert diff[:2] == [
        "--- project:SCRIPTED script, version 1",
        "+++ project:SCRIPTED script, version 2",
    ]
    assert "+reject[]" in diff and "+site/a = b" in diff
    assert await engine.scripts.diff(scope, 2, 2) == ""

    back = await engine.scripts.activate(scope, 1, "it rejected everything")
    assert (back.id, back.active) == (first.id, True)
    versions = await engine.scripts.history(scope)
    assert [(one.version, one.active) for one in versions] == [(2, False), (1, True)]
    with pytest.raises(NotFound):
        await engine.scripts.activate(scope, 7)


async def test_a_script_with_faults_is_not_stored(opened: Opened) -> None:
    engine, _ = opened
    with pytest.raises(InvalidScript) as caught:
        await engine.scripts.set("site", 'version "6.7"\n(0010,0010 := subject\n')
    assert caught.value.problems[0].line == 2
    with pytest.raises(InvalidScript) as caught:
        await engine.scripts.set("site", HIDE, "a/b = c\na/b = d\n")
    assert [(one.line, one.path) for one in caught.value.problems] == [(2, "lookup table")]
    (fault,) = await engine.scripts.check(HIDE, "a/b = c\na/b = d\n")
    assert fault.severity is Severity.ERROR
    assert (await engine.scripts.show("site")).version == 1
    with pytest.raises(NotFound):
        await engine.scripts.set("project:NOBODY", HIDE)
    with pytest.raises(InvalidInput):
        await engine.scripts.show("receiver:MRI")


async def test_what_is_no_entry_of_a_lookup_table_is_left_out_with_a_remark(
    opened: Opened,
) -> None:
    engine, _ = opened
    saved = await engine.scripts.set("site", HIDE, "no entry\na/b = c\n")
    (remark,) = saved.remarks
    assert (remark.line, remark.path) == (1, "lookup table")
    assert remark.severity is Severity.WARNING
    assert await engine.scripts.check(HIDE, "no entry\na/b = c\n") == (remark,)
