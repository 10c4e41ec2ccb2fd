# SPDX-License-Identifier: Apache-2.0
"""Values and paths of DicomEdit 6: strings, variables, calls, lists, and paths of tags. Where they
are allowed is decided by the statements."""

from __future__ import annotations

import re
from typing import NoReturn

from engine.anonymize.language.lexer import Token, TokenKind
from engine.anonymize.language.reader import Fault, Reader, told
from engine.anonymize.language.tree import (
    CallValue,
    Item,
    Levels,
    LevelStep,
    ListValue,
    Number,
    PathValue,
    Step,
    TagPath,
    TagStep,
    Text,
    Value,
    VariableRead,
)

_LEVELS = {one.value: one for one in Levels}
_SHORTHAND = re.compile(r"\{\d")
_STATEMENT_SIGNS = (":=", "?=", "=", "!=", "~", "!~")


class ValueReader(Reader):
    """A walk over tokens that reads values."""

    def starts_value(self) -> bool:
        """Say whether a value starts here."""
        if self.now.kind is TokenKind.WORD:
            return self.now.text not in self.keywords
        return self.starts_path() or self.now.kind in (
            TokenKind.STRING,
            TokenKind.BAD_STRING,
            TokenKind.NUMBER,
            TokenKind.BAD_NUMBER,
        )

    def value(self, *, lists: bool = False, what: str = "a value") -> Value:
        """Read a value that starts here; a list only where it may stand."""
        if self._value_below():
            self.note(self.now, _on_one_line(what))
            self.skip_lines()
        token = self.now
        at = self.place(token)
        match token.kind:
            case TokenKind.STRING | TokenKind.BAD_STRING:
                text = self.string()
                self._no_shorthand(text)
                return text
            case TokenKind.NUMBER:
                self.step()
                return Number(at=at, value=token.text)
            case TokenKind.BAD_NUMBER:
                self.note(token, "a number has no leading zero and no dot at its end: use quotes")
                self.step()
                return Number(at=at, value=token.text)
            case TokenKind.WORD if token.text not in self.keywords:
                if token.text == "new" and self.ahead().kind is TokenKind.WORD:
                    self.fail(token, "“new …” is the way of 4.2; in version 6 it is newUID[]")
                self.step()
                if self.sees("["):
                    return self._call(token)
                if self.sees("(") and self.source.glued[token.start + len(token.text)] == "(":
                    self.fail(self.now, "arguments stand in brackets: name[…]")
                return VariableRead(at=at, name=token.text)
        if self.starts_path():
            return PathValue(at=at, path=self.path())
        if self.sees("{"):
            if lists:
                return self._list()
            self.fail(token, "a list cannot stand here: give it to a variable or to a function")
        self.fail_at(token, what)

    def _value_below(self) -> bool:
        """Say whether the line ends here and the next one holds a value, not a statement."""
        start = self.index
        self.skip_lines()
        below = self.index > start and (self.starts_value() or self.sees("{"))
        below = below and not self._statement_follows()
        self.index = start
        return below

    def fail_at(self, token: Token, what: str) -> NoReturn:
        """Tell that something else is expected where a token stands."""
        if token.kind is TokenKind.NEWLINE:
            message = _on_one_line(what)
        elif token.text == "&" or token.text == "|":
            message = "conditions cannot be combined: put one “if” into another"
        elif token.kind is TokenKind.CONTINUATION or token.text == "\\":
            message = "“\\” goes on in the next line only as the very last character of a line"
        elif token.text == "(":
            message = "a tag reads (gggg,eeee) or (gggg,{CREATOR}ee), without blanks at its ends"
        elif token.text == "?":
            message = f"{what} is expected; “?” stands behind a condition, and is no wildcard"
        else:
            message = f"{what} is expected, but here is {told(token)}"
        self.fail(token, message)

    def _no_shorthand(self, text: Text) -> None:
        if not _SHORTHAND.search(text.value) or not self.starts_value():
            return
        follower = self.ahead()
        if follower.kind in (TokenKind.NEWLINE, TokenKind.END) or follower.text == ",":
            self.fail(self.now, "a pattern with values is the way of 4.2; use format[…]")

    def _call(self, name: Token) -> CallValue:
        opened = self.step()
        self.enter(opened)
        arguments: list[Value] = []
        self._no_line_end(goes_on=True)
        while not self.takes("]"):
            if arguments:
                self.expect(",", f"“,” or “]” is expected in the call of {name.text}")
                self._no_line_end(goes_on=True)
            arguments.append(self.value(lists=True, what="an argument"))
            self._no_line_end(goes_on=False)
        self.depth -= 1
        return CallValue(at=self.place(name), name=name.text, arguments=tuple(arguments))

    def _no_line_end(self, *, goes_on: bool) -> None:
        """Tell a line end among arguments, and go on behind it where the call plainly goes on."""
        start = self.index
        self.skip_lines()
        if self.index == start:
            return
        if not goes_on and not self.sees(",", "]"):
            self.index = start
            return
        self.note(
            self.tokens[start],
            "arguments stand on one line: end it with “\\” to go on in the next",
        )

    def _list(self) -> ListValue:
        opened = self.step()
        self.enter(opened)
        try:
            elements = self._elements()
        except Fault:
            self._leave_list()
            raise
        self.depth -= 1
        return ListValue(at=self.place(opened), elements=tuple(elements))

    def _elements(self) -> list[Value]:
        elements: list[Value] = []
        self.skip_lines()
        while not self.takes("}"):
            if elements:
                if self.sees(","):
                    self.step()
                elif self.starts_value() or self.sees("{"):
                    self.note(self.now, f"“,” is missing in the list before {told(self.now)}")
                else:
                    self.expect(",", "“,” or “}” is expected in the list")
                self.skip_lines()
            elements.append(self.value(lists=True, what="an element of the list"))
            start = self.index
            self.skip_lines()
            if not self.sees(",", "}") and (self._statement_follows() or not self.starts_value()):
                self.index = start
                self.fail(self.now, "this list is not closed: “,” or “}” is expected")
        return elements

    def _leave_list(self) -> None:
        """Go behind the end of a faulty list if it has one."""
        start, open_lists = self.index, 1
        while self.now.kind is not TokenKind.END:
            if self.now.kind is TokenKind.NEWLINE and self._statement_follows():
                break
            open_lists += self.sees("{") - self.sees("}")
            self.step()
            if not open_lists:
                return
        self.index = start

    def _statement_follows(self) -> bool:
        """Say whether the line looks like a statement more than like an element."""
        offset = 1 if self.now.kind is TokenKind.NEWLINE else 0
        while self.ahead(offset).kind not in (TokenKind.NEWLINE, TokenKind.END):
            if self.ahead(offset).text in _STATEMENT_SIGNS:
                return True
            offset += 1
        return False

    # --------------------------------------------------------------------------------- paths

    def starts_path(self) -> bool:
        """Say whether a path starts here."""
        return self.now.kind is TokenKind.TAG or self.sees(*_LEVELS)

    def path_here(self, what: str) -> TagPath:
        """Read a path that has to stand here."""
        if not self.starts_path():
            self.fail_at(self.now, what)
        return self.path()

    def path(self) -> TagPath:
        """Read a path that starts here."""
        at = self.place(self.now)
        steps = [self._step_of_path()]
        while self.takes("/"):
            if not self.starts_path():
                self.fail(
                    self.now,
                    f"a tag or one of * + . is expected behind “/”, but here is {told(self.now)}",
                )
            steps.append(self._step_of_path())
        return TagPath(at=at, steps=tuple(steps))

    def _step_of_path(self) -> Step:
        token = self.now
        at = self.place(token)
        if token.kind is not TokenKind.TAG:
            self.step()
            return LevelStep(at=at, levels=_LEVELS[token.text])
        tag = self.tag()
        return TagStep(at=at, tag=tag, item=self._item() if self.takes("[") else None)

    def _item(self) -> Item:
        token = self.step()
        if token.kind is TokenKind.NUMBER and token.text.isdigit() and len(token.text) < 7:
            item = Item(number=int(token.text))
        elif token.kind is TokenKind.SIGN and token.text == "%":
            item = Item(number=None)
        else:
            self.index -= token.kind is not TokenKind.END
            self.fail(token, f"an item is a number from 0 to 999999 or %, not {told(token)}")
        self.expect("]", "“]” is expected behind the item")
        return item


def _on_one_line(what: str) -> str:
    return f"{what} is expected on the same line (“\\” at its end goes on in the next)"
