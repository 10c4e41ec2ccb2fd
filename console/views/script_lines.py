# SPDX-License-Identifier: Apache-2.0
"""The lines of a script with what is coloured in them: for the editor, and wherever else a script
is shown. A line is split once for as long as it stays the same. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from engine.service.script_words import Kind, Piece, State, pieces

TONES = {
    Kind.COMMENT: "script--comment",
    Kind.STRING: "script--string",
    Kind.TAG: "script--tag",
    Kind.NUMBER: "script--number",
    Kind.KEYWORD: "script--keyword",
    Kind.FUNCTION: "script--function",
    Kind.BAD: "script--fault",
}
"""The style of a kind; what is not here is plain."""

_KEPT = 4_096
"""Lines that are remembered: more than any script on show has."""


class ScriptLines:
    """Splits lines, and knows in what each of them starts where a line above goes on in it."""

    def __init__(self) -> None:
        """Know no line."""
        self.language = 6
        self.split = 0
        """How many lines were split so far, and not just looked up."""
        self._known: OrderedDict[tuple[str, State, int], tuple[list[Piece], State]] = OrderedDict()
        self._states: dict[int, State] = {}

    def edited(self) -> None:
        """Forget in what lines start: one of them has become another."""
        self._states.clear()

    def of(self, lines: Sequence[str], row: int) -> list[Piece]:
        """Return the pieces of a line."""
        return self._split(lines[row], self._state(lines, row))[0]

    def _state(self, lines: Sequence[str], row: int) -> State:
        # Only a line that goes on from the one above can start in anything: others need no look
        # at what is above them.
        first = row
        while first > 0 and first not in self._states and lines[first - 1].endswith("\\"):
            first -= 1
        state = self._states.get(first, State.PLAIN)
        for above in range(first, row):
            self._states[above] = state
            state = self._split(lines[above], state)[1]
        self._states[row] = state
        return state

    def _split(self, line: str, state: State) -> tuple[list[Piece], State]:
        key = (line, state, self.language)
        if (found := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return found
        self.split += 1
        found = self._known[key] = pieces(line, state, self.language)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


def at(found: Sequence[Piece], column: int) -> Piece | None:
    """Return the piece at a column, or the one that ends there."""
    return next((one for one in found if one.start <= column <= one.end), None)
