# SPDX-License-Identifier: Apache-2.0
"""What is given to a widget comes from `plain` or is written in the code: read from the sources, so
that no screen forgets it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CONSOLE = Path(__file__).parents[2] / "console"
WIDGETS = {"Static", "Label", "Button", "Content", "Text"}
"""Calls whose first argument is shown."""

METHODS = {"update", "notify", "from_markup"}
TITLES = {"border_title", "border_subtitle"}
MAKERS = {"plain", "assemble"}
"""What makes texts from data harmless. `Content.assemble` takes what `plain_text` gave."""

FILES = sorted(path for path in CONSOLE.rglob("*.py"))


def faults(tree: ast.AST) -> list[int]:
    """Return the lines on which a text that may be data goes to a widget as it is."""
    found: set[int] = set()
    functions = [
        node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for function in functions:
        known = _known(function)
        for node in ast.walk(function):
            found |= _fault(node, known)
    for node in ast.walk(tree):
        if id(node) not in inside:
            found |= _fault(node, set())
    return sorted(found)


def _fault(node: ast.AST, known: set[str]) -> set[int]:
    if isinstance(node, ast.Call):
        name = _name(node.func)
        shows = name in WIDGETS or (name in METHODS and isinstance(node.func, ast.Attribute))
        if shows and node.args and not _harmless(node.args[0], known):
            markup = [each.value for each in node.keywords if each.arg == "markup"]
            off = bool(markup) and isinstance(markup[0], ast.Constant) and not markup[0].value
            return set() if name == "notify" and off else {node.lineno}
    elif isinstance(node, ast.Assign):
        targets = [each for each in node.targets if isinstance(each, ast.Attribute)]
        if any(each.attr in TITLES for each in targets) and not _harmless(node.value, known):
            return {node.lineno}
    return set()


def _known(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names that hold nothing but harmless texts in a function."""
    known = {
        each.arg
        for each in (*function.args.args, *function.args.kwonlyargs)
        if each.annotation is not None and _name(each.annotation) == "Content"
    }
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.NamedExpr):
            values.setdefault(node.target.id, []).append(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign):
                values.setdefault(target.id, []).append(node.value)
    return known | {name for name, each in values.items() if all(_harmless(v, set()) for v in each)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONSOLE)))
def test_texts_go_through_plain(path: Path) -> None:
    if "textual" not in path.read_text(encoding="utf-8"):
        # A set and a dictionary have an `update` too.
        return
    assert faults(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "Static(f'{label}')",
        "Static(str(label))",
        "Static(label)",
        "Static(', '.join(labels))",
        "Label('a' + label)",
        "widget.update(label)",
        "self.notify(text)",
        "self.notify(text, markup=True)",
        "Button(label)",
        "table.border_title = label",
        "table.border_subtitle = f'{label}'",
        "Content.from_markup(label)",
        "Static('%s' % label)",
        "Static('{}'.format(label))",
        "def f(x):\n    if x:\n        y = plain(x)\n    else:\n        y = x\n    Static(y)",
    ],
)
def test_the_check_finds_what_it_is_for(code: str) -> None:
    assert faults(ast.parse(code)) == [len(code.splitlines())]


@pytest.mark.parametrize(
    "code",
    [
        "Static(plain(label))",
        "Static('constant')",
        "Static()",
        "widget.update(plain(f'{label}'))",
        "self.notify(text, markup=False)",
        "table.border_title = plain(label, 20)",
        "table.border_title = 'Sessions'",
        "Static(Content.assemble(plain(label)))",
        "Static(plain(a) if b else '')",
        "def f(x):\n    a.b(y := plain(x))\n    Static(y)",
        "Static(Content(' ').join(plain(each) for each in texts))",
        "def f(x: Content):\n    y = plain('a')\n    Static(x)\n    Static(y)",
    ],
)
def test_the_check_lets_pass_what_is_harmless(code: str) -> None:
    assert faults(ast.parse(code)) == []


def _harmless(node: ast.expr, known: set[str]) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id in known or node.id.isupper()
    if isinstance(node, ast.IfExp):
        return _harmless(node.body, known) and _harmless(node.orelse, known)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        # What `Content` joins are contents.
        maker = node.func.value
        if node.func.attr == "join" and isinstance(maker, ast.Call):
            return _name(maker.func) == "Content"
    return isinstance(node, ast.Call) and _name(node.func) in MAKERS


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
