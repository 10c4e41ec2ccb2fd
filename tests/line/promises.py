# SPDX-License-Identifier: Apache-2.0
"""The promise of an answer, checked against a trace of system calls: before each success was sent,
what it stands for was on disk. Only calls count here, never what the engine says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from tests.line.tracing import Call, Trace, answer_in

TRACED = (
    "openat",
    "mkdir",
    "write",
    "writev",
    "fdatasync",
    "fsync",
    "fchmod",
    "fsetxattr",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "sendto",
    "sendmsg",
)
"""What must be traced for `proven`."""


@dataclass(slots=True)
class Proof:
    """SOP Instance UIDs by what their answer was found to stand for."""

    stored: list[str] = field(default_factory=list)
    """A file, in a session or held."""
    counted: list[str] = field(default_factory=list)
    """A record in the journal: a duplicate, or what a script rejects."""
    failed: list[tuple[str, int]] = field(default_factory=list)
    """With the status that the sender was told."""


def proven(trace: Trace, *, rejecting: bool = False) -> Proof:
    """Check every answer in a trace. With `rejecting` what is counted is no duplicate: a record is
    all that it leaves.

    Raises:
        AssertionError: a success was sent before what it promises was durable.
    """
    proof = Proof()
    for calls in trace.threads().values():
        mine: list[Call] = []
        for call in calls:
            answer = answer_in(call)
            if answer is None:
                mine.append(call)
                continue
            if answer.status != 0:
                proof.failed.append((answer.sop_instance, answer.status))
            elif links := _links(mine):
                _stored(links, mine, trace.calls, call)
                proof.stored.append(answer.sop_instance)
            else:
                _counted(mine, trace.calls, call, rejecting=rejecting)
                proof.counted.append(answer.sop_instance)
            mine = []
    return proof


def _links(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if call.name in ("link", "linkat") and call.succeeded]


def _stored(
    links: Sequence[Call], mine: Sequence[Call], everything: Sequence[Call], send: Call
) -> None:
    """The file's bytes, then its name, then the folders above it. Where the file has stated its
    size, the sync of the file comes after its name, and is that of the name, too."""
    # Written without a name it is known by its descriptor, and may have got one for a helper.
    first, link = links[0], links[-1]
    assert len(links) == 1 or (first.paths[-1] == link.paths[0] and "/.staging/" in link.paths[0])
    staged = first.descriptors[0] if first.name == "linkat" else first.paths[0]
    final = link.paths[-1]
    writes = [call for call in mine if call.name == "writev" and call.descriptors == (staged,)]
    assert writes, f"nothing was written to {staged}"
    folder = str(PurePath(final).parent)
    if _done("fsetxattr", staged, mine, after=writes[-1], before=link):
        assert _done("fsync", staged, mine, after=link, before=send), (
            f"success was sent for {final} before it was synced under its name"
        )
    else:
        assert _done("fdatasync", staged, mine, after=writes[-1], before=link), (
            f"{final} was linked before its bytes were synced"
        )
        assert _done("fsync", folder, mine, after=link, before=send), (
            f"success was sent for {final} before its folder was synced"
        )
    _folders_above(folder, everything, send)


def _counted(
    mine: Sequence[Call], everything: Sequence[Call], send: Call, *, rejecting: bool
) -> None:
    """The journal's record, then its sync; and the folder of the object that it repeats."""
    records = [
        call
        for call in mine
        if call.name == "write" and call.descriptors and call.descriptors[0].endswith(".journal")
    ]
    assert records, "success was sent for what left neither file nor record"
    (journal,) = records[-1].descriptors
    assert _done("fdatasync", journal, mine, after=records[-1], before=send), (
        "success was sent before the journal was synced"
    )
    if rejecting:
        return
    folders = [
        call.descriptors[0]
        for call in mine
        if call.name == "fsync" and call.succeeded and call.descriptors[0].endswith("/DICOM")
    ]
    assert folders, "success was sent for a duplicate of what may not be durable"
    _folders_above(folders[-1], everything, send)


def _folders_above(folder: str, everything: Sequence[Call], send: Call) -> None:
    """Whoever made a folder on the way: its entry was synced, by anybody, before the answer."""
    for made in everything:
        if made.name != "mkdir" or not made.succeeded or made.began > send.began:
            continue
        (path,) = made.paths
        if PurePath(folder).is_relative_to(path):
            assert _done("fsync", str(PurePath(path).parent), everything, made, send), (
                f"success was sent before the entry of the new folder {path} was synced"
            )


def _done(name: str, path: str, calls: Iterable[Call], after: Call, before: Call) -> bool:
    return any(
        call.name == name
        and call.succeeded
        and call.descriptors == (path,)
        and call.began > after.ended
        and call.ended < before.began
        for call in calls
    )
