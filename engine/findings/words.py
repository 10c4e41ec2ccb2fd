# SPDX-License-Identifier: Apache-2.0
"""Texts as they are compared: without case, accents, width and separators. And words that stand in
names of people and everywhere else, too."""

from __future__ import annotations

import re
import unicodedata

_APART = re.compile(r"[\W_]+")
_RUNS = re.compile(r"[^\W\d_]+|\d+")

_WORDS = """
abdomen adult angio anon anonym anonymized anonymous arm axial baby blank body bone born brain
breast card cardiac case chest child clinic code color colour comment comments control coronal
demo dept diffusion doctor dose ear eye face fast female field film fluid foot frau generic hand
head heart helical herr hip hospital image infant institute jane john joint junior kidney knee
left leg light liver local localizer long lung male man medical mister mrs multi neck neuro noname
none normal null numbers observer operator original other patient pelvis person phantom phase
physician position private prof protocol public qa quality radiology referring regular removed
report research right routine rule sagittal sample scan scanner screen secondary senior sequence
series short shoulder single site skull slice small soft spin spine standard study subject surgery
survey system technologist test testing thorax tissue trauma unknown upper user vessel view volume
white woman young
"""
COMMON = frozenset(_WORDS.split())
"""Words that are parts of names now and then, and of descriptions all the time."""

_SHORTEST = 3
_SHORTEST_DENSE = 2
"""Characters of a word of a script in which a word is a few signs."""


def folded(text: str) -> str:
    """Return a text without case, width and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in apart if unicodedata.combining(char) == 0 or char >= "\u2000")
    return unicodedata.normalize("NFKC", plain)


def squeezed(text: str) -> str:
    """Return the letters and digits of a folded text, without anything between them."""
    return _APART.sub("", text)


def tokens(text: str) -> frozenset[str]:
    """Return the words and numbers of a folded text."""
    return frozenset(_RUNS.findall(text))


def is_dense(word: str) -> bool:
    """Whether a word is written in Han, kana or Hangul."""
    return any("\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in word)


def is_telling(word: str) -> bool:
    """Whether a word is long and rare enough to be looked for."""
    if is_dense(word):
        return len(word) >= _SHORTEST_DENSE
    return len(word) >= _SHORTEST and word not in COMMON
