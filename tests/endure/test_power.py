# SPDX-License-Identifier: Apache-2.0
"""Power cuts: a file system of its own is shut down without its log being written (the ioctl that
file system developers test with), mounted again, and what had been promised is looked for."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.jobs.departure import object_files, without_torn
from engine.storage.file_system import Abilities, abilities_of
from engine.storage.staging import StagingArea, publish

_SHUTDOWN = 0x8004587D
"""FS_IOC_SHUTDOWN of ext4 and XFS."""
_WITHOUT_LOG = struct.pack("I", 2)
_ROUNDS = int(os.environ.get("ENDURE_CUTS", "40"))
_MAKERS = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


def content(name: str) -> bytes:
    """Return the bytes of an object: of many sizes, none of them zeros."""
    made = random.Random(name)
    return made.randbytes(made.choice((700, 5_000, 40_000, 135_000, 1_100_000)))


def send_until_the_cut(root: Path, abilities: Abilities, label: int, cut: float) -> set[str]:
    """Publish objects over four threads; return the names of those that were promised by then."""
    session = root / "P" / f"{label}" / "S"
    session.mkdir(parents=True)
    os.sync()
    area = StagingArea(root / ".staging", f"w{label}", abilities)
    promised: set[str] = set()
    over = threading.Event()

    def send(thread: int) -> None:
        for number in range(100_000):
            name = f"{label}-{thread}-{number}"
            data = content(name)
            try:
                file = area.new_file(name)
            except OSError:
                return
            try:
                file.write((data[:300], data[300:]))
                file.prepare()
                publish(file, str(session), str(number % 3), f"{name}.dcm", durable=True)
            except OSError:
                return
            finally:
                file.close()
            if over.is_set():
                return
            promised.add(name)

    threads = [threading.Thread(target=send, args=(each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    # What is promised from here on may or may not be there: it is promised to nobody.
    threading.Event().wait(cut)
    over.set()
    descriptor = os.open(root, os.O_RDONLY)
    fcntl.ioctl(descriptor, _SHUTDOWN, _WITHOUT_LOG)
    os.close(descriptor)
    for thread in threads:
        thread.join()
    return promised


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("in_order", [True, False], ids=["in order", "plain"])
def test_what_was_promised_is_whole_after_a_power_cut(
    tmp_path: Path, kind: str, in_order: bool, tell: Callable[[str], None]
) -> None:
    maker = _MAKERS[kind]
    if shutil.which(maker[0]) is None or os.geteuid():
        pytest.fail(f"this takes root and {maker[0]}", pytrace=False)
    image, root = tmp_path / "image", tmp_path / "mounted"
    root.mkdir()
    with image.open("wb") as file:
        file.truncate(1 << 30)
    subprocess.run([*maker, str(image)], check=True)
    chance = random.Random(kind)
    count = torn = 0
    for label in range(_ROUNDS):
        subprocess.run(["mount", "-o", "loop", str(image), str(root)], check=True)
        try:
            abilities = Abilities(unnamed=True, in_order=in_order)
            assert abilities_of(root) == Abilities(unnamed=True, in_order=True)
            promised = send_until_the_cut(root, abilities, label, chance.uniform(0.05, 0.6))
        finally:
            subprocess.run(["umount", str(root)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(root)], check=True)
        try:
            found: set[str] = set()
            for session in root.glob("P/*/S"):
                files = object_files(session)
                whole = without_torn(session, files)
                torn += len(files) - len(whole)
                for each in whole:
                    path = session / each
                    assert path.read_bytes() == content(path.stem), f"{each} is not whole"
                    found.add(path.stem)
            assert promised <= found, f"lost: {sorted(promised - found)[:5]}"
            shutil.rmtree(root / "P")
            count += len(promised)
        finally:
            subprocess.run(["umount", str(root)], check=True)
    tell(
        f"{kind}, {'in order' if in_order else 'plain'}: {_ROUNDS} cuts, {count} objects promised, "
        f"{torn} torn ones went"
    )
