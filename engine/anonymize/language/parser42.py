# SPDX-License-Identifier: Apache-2.0
"""The parser of DicomEdit 4.2. There is one statement per line; a statement with an error is
reported and left out. The same tree means something else in 4.2 than in 6: never run one as the
other."""

from __future__ import annotations

from typing import NoReturn

from engine.anonymize.language.lexer import Token, TokenKind
from engine.anonymize.language.reader import Enough, Fault, Reader, Reading, told
from engine.anonymize.language.tree import (
    Action,
    Assign,
    CallValue,
    Comparison,
    Condition,
    Delete,
    Describe,
    Echo,
    Export,
    Generated,
    Guarded,
    Number,
    Operator,
    PathValue,
    Script,
    SetVariable,
    Statement,
    TagPath,
    TagStep,
    Value,
    VariableRead,
)

_OPERATORS = {"=": Operator.EQUAL, "~": Operator.MATCHES}
_NEWER_WORDS = ("if", "elseif", "else", "removeAllPrivateTags")
_NEWER = {
    "?": "“:” stands between condition and action in 4.2; “?” is the way of version 6",
    "!": "4.2 compares only with “=” and “~”",
    "/": "4.2 knows no paths into sequences; that is the way of version 6",
    "{": "4.2 knows no blocks and no lists; they are the way of version 6",
    ";": "there is no “;”: a statement ends with its line",
    "(": "a tag of DicomEdit 4.2 reads (gggg,eeee), without blanks",
}


def read(text: str) -> Reading:
    """Read a whole script of version 4.2 as far as it goes."""
    return _Parser(text, language=4).read()


class _Parser(Reader):
    def read(self) -> Reading:
        statements: list[Statement] = []
        try:
            if self.too_long:
                self.whole = False
                self.note(self.now, "the script is too long to be read")
                raise Enough
            while True:
                self.skip_lines()
                if self.now.kind is TokenKind.END:
                    break
                depth = self.depth
                try:
                    statements.append(self._line())
                except Fault:
                    self.depth = depth
                    while self.now.kind not in (TokenKind.NEWLINE, TokenKind.END):
                        self.step()
        except Enough:
            pass
        script = Script(language=4, statements=tuple(statements))
        return Reading(script=script, problems=tuple(self.problems), whole=self.whole)

    def _line(self) -> Statement:
        statement = self._statement()
        if self.now.kind not in (TokenKind.NEWLINE, TokenKind.END):
            self._fail_here("the end of the line")
        return statement

    def _statement(self) -> Statement:
        token = self.now
        if self.sees_word("describe"):
            self.step()
            name = self.name("the name of the variable to describe")
            if self.sees_word("hidden"):
                self.step()
                return Describe(at=self.place(token), name=name, word="hidden")
            return Describe(at=self.place(token), name=name, text=self._text("a text or hidden"))
        if self.sees_word("export"):
            self.step()
            name = self.name("the name of the variable to export")
            return Export(at=self.place(token), name=name, field=self._text("the field"))
        if token.text in _NEWER_WORDS and self.ahead().text != ":=":
            self.fail(token, f"4.2 knows no “{token.text}”; it is the way of version 6")
        conditions: list[Condition] = []
        while True:
            found = self._action_or_condition()
            if isinstance(found, Action):
                break
            conditions.append(found)
            if not self.takes(":"):
                self._fail_here("“:” and an action")
        if not conditions:
            return found
        if isinstance(found, SetVariable):
            self.note(token, "a variable of 4.2 is declared without a condition")
        return Guarded(at=self.place(token), conditions=tuple(conditions), action=found)

    def _action_or_condition(self) -> Action | Condition:
        token = self.now
        at = self.place(token)
        if self.takes("-"):
            if self.now.kind is not TokenKind.TAG:
                self._fail_here("the tag to delete")
            return Delete(at=at, path=self._path())
        if self.sees_word("echo"):
            self.step()
            ends = self.now.kind in (TokenKind.NEWLINE, TokenKind.END)
            return Echo(at=at, value=None if ends else self._value())
        if token.kind is TokenKind.WORD and self.ahead().text == ":=":
            name = self.name("a name")
            self.step()
            return SetVariable(at=at, name=name, value=self._value())
        left = self._value(what="a statement")
        if isinstance(left, PathValue) and self.takes(":="):
            return Assign(at=at, path=left.path, value=self._value())
        if not self.sees(*_OPERATORS):
            self._fail_here("a comparison with “=” or “~”, or an assignment with “:=”,")
        operator = _OPERATORS[self.step().text]
        right = self._value()
        if self.now.kind in (TokenKind.NEWLINE, TokenKind.END) and isinstance(
            left, PathValue | VariableRead
        ):
            self.fail(token, "a value is assigned with “:=”; “=” and “~” compare")
        return Comparison(at=at, left=left, operator=operator, right=right)

    def _text(self, what: str) -> str:
        if self.now.kind not in (TokenKind.STRING, TokenKind.BAD_STRING):
            self._fail_here(what)
        return self.string().value

    # -------------------------------------------------------------------------------- values

    def _value(self, what: str = "a value") -> Value:
        token = self.now
        value = self._term(what)
        if token.kind is not TokenKind.STRING or not self._starts_term():
            return value
        # A pattern with what it is filled with: "{0}_{1}" a, b.
        arguments = [value, self._term()]
        while self.takes(","):
            arguments.append(self._term())
        return CallValue(at=self.place(token), name="format", arguments=tuple(arguments))

    def _starts_term(self) -> bool:
        if self.now.kind is TokenKind.WORD:
            return self.now.text not in self.keywords or self.now.text == "new"
        return self.now.kind in (
            TokenKind.TAG,
            TokenKind.STRING,
            TokenKind.BAD_STRING,
            TokenKind.NUMBER,
        )

    def _term(self, what: str = "a value") -> Value:
        token = self.now
        at = self.place(token)
        match token.kind:
            case TokenKind.STRING | TokenKind.BAD_STRING:
                return self.string()
            case TokenKind.NUMBER:
                self.step()
                if "." in token.text:
                    self.note(token, "4.2 knows only whole numbers: use quotes")
                return Number(at=at, value=token.text)
            case TokenKind.TAG:
                return PathValue(at=at, path=self._path())
            case TokenKind.WORD if token.text == "new":
                return self._generated()
            case TokenKind.WORD if token.text not in self.keywords:
                self.step()
                if self.sees("["):
                    return CallValue(at=at, name=token.text, arguments=self._arguments())
                return VariableRead(at=at, name=token.text.lower())
        self._fail_here(what)

    def _generated(self) -> Generated:
        token = self.step()
        if self.now.kind is not TokenKind.WORD:
            self._fail_here("what to make, such as new UID,")
        kind = self.step().text
        arguments = self._arguments() if self.sees("[") else ()
        return Generated(at=self.place(token), kind=kind, arguments=arguments)

    def _arguments(self) -> tuple[Value, ...]:
        self.enter(self.step())
        found: list[Value] = []
        while not self.takes("]"):
            if found and not self.takes(","):
                self._fail_here("“,” or “]”")
            found.append(self._value("an argument"))
        self.depth -= 1
        return tuple(found)

    def _path(self) -> TagPath:
        tag = self.tag()
        return TagPath(at=tag.at, steps=(TagStep(at=tag.at, tag=tag),))

    def _fail_here(self, what: str) -> NoReturn:
        token = self.now
        hint = self._newer(token)
        self.fail(token, hint or f"{what} is expected, but here is {told(token)}")

    @staticmethod
    def _newer(token: Token) -> str:
        return _NEWER.get(token.text[:1], "") if token.kind is TokenKind.UNKNOWN else ""
