# SPDX-License-Identifier: Apache-2.0
"""What a machine must have before there is a virtual environment, and before tests run in it. It is
looked for, and installed from Debian's or Ubuntu's packages where nobody has to be asked for that.

    python3 tests/peers.py environment    Python's own part, without which none can be made
    python3 tests/peers.py tests          the programs of .ci/peers

It needs nothing but Python's standard library, for it runs first.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LIST = Path(__file__).parent.parent / ".ci" / "peers"

ELSEWHERE = {"Orthanc": "/usr/sbin", "postgres": "/usr/lib/postgresql/*/bin"}
"""Where Debian keeps programs that are not on PATH."""

IN_A_WHEEL = "postgresql"
"""What the development requirements bring too: tests take the system's first, for it is what sites
run, and must have it in CI."""

ORTHANC = "orthanc"
"""A package that makes a service run, which nobody here wants: tests start one of their own."""

# A lock that another installation holds is waited for.
INSTALL = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq")


def needed_by_tests(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the packages whose programs are not there, each with its program."""
    lines = LIST.read_text("utf-8").splitlines()
    wanted = dict(line.split() for line in lines if line and not line.startswith("#"))
    if environ.get("TEST_PG_URL") or environ.get("ANTEROOM_TEST_NO_POSTGRES"):
        del wanted["postgresql"]
    path = environ.get("PATH", os.defpath)
    return {package: name for package, name in wanted.items() if not _is_there(name, path)}


def needed_by_environments(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the package without which this Python makes no virtual environment, if missing."""
    if all(importlib.util.find_spec(module) for module in ("ensurepip", "venv")):
        return {}
    return {f"python{sys.version_info[0]}.{sys.version_info[1]}-venv": "ensurepip"}


NEEDS: dict[str, Callable[[Mapping[str, str]], dict[str, str]]] = {
    "environment": needed_by_environments,
    "tests": needed_by_tests,
}


def main(what: str) -> int:
    """See that what is needed is there, and return the exit code: 0 if it is."""
    look = NEEDS[what]
    missing = look(os.environ)
    if not missing:
        return 0
    path = os.environ.get("PATH", os.defpath)
    is_debian = shutil.which("apt-get", path=path) is not None
    as_root = _way_to_root(path) if is_debian else None
    if as_root is None and set(missing) == {IN_A_WHEEL} and not os.environ.get("CI"):
        return 0
    if not is_debian:
        return _fail(f"These programs are missing, install them: {', '.join(missing.values())}")
    if as_root is None:
        by_hand = f"sudo apt-get install -y {' '.join(missing)}"
        return _fail(f"Something is missing here. Install it, and try again: {by_hand}")
    sys.stderr.write(f"Installing what is missing: {' '.join(missing)}\n")
    for step in (("update",), ("install", "-y", "--no-install-recommends", *missing)):
        command = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", *INSTALL, *step]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            return _fail(f"This failed: {shlex.join(command)}")
    if ORTHANC in missing and shutil.which("systemctl", path=path):
        stop = [*as_root, "systemctl", "--quiet", "disable", "--now", ORTHANC]
        subprocess.run(stop, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    importlib.invalidate_caches()
    if missing := look(os.environ):
        return _fail(f"Still missing after the installation: {', '.join(missing.values())}")
    return 0


def _is_there(program: str, path: str) -> bool:
    places = [path, *glob.glob(ELSEWHERE.get(program, ""))]
    return shutil.which(program, path=os.pathsep.join(places)) is not None


def _way_to_root(path: str) -> Sequence[str] | None:
    """Return what makes a command run as root when put before it, or None if nothing does."""
    if os.geteuid() == 0:
        return ()
    asked = ("sudo", "-n", "true")
    if shutil.which("sudo", path=path) is None:
        return None
    silent = subprocess.run(asked, capture_output=True, check=False)
    return ("sudo", "-n") if silent.returncode == 0 else None


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
