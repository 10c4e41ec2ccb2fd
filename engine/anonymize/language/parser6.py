# SPDX-License-Identifier: Apache-2.0
"""The parser of DicomEdit 6. A statement with an error is reported and left out, and parsing
continues after it, so that all errors are found at once. Syntax of 4.2 or of other languages is
recognised and reported as such."""

from __future__ import annotations

from engine.anonymize.language.lexer import Token, TokenKind
from engine.anonymize.language.reader import Enough, Fault, Reading, told
from engine.anonymize.language.tree import (
    Action,
    Arm,
    Assign,
    AssignIfExists,
    Call,
    CallValue,
    Comparison,
    Condition,
    Delete,
    Describe,
    Echo,
    Export,
    If,
    Operator,
    PathValue,
    RemoveAllPrivate,
    Script,
    SetVariable,
    Statement,
    TagPath,
    Ternary,
    Value,
    VariableRead,
)
from engine.anonymize.language.values6 import ValueReader

VERSIONS = tuple(f"6.{minor}" for minor in range(8))

_OPERATORS = {one.value: one for one in Operator}


def read(text: str) -> Reading:
    """Read a whole script of version 6 as far as it goes."""
    return _Parser(text, language=6).read()


def read_path(text: str) -> TagPath | None:
    """Read a text that holds a path, as some functions take it; None if it holds none."""
    parser = _Parser(text, language=6)
    try:
        path = parser.path() if parser.starts_path() else None
    except (Fault, Enough):
        return None
    return path if not parser.problems and parser.now.kind is TokenKind.END else None


class _Parser(ValueReader):
    version = ""

    def read(self) -> Reading:
        statements: list[Statement] = []
        try:
            if self.too_long:
                self.whole = False
                self.note(self.now, "the script is too long to be read")
                raise Enough
            while self.now.kind is not TokenKind.END:
                self._statements(statements)
                if self.sees("}"):
                    self.note(self.step(), "“}” closes nothing")
        except Enough:
            pass
        problems = tuple(sorted(self.problems, key=lambda one: (one.line, one.column)))
        script = Script(language=6, version=self.version, statements=tuple(statements))
        return Reading(script=script, problems=problems, whole=self.whole)

    # ----------------------------------------------------------------------------- statements

    def _statements(self, into: list[Statement]) -> None:
        """Read statements up to the end or a brace that closes."""
        while True:
            self.skip_lines()
            if self.now.kind is TokenKind.END or self.sees("}"):
                return
            start, depth = self.index, self.depth
            try:
                statement = self._statement()
            except Fault:
                self.depth = depth
                self._recover(start)
            else:
                if statement is not None:
                    into.append(statement)

    def _recover(self, start: int) -> None:
        """Go behind the faulty statement that starts there: to the end of its line or block."""
        opened: list[bool] = []
        index = start
        while True:
            token = self.tokens[index]
            if index >= self.index and token.kind in (TokenKind.NEWLINE, TokenKind.END):
                break
            if token.text == "{":
                opened.append(self._opens_block(index))
            elif token.text == "}" and opened:
                opened.pop()
            elif token.text == "}" and index >= self.index:
                break
            index += 1
        self.index = index
        if not any(opened):
            # The block of a faulty head may start on the next line.
            self.skip_lines()
            if self.tokens[start].text not in ("if", "elseif", "else") or not self.takes("{"):
                self.index = index
                return
        self._forget_block()

    def _opens_block(self, index: int) -> bool:
        before = self.tokens[index - 1] if index else self.tokens[index]
        return before.kind is TokenKind.NEWLINE or before.text in (")", "else") or index == 0

    def _forget_block(self) -> None:
        """Read the rest of a block whose head is faulty, and what belongs to it, for its faults."""
        self.whole = False
        self._statements([])
        self.takes("}")
        start = self.index
        try:
            self._arms([])
        except Fault:
            self._recover(start)

    def _statement(self) -> Statement | None:
        token = self.now
        if token.kind is TokenKind.WORD:
            match token.text:
                case "if":
                    return self._if()
                case "elseif" | "else":
                    self.whole = False
                    self.note(token, f"“{token.text}” follows no “if”")
                    self._arms([])
                    return None
                case "version":
                    self._version()
                    return None
                case "removeAllPrivateTags":
                    self.step()
                    if self.sees("["):
                        self.fail(self.now, "removeAllPrivateTags takes no brackets")
                    return RemoveAllPrivate(at=self.place(token))
                case "describe":
                    return self._describe()
                case "export":
                    self.step()
                    name = self.name("the name of the variable to export")
                    return Export(at=self.place(token), name=name, field=self._text("the field"))
        if self.sees("{"):
            self.note(token, "a block stands only behind “if (…)”, “elseif (…)” and “else”")
            self.step()
            self._forget_block()
            return None
        if self._semicolon():
            return None
        found = self._action_or_condition()
        if isinstance(found, Action):
            if isinstance(found, Call) and (self.sees("?", ":") or self._goes_on_below()):
                return self._ternary(token, found.call)
            self._semicolon()
            return found
        return self._ternary(token, found)

    def _semicolon(self) -> bool:
        if self.now.kind is TokenKind.UNKNOWN and self.now.text == ";":
            self.note(self.step(), "there is no “;”: a statement ends with its line")
            return True
        return False

    def _version(self) -> None:
        token = self.step()
        if self.now.kind is not TokenKind.STRING:
            self.fail(token, 'the version line reads: version "6.7"')
        stated = self.now
        version = self.string().value
        if self.version:
            self.note(token, "the version is stated twice")
        elif version not in VERSIONS:
            hint = "; a script of DicomEdit 4.2 has no version line" if version[:1] == "4" else ""
            self.note(
                stated,
                f"version “{version[:20]}” is not known: {VERSIONS[0]} to {VERSIONS[-1]} are{hint}",
            )
        else:
            self.version = version

    def _describe(self) -> Describe:
        at = self.place(self.step())
        name = self.name("the name of the variable to describe")
        if self.sees_word("hidden", "const", "immutable"):
            return Describe(at=at, name=name, word=self.step().text)
        text = self._text("a text in quotes, hidden, const or immutable")
        return Describe(at=at, name=name, text=text)

    def _text(self, what: str) -> str:
        if self.now.kind not in (TokenKind.STRING, TokenKind.BAD_STRING):
            self.fail(self.now, f"{what} is expected, but here is {told(self.now)}")
        return self.string().value

    # --------------------------------------------------------------------------------- blocks

    def _if(self) -> Statement:
        at = self.place(self.step())
        arms = [Arm(at=at, condition=self._head("if"), statements=self._block())]
        otherwise = self._arms(arms)
        return If(at=at, arms=tuple(arms), otherwise=otherwise)

    def _arms(self, arms: list[Arm]) -> tuple[Statement, ...] | None:
        """Read what follows the block of an `if`, if it is there."""
        otherwise: tuple[Statement, ...] | None = None
        while True:
            start = self.index
            self.skip_lines()
            token = self.now
            if not self.sees_word("elseif", "else"):
                self.index = start
                return otherwise
            self.step()
            if otherwise is not None:
                self.note(token, f"“{token.text}” cannot follow “else”")
            if token.text == "else" and self.sees_word("if"):
                self.note(token, "“else if” is written in one word: elseif")
                self.step()
            elif token.text == "else":
                if self.sees("("):
                    self.fail(self.now, "“else” has no condition; “elseif” has one")
                otherwise = self._block()
                continue
            condition = self._head("elseif")
            arms.append(Arm(at=self.place(token), condition=condition, statements=self._block()))

    def _head(self, word: str) -> Condition:
        self.expect("(", f"the condition of “{word}” stands in parentheses")
        condition = self._condition()
        self._no_combination()
        self.expect(")", f"“)” is expected behind the condition of “{word}”")
        return condition

    def _no_combination(self) -> None:
        token = self.now
        if token.text in ("&", "|", "and", "or", "AND", "OR"):
            self.fail(token, "conditions cannot be combined: put one “if” into another")

    def _block(self) -> tuple[Statement, ...]:
        self.skip_lines()
        opened = self.expect("{", "a block in braces is expected")
        self.enter(opened)
        found: list[Statement] = []
        self._statements(found)
        self.depth -= 1
        if not self.takes("}"):
            self.note(opened, "this block is not closed by “}”")
        return tuple(found)

    # ------------------------------------------------------------------------------- actions

    def _action_or_condition(self) -> Action | Condition:
        token = self.now
        at = self.place(token)
        if self.takes("-"):
            return Delete(at=at, path=self.path_here("the path to delete"))
        if self.sees_word("echo"):
            self.step()
            return Echo(at=at, value=self.value() if self.starts_value() else None)
        if token.kind is TokenKind.WORD and token.text not in self.keywords:
            assigned = self._variable(token)
            if assigned is not None:
                return assigned
        left = self.value(what="a statement")
        if isinstance(left, PathValue):
            if self.takes(":="):
                return Assign(at=at, path=left.path, value=self.value(lists=True))
            if self.takes("?="):
                return AssignIfExists(at=at, path=left.path, value=self.value(lists=True))
        operator = self._operator()
        if operator is None:
            if isinstance(left, CallValue):
                return Call(at=at, call=left)
            self.fail(self.now, _after(left, self.now, self.ahead().text))
        right = self.value()
        comparison = Comparison(at=at, left=left, operator=operator, right=right)
        if operator is Operator.EQUAL and isinstance(left, PathValue) and self._ends():
            self.note(token, "a value is assigned with “:=”; “=” compares")
            return Assign(at=at, path=left.path, value=right)
        return comparison

    def _variable(self, token: Token) -> SetVariable | None:
        """Read an assignment to a variable, if it is one."""
        sign = self.ahead()
        if sign.kind is TokenKind.SIGN and sign.text == "?=":
            self.fail(sign, "“?=” changes elements that exist; a variable is set with “:=”")
        equals = sign.kind is TokenKind.SIGN and sign.text == "="
        if not equals and not (sign.kind is TokenKind.SIGN and sign.text == ":="):
            return None
        start = self.index
        name = self.name("a name")
        self.step()
        value = self.value(lists=True)
        if equals:
            if not self._ends():
                self.index = start
                return None
            self.note(sign, "a variable is set with “:=”; “=” compares")
        return SetVariable(at=self.place(token), name=name, value=value)

    def _goes_on_below(self) -> bool:
        """Say whether the line ends here and the next one starts with `?`."""
        start = self.index
        self.skip_lines()
        below = self.index > start and self.sees("?")
        self.index = start
        return below

    def _ends(self) -> bool:
        if self._goes_on_below():
            return False
        return (
            self.now.kind in (TokenKind.NEWLINE, TokenKind.END)
            or self.sees("}")
            or self.now.text == ";"
        )

    def _operator(self) -> Operator | None:
        token = self.now
        if token.kind is not TokenKind.SIGN or token.text not in _OPERATORS:
            return None
        self.step()
        if token.text == "=" and self.sees("="):
            self.note(self.step(), "“==” is written with one “=”")
        return _OPERATORS[token.text]

    def _ternary(self, first: Token, condition: Condition) -> Statement:
        self._no_combination()
        if self._goes_on_below():
            self.note(self.now, "“?” stands on the line of its condition")
            self.skip_lines()
        if self.sees(":"):
            self.note(
                self.now, "in version 6 a condition is followed by “?”; “:” is the way of 4.2"
            )
            self.step()
        else:
            self.expect("?", "“?” and an action are expected behind a condition")
        then = self._arm_of_ternary()
        otherwise = self._arm_of_ternary() if self.takes(":") else None
        self._semicolon()
        return Ternary(at=self.place(first), condition=condition, then=then, otherwise=otherwise)

    def _arm_of_ternary(self) -> Action:
        token = self.now
        if self.sees_word("if", "removeAllPrivateTags"):
            self.fail(token, f"“{token.text}” cannot stand here: use an “if” with blocks")
        if self._ends() and not self.sees("}"):
            self.fail(token, "an action is expected on the same line")
        found = self._action_or_condition()
        if not isinstance(found, Action) or self.sees("?"):
            self.fail(token, "a conditional cannot stand in another: use “if” with blocks")
        return found

    def _condition(self) -> Condition:
        token = self.now
        left = self.value()
        operator = self._operator()
        if operator is None:
            if isinstance(left, CallValue):
                return left
            wrong = self.sees(":=")
            self.fail(
                self.now,
                "“:=” assigns; a comparison has “=”"
                if wrong
                else f"a comparison with = != ~ !~ is expected, but here is {told(self.now)}",
            )
        right = self.value()
        return Comparison(at=self.place(token), left=left, operator=operator, right=right)


def _after(left: Value, token: Token, following: str) -> str:
    if following == "=" and token.text == ":":
        return "“:=” is written without a blank"
    if isinstance(left, VariableRead):
        if left.name.lower() in ("elseif", "elif", "version", "echo", "if", "else"):
            return f"“{left.name}” is not a word of the language; case counts"
        return f"“{left.name}” alone is no statement: “:=” is expected, but here is {told(token)}"
    if isinstance(left, PathValue):
        return f"“:=” or “?=” is expected behind a path, but here is {told(token)}"
    return f"a comparison with = != ~ !~ is expected, but here is {told(token)}"
