# SPDX-License-Identifier: Apache-2.0
"""Objects for scripts: data sets that pydicom writes, a script run over them, and what pydicom
reads of the bytes that come out."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence

from engine.anonymize.language.check import load
from engine.anonymize.runtime.plan import Applied, CompiledScript, compile_script
from engine.anonymize.runtime.subject import ScriptedObject, index_meta, index_tail
from engine.dicom.header import Header
from tests.engine.dicom.datasets import written

HOST = {"project": "PROJ", "subject": "SUBJ", "session": "SESS"}
ALL_PRIVATE_42 = f"-({'X' * 3}#,XXXX)"
SECRET = b"a secret of this installation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What came out of a run."""

    dataset: Dataset
    applied: Applied
    data: bytes
    subject: ScriptedObject


def compiled(text: str, *, version: str = "6.7", **options: Any) -> CompiledScript:
    """Make a script of version 6 ready, its text being without the version; `""` stands for 4.2."""
    whole = f'version "{version}"\n{text}' if version else text
    given = {"name": "site", "version": 3, "secret": SECRET, **options}
    return compile_script(load(whole), **given)


def opened(
    dataset: Dataset, *, explicit: bool = True, meta: Header | None = None
) -> ScriptedObject:
    """Open a data set without a tail."""
    return ScriptedObject(
        Header.index(written(dataset, explicit=explicit), explicit=explicit), meta=meta
    )


def ran(
    text: str,
    dataset: Dataset,
    *,
    explicit: bool = True,
    version: str = "6.7",
    host: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    **apply: Any,
) -> Ran:
    """Run a script over a data set."""
    plan = compiled(text, version=version, **(options or {}))
    subject = opened(dataset, explicit=explicit)
    applied = plan.apply(subject, HOST if host is None else host, **apply)
    data = b"".join(subject.head_pieces())
    Header.index(data, explicit=explicit)
    return Ran(dataset=reread(data, explicit=explicit), applied=applied, data=data, subject=subject)


def reread(data: bytes, *, explicit: bool = True) -> Dataset:
    """Let pydicom read a data set, and decode its texts."""
    # Scripts may write more than the standard allows.
    with disable_value_validation():
        dataset = read_dataset(BytesIO(data), not explicit, True)
        dataset.decode()
        for element in dataset.iterall():
            _ = element.value
    return dataset


def plain(dataset: Dataset, tag: int) -> str:
    """Return the text of an element; without a VR pydicom gives that of unknown ones as bytes."""
    value = dataset[tag].value
    return value.decode().rstrip(" \0") if isinstance(value, bytes) else str(value)


def data_set(**values: object) -> Dataset:
    """Make a data set of keywords; lists of data sets are sequences."""
    dataset = Dataset()
    for name, value in values.items():
        nested = isinstance(value, list) and all(isinstance(one, Dataset) for one in value)
        with disable_value_validation():
            setattr(dataset, name, Sequence(value) if isinstance(value, list) and nested else value)
    return dataset


def private(dataset: Dataset, group: int, creator: str, element: int, vr: str, value: Any) -> None:
    """Add a private element, in a new block where the creator has none."""
    block = dataset.private_block(group, creator, create=True)
    block.add_new(element, vr, value)
    if vr == "SQ":
        # Without VRs only this tells that it is a sequence.
        block[element].is_undefined_length = True


def meta(**values: str) -> Header:
    """Make group 2."""
    return index_meta(written(data_set(**values), explicit=True))


def tail(dataset: Dataset, head: Header) -> Header:
    """Make what follows the pixels."""
    return index_tail(written(dataset, explicit=head.explicit), head)
