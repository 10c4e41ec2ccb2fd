# SPDX-License-Identifier: Apache-2.0
"""Builds one session, from its folder to its documents (intake contract 5 and 7.1). It reads
headers, moves files to their places and writes catalogs and session document; the caller decides
the status of the session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from engine.dicom.guard import Guard
from engine.dicom.names import FileNameTemplate
from engine.model.imaging import ResourceDocument, SessionDocument
from engine.sessions.build.catalog import write_catalog
from engine.sessions.build.compose import compose_scan, compose_session
from engine.sessions.build.document import read_session, write_session
from engine.sessions.build.facts import (
    ChunkFacts,
    ObjectFacts,
    dataset_digest,
    read_chunk,
    share_values,
)
from engine.sessions.build.layout import (
    BUILD_LOG,
    SCANS,
    Checkpoint,
    drop_second_names,
    list_files,
    named_so,
    place,
    plan,
    remove_empty,
    write_whole,
)
from engine.sessions.build.markup import MarkupError
from engine.sessions.build.patients import patients
from engine.sessions.build.result import BuildError, BuildOptions, BuildResult, Move, Problem
from engine.sessions.build.scans import (
    group_series,
    scan_ids,
    scan_order,
    series_name,
    split_resources,
)
from engine.sessions.build.types import SeriesKind, SessionKind, SessionTypes, load_types

__all__ = ["BuildError", "BuildOptions", "BuildResult", "Move", "Problem", "assemble"]

_CHUNK = 200

Progress = Callable[[int, int], None]
"""Told how many of how many files have been read."""


def assemble(
    folder: Path,
    *,
    project: str,
    label: str,
    subject: str,
    options: BuildOptions | None = None,
    guard: Guard | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    place: Path | None = None,
) -> BuildResult:
    """Build the session in `folder`; BuildError when it cannot be. May be killed and run again.

    `place` is what the document names as its folder, where a job has `folder` elsewhere."""
    options = options or BuildOptions()
    types = options.types or _default_types()
    build = _Build(folder, types, options, checkpoint or _go_on, place or folder)
    facts, problems = build.read(guard, progress)
    kind = build.session_kind(facts, problems)
    return build.finish(facts, problems, kind, project=project, label=label, subject=subject)


@cache
def _default_types() -> SessionTypes:
    return load_types()


def _go_on() -> None:
    return


@dataclass(kw_only=True, slots=True)
class _Series:
    """One series on its way to a scan."""

    uid: str
    id: str
    parts: dict[str, list[ObjectFacts]]

    @property
    def files(self) -> list[ObjectFacts]:
        return [fact for part in self.parts.values() for fact in part]


class _Build:
    """One run over one folder."""

    def __init__(
        self,
        folder: Path,
        types: SessionTypes,
        options: BuildOptions,
        checkpoint: Checkpoint,
        place: Path,
    ) -> None:
        self._folder = folder
        self._shown_as = place
        self._types = types
        self._options = options
        self._checkpoint = checkpoint
        self._warnings: list[str] = []
        self._stay: set[str] = set()

    def read(
        self, guard: Guard | None, progress: Progress | None
    ) -> tuple[list[ObjectFacts], list[Problem]]:
        """Read the facts of every file that lies in the folder now."""
        if not self._folder.is_dir():
            raise BuildError("gone", "the session's folder is gone")
        listing = list_files(self._folder)
        drop_second_names(self._folder, listing, self._checkpoint)
        chunks: list[ChunkFacts] = []
        wanted = self._options.file_names
        names = FileNameTemplate(wanted) if wanted else None
        own = Guard() if guard is None else None
        try:
            for start in range(0, len(listing.files), _CHUNK):
                paths = listing.files[start : start + _CHUNK]
                chunks.append(
                    read_chunk(
                        self._folder,
                        paths,
                        guard=guard or own,
                        checksums=self._options.checksums,
                        names=names,
                    )
                )
                if progress is not None:
                    progress(start + len(paths), len(listing.files))
        finally:
            if own is not None:
                own.close()
        problems = [
            Problem(code="strange", paths=(path,), reason="this is not a regular file")
            for path in listing.strange
        ]
        for chunk in chunks:
            for failure in chunk.failures:
                self._stay.add(failure.path)
                problems.append(
                    Problem(code="unreadable", paths=(failure.path,), reason=failure.reason)
                )
        self._stay.update(listing.strange)
        return share_values(fact for chunk in chunks for fact in chunk.facts), problems

    def session_kind(
        self, facts: Sequence[ObjectFacts], problems: Sequence[Problem]
    ) -> SessionKind:
        """Say what kind of session the files make, or why they make none."""
        if not facts:
            reason = (
                "no file in the session can be read" if problems else "the session has no files"
            )
            raise BuildError("empty", reason, problems)
        studies = len({fact.study for fact in facts})
        if studies > 1:
            raise BuildError("two studies", f"the files belong to {studies} studies", problems)
        kind = self._types.session(
            (
                SeriesKind(
                    classes=frozenset(fact.sop_class for fact in files),
                    modalities=frozenset(fact["Modality"] for fact in files) - {""},
                    description=" ".join({fact["SeriesDescription"] for fact in files}),
                )
                for files in group_series(facts).values()
            ),
            pet_mr=self._options.pet_mr,
        )
        if kind is None:
            raise BuildError("no type", "no file tells its SOP class or its modality", problems)
        return kind

    def finish(
        self,
        facts: Sequence[ObjectFacts],
        problems: list[Problem],
        kind: SessionKind,
        *,
        project: str,
        label: str,
        subject: str,
    ) -> BuildResult:
        """Move the files, write catalogs and documents, and say what was done."""
        all_series = self._series(facts, kind.element)
        placement = self._place(all_series)
        moves = [Move(source=path, target=now) for path, now in placement.items() if path != now]
        covered = dict.fromkeys(sorted(self._stay), "")
        covered.update(
            (fact.path, fact.sop_instance) for series in all_series for fact in series.files
        )
        repeated, conflicts = self._twice(all_series)
        problems.extend(conflicts)
        scans = []
        for series in sorted(all_series, key=lambda each: scan_order(each.id)):
            for part_label, files in series.parts.items():
                series.parts[part_label] = [fact for fact in files if fact.path not in repeated]
            if series.files:
                scans.append(
                    compose_scan(
                        series.id,
                        series.parts,
                        self._types,
                        self._options.scan_type_mapping,
                        self._warnings,
                    )
                )
        kept = [fact for series in all_series for fact in series.files]
        document = replace(
            compose_session(kept, kind, scans, self._types, self._warnings),
            project=project,
            label=label,
            subject=subject,
            prearchive_path=str(self._shown_as),
            resources=self._kept_resources(),
        )
        self._write(document)
        return BuildResult(
            document=document,
            moves=tuple(moves),
            problems=tuple(problems),
            duplicates=tuple(sorted(repeated)),
            covered=covered,
            file_count=len(kept),
            bytes=sum(fact.size for fact in kept),
            split=kind.split,
            patients=patients(kept, self._options.routed),
        )

    def _series(self, facts: Sequence[ObjectFacts], session: str) -> list[_Series]:
        groups = group_series(facts)
        names = [series_name(uid, files, self._types) for uid, files in groups.items()]
        ids = scan_ids(names)
        separate = self._options.separate_secondary
        return [
            _Series(
                uid=uid,
                id=ids[uid],
                parts=split_resources(files, self._types, session, separate_secondary=separate),
            )
            for uid, files in groups.items()
        ]

    def _place(self, all_series: Sequence[_Series]) -> dict[str, str]:
        """Move every file to its resource and let the facts say so; old path -> path now."""
        wanted = {
            fact.path: f"{SCANS}/{series.id}/{label}"
            for series in all_series
            for label, files in series.parts.items()
            for fact in files
        }
        names = {
            fact.path: fact.file_name
            for series in all_series
            for fact in series.files
            if fact.file_name and not named_so(fact.path, fact.file_name)
        }
        done = place(self._folder, plan(wanted, self._stay, names), self._checkpoint)
        for series in all_series:
            for label, files in series.parts.items():
                series.parts[label] = [
                    replace(fact, path=done.placed[fact.path])
                    for fact in files
                    if fact.path in done.placed
                ]
        return dict(done.placed)

    def _twice(self, all_series: Sequence[_Series]) -> tuple[set[str], list[Problem]]:
        """Find objects that are there twice: the same ones may be dropped, others are conflicts."""
        by_uid: defaultdict[str, list[tuple[str, ObjectFacts]]] = defaultdict(list)
        for series in all_series:
            for label, files in series.parts.items():
                for fact in files:
                    by_uid[fact.sop_instance].append((label, fact))
        repeated: set[str] = set()
        problems: list[Problem] = []
        tolerated = 0
        for found in by_uid.values():
            if len(found) == 1:
                continue
            first: dict[tuple[str, str], tuple[str, ObjectFacts]] = {}
            for label, fact in sorted(found, key=lambda each: (len(each[1].path), each[1].path)):
                key = (fact.transfer_syntax, self._digest(fact))
                if first.setdefault(key, (label, fact))[1] is not fact:
                    repeated.add(fact.path)
            labels = [label for label, _ in first.values()]
            if len(labels) != len(set(labels)):
                paths = tuple(fact.path for _, fact in first.values())
                reason = f"{len(paths)} different objects have one SOP Instance UID"
                problems.append(Problem(code="conflict", paths=paths, reason=reason))
            elif len(labels) > 1:
                tolerated += 1
        if tolerated:
            self._warnings.append(
                f"session: {tolerated} SOP Instance UIDs stand in both DICOM and secondary"
            )
        return repeated, problems

    def _digest(self, fact: ObjectFacts) -> str:
        try:
            return dataset_digest(self._folder / fact.path, fact.dataset_offset)
        except FileNotFoundError:
            return ""

    def _kept_resources(self) -> tuple[ResourceDocument, ...]:
        """Take over the session's own resources from the document of the build before."""
        try:
            return read_session(self._session_file.read_bytes()).resources
        except (FileNotFoundError, MarkupError):
            return ()

    @property
    def _session_file(self) -> Path:
        return self._folder.with_name(f"{self._folder.name}.xml")

    def _write(self, document: SessionDocument) -> None:
        """Write catalogs, log and, last, the document: it says that the build is done."""
        used = []
        for scan in document.scans:
            for resource in scan.resources:
                path = f"{SCANS}/{scan.id}/{resource.label}"
                used.append(path)
                catalog = self._folder / path / resource.catalog
                write_whole(catalog, write_catalog(resource), self._checkpoint)
        log = self._folder / BUILD_LOG
        if document.warnings:
            lines = "".join(f"{line}\n" for line in document.warnings)
            write_whole(log, lines.encode(), self._checkpoint)
        else:
            self._checkpoint()
            log.unlink(missing_ok=True)
        remove_empty(self._folder, used, self._checkpoint)
        write_whole(self._session_file, write_session(document), self._checkpoint)
