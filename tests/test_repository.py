# SPDX-License-Identifier: Apache-2.0
"""What every file of the repository keeps to, whatever it is about."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
NOT_OURS = re.compile(r"\.git|\.venv|__pycache__|.*\.egg-info|\.[a-z_]*(cache|hypothesis)")
VAGUE = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

# Written in two halves, so that this file passes too.
INDEXES = re.compile("py" r"pi\.(org|python)|python" r"hosted\.org|index" r"-url\s*=|file:/" "/")
MACHINES = re.compile(r"(?<![\w.~}])/(wo" r"rk|ro" r"ot|ho" r"me/\w+|Us" r"ers/\w+)(?=/\w)")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
LEFT_OUT = re.compile(
    r"\bpytest\.(mark\.)?(sk" r"ip|xf" r"ail|import" r"orskip)|unittest\.sk" r"ip"
)


def files() -> Iterator[Path]:
    """Yield every file that is committed or would be."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if not NOT_OURS.fullmatch(name))
        for name in sorted(names):
            if not NOT_OURS.fullmatch(name):
                yield Path(folder, name)


def texts() -> Iterator[tuple[str, int, str]]:
    """Yield every line of every text: the file's name, the number and the line."""
    for file in files():
        try:
            content = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(content.splitlines(), 1):
            yield str(file.relative_to(ROOT)), number, line


def modules() -> list[Path]:
    """Return every Python module."""
    return [file for file in files() if file.suffix == ".py"]


@pytest.mark.parametrize(
    "pattern", [INDEXES, MACHINES, UNFINISHED], ids=["index", "machine", "unfinished"]
)
def test_no_file_names_what_is_not_for_everybody(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}:{number}: {line.strip()}" for name, number, line in texts() if pattern.search(line)
    ]
    assert found == []


def test_no_test_is_left_out() -> None:
    found = [
        f"{name}:{number}"
        for name, number, line in texts()
        if name.startswith("tests") and LEFT_OUT.search(line)
    ]
    assert found == []


def test_code_cites_only_what_comes_with_it() -> None:
    cited = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in modules()
        for name in re.findall(r"\b[\w/-]+\.md\b", file.read_text("utf-8"))
        if not any((ROOT / place / name).exists() for place in ("", "docs", file.parent))
    }
    assert cited == set()


def test_docstrings_say_return() -> None:
    begins = re.compile(r'"""Gi' r"ve ")
    assert [file.name for file in modules() if begins.search(file.read_text("utf-8"))] == []


def test_modules_name_their_licence() -> None:
    named = "# SPDX-License-Identifier: Apache-2.0\n"
    texts = {file: file.read_text("utf-8") for file in modules()}
    assert [str(file) for file, text in texts.items() if text and named not in text[:100]] == []


def test_modules_say_what_they_are_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in modules()
        if ROOT / "tests" not in file.parents
        and (content := file.read_text("utf-8")).strip()
        and not ast.get_docstring(ast.parse(content))
    ]
    assert silent == []


def test_modules_are_named_after_a_thing() -> None:
    assert [str(file) for file in modules() if file.stem in VAGUE] == []


def test_folders_of_tests_are_packages() -> None:
    """Without it two test modules of one name would be one to Python."""
    folders = {file.parent for file in modules() if ROOT / "tests" in file.parents}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_hooks_fetch_nothing_and_run_what_the_checks_run() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["repo"] for one in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    programs = [Path(hook["entry"].split()[0]) for hook in hooks]
    assert {str(program.parent) for program in programs} == {".venv/bin"}
    makefile = (ROOT / "Makefile").read_text()
    assert [one.name for one in programs if f"$(VENV)/bin/{one.name}" not in makefile] == []


def test_the_lock_has_a_hash_for_all_and_agrees_with_the_project() -> None:
    lock = (ROOT / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    assert [line.split()[0] for line in lock if "--hash=sha256:" not in line] == []
    locked: dict[str, set[str]] = {}
    for line in lock:
        name, _, rest = line.partition("==")
        key = canonicalize_name(name.partition("[")[0])
        locked.setdefault(key, set()).add(rest.split()[0])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for wish in map(Requirement, wanted):
        versions = locked[canonicalize_name(wish.name)]
        assert all(wish.specifier.contains(version) for version in versions), str(wish)
