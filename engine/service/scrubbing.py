# SPDX-License-Identifier: Apache-2.0
"""Texts without what may name a patient. Nothing is looked for and removed, for no list of names is
whole: only words stay that are known to be ours, and short numbers. For every other word a short
hash stands, the same for the same word within one bundle, under a key that nobody keeps."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from engine.model.states import Status, Verb

_WORD = re.compile(r"\w(?:[\w.^'-]*\w)?")
_OURS = re.compile(r"pre_[a-z2-7]{8}|v[0-9]{1,4}|[0-9]{1,3}")
_PUNCTUATION = frozenset(" \t\n.,:;()[]<>=+-/!?&'\"“”…→|*#%")

_WORDS = """
a about after again all already an and answered any archive archived archiving are arriving as at
attempt auto autoarchive be because been before begun belongs both broke broken build building built
by came cannot change changed changes code come comes committed conflict connection could cut
damaged data decided deleted deleting described did differ different disk document does done
duplicate duplicates each element elements empty end ended engine error errors every failed fault
file files filed filter filters first folder folders for found from full further given gone had has
have header headers held helper idle images in instance instances interrupted into is it its job
kept know known label labels last later left lock locked long looked lost made many match matched
matches merging missing more move moved moving much names network new no nobody none not
nothing noted now number object objects of off on once one only open or order other others out over
patient patients permission permissions place possible project projects put queue queued read
reason rebuild received receiver receiving record rejected relabel relabelled release released
removed reset restore restored reviewed route routed routing rule rules same scan scans script
scripts second seen send sender sent series session sessions short shorter site slice so some
something source space state status still stopped stored study subject subjects take taken than
that the their them there these they this to told too took transfer transfers trash tried try
two type types unassigned undone unknown until unreadable up used value values version was wait
waited waiting were what when where which while who why with without withdrawn work working would
wrong xml yet
abort aborted association closed comments default extractor needed peer
request skipped timeout yes assigned assign mark away note longer
dropped began transferred review fell queues refused
several birth dates sexes uid uids name sex date
"""
_KNOWN = frozenset(_WORDS.split()) | {
    word
    for each in (*Status, *Verb)
    for word in (each.value.casefold(), *each.value.casefold().split("_"))
}


class Scrubbing:
    """Takes out of texts what is not known to name nobody."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Beside our own words leave `known` ones: names of projects, receivers and people who work
        here, which a site gives itself."""
        self._key = secrets.token_bytes(32)
        self._known = _KNOWN | {word.casefold() for word in known if word}

    def text(self, text: str) -> str:
        """Return a text without anything that may name a patient."""
        pieces, place = [], 0
        for found in _WORD.finditer(text):
            pieces.append(self._between(text[place : found.start()]))
            pieces.append(self._word(found.group()))
            place = found.end()
        pieces.append(self._between(text[place:]))
        return "".join(pieces)

    def hash(self, text: str) -> str:
        """Return what stands for a value; empty for an empty one."""
        if not text:
            return ""
        return f"‹{hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:8]}›"

    def _word(self, word: str) -> str:
        if word.casefold() in self._known or _OURS.fullmatch(word):
            return word
        parts = re.split(r"([-_.'])", word)
        if len(parts) > 1 and all(self._is_known(part) for part in parts[::2]):
            return word
        return self.hash(word)

    def _is_known(self, part: str) -> bool:
        return part.casefold() in self._known

    def _between(self, text: str) -> str:
        return "".join(char if char in _PUNCTUATION else "·" for char in text)
