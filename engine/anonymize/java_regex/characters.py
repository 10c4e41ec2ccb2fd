# SPDX-License-Identifier: Apache-2.0
"""Character classes of Java regular expressions, written as the contents of a set of the `regex`
module. The rest of a pattern is translated in `engine.anonymize.java_regex.patterns`."""

from __future__ import annotations

PREDEFINED = {
    "d": "0-9",
    "w": "A-Za-z0-9_",
    "s": r" \t\n\x0b\f\r",
    "h": r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
    "v": r"\n\x0b\f\r\x85\u2028\u2029",
}
"""Classes with a letter of their own; the capital letter is all that is not in them."""

PREDEFINED_UNICODE = PREDEFINED | {
    "d": r"\p{Nd}",
    "w": r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}",
    "s": r"\p{White_Space}",
}
"""The same under the flag `U`."""

_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Alnum": "A-Za-z0-9",
    "Punct": r"!-/\:-@\[-`{-\~",
    "Graph": r"!-\~",
    "Print": r" -\~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9A-Fa-f",
    "Space": PREDEFINED["s"],
}
_BLANK = r"\p{Zs}\t"
_GRAPH = r"[^\p{White_Space}\p{Cc}\p{Cs}\p{Cn}]"
# Java's binary properties; also what its POSIX names mean under the flag U.
_BINARY = {
    "ALPHABETIC": r"\p{Alphabetic}",
    "LETTER": r"\p{L}",
    "IDEOGRAPHIC": r"\p{Ideographic}",
    "LOWERCASE": r"\p{Lowercase}",
    "UPPERCASE": r"\p{Uppercase}",
    "TITLECASE": r"\p{Lt}",
    "WHITE_SPACE": r"\p{White_Space}",
    "WHITESPACE": r"\p{White_Space}",
    "CONTROL": r"\p{Cc}",
    "PUNCTUATION": r"\p{P}",
    "HEX_DIGIT": r"\p{Nd}\p{Hex_Digit}",
    "HEXDIGIT": r"\p{Nd}\p{Hex_Digit}",
    "ASSIGNED": r"\P{Cn}",
    "NONCHARACTER_CODE_POINT": r"\p{Noncharacter_Code_Point}",
    "NONCHARACTERCODEPOINT": r"\p{Noncharacter_Code_Point}",
    "DIGIT": r"\p{Nd}",
    "ALNUM": r"\p{Alphabetic}\p{Nd}",
    "BLANK": _BLANK,
    "GRAPH": _GRAPH,
    "PRINT": _GRAPH + r"\p{Zs}",
    "WORD": PREDEFINED_UNICODE["w"],
    "JOIN_CONTROL": r"\p{Join_Control}",
    "JOINCONTROL": r"\p{Join_Control}",
}
_POSIX_UNICODE = {
    "ALPHA": "ALPHABETIC",
    "LOWER": "LOWERCASE",
    "UPPER": "UPPERCASE",
    "SPACE": "WHITE_SPACE",
    "PUNCT": "PUNCTUATION",
    "XDIGIT": "HEX_DIGIT",
    "ALNUM": "ALNUM",
    "CNTRL": "CONTROL",
    "DIGIT": "DIGIT",
    "BLANK": "BLANK",
    "GRAPH": "GRAPH",
    "PRINT": "PRINT",
}
_IGNORABLE = r"\x00-\x08\x0e-\x1b\x7f-\x9f\p{Cf}"
_JAVA = {
    "javaLowerCase": r"\p{Lowercase}",
    "javaUpperCase": r"\p{Uppercase}",
    "javaTitleCase": r"\p{Lt}",
    "javaAlphabetic": r"\p{Alphabetic}",
    "javaIdeographic": r"\p{Ideographic}",
    "javaDigit": r"\p{Nd}",
    "javaDefined": r"\P{Cn}",
    "javaLetter": r"\p{L}",
    "javaLetterOrDigit": r"\p{L}\p{Nd}",
    "javaSpaceChar": r"\p{Z}",
    "javaWhitespace": r"[\p{Z}&&[^\xa0\u2007\u202f]]\t\n\x0b\f\r\x1c-\x1f",
    "javaISOControl": r"\x00-\x1f\x7f-\x9f",
    "javaMirrored": r"\p{Bidi_Mirrored}",
    "javaIdentifierIgnorable": _IGNORABLE,
    "javaJavaIdentifierStart": r"\p{L}\p{Nl}\p{Sc}\p{Pc}",
    "javaJavaIdentifierPart": r"\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mn}\p{Mc}" + _IGNORABLE,
    "javaUnicodeIdentifierStart": r"\p{ID_Start}",
    "javaUnicodeIdentifierPart": r"\p{ID_Continue}" + _IGNORABLE,
}
_KINDS = {
    "L": "ultmo",
    "M": "nec",
    "N": "dlo",
    "Z": "slp",
    "C": "cfosn",
    "P": "dsecoif",
    "S": "mcko",
}
_CATEGORIES = frozenset(_KINDS) | {first + kind for first in _KINDS for kind in _KINDS[first]}
_NAMED = {
    "LC": r"\p{Lu}\p{Ll}\p{Lt}",
    "LD": r"\p{L}\p{Nd}",
    "L1": r"\x00-\xff",
    "all": r"\x00-\U0010ffff",
}
_LETTER_CASES = r"\p{Lu}\p{Ll}\p{Lt}"
_EITHER = {
    "a-z": "A-Za-z",
    "A-Z": "A-Za-z",
    r"\p{Lu}": _LETTER_CASES,
    r"\p{Ll}": _LETTER_CASES,
    r"\p{Lt}": _LETTER_CASES,
    r"\p{Lowercase}": _LETTER_CASES + r"\p{Lowercase}\p{Uppercase}",
    r"\p{Uppercase}": _LETTER_CASES + r"\p{Lowercase}\p{Uppercase}",
}
_KEYS = {
    "sc": "Script",
    "script": "Script",
    "blk": "Block",
    "block": "Block",
    "gc": "",
    "general_category": "",
}


def property_set(name: str, *, unicode: bool) -> str | None:
    """Return the inside of the set for `\\p{name}`; None for a name that Java does not know.

    Names of scripts and blocks are not looked up: `regex` refuses those that do not exist.
    """
    key, sign, value = name.partition("=")
    if sign:
        return _keyed(key.lower(), value)
    if name.startswith("In"):
        return rf"\p{{Block={name[2:]}}}"
    if name.startswith("Is"):
        rest = name[2:]
        return _BINARY.get(rest.upper()) or _category(rest) or rf"\p{{Script={rest}}}"
    if unicode and (posix := _POSIX_UNICODE.get(name.upper())):
        return _BINARY[posix]
    return _POSIX.get(name) or _JAVA.get(name) or _category(name)


def either_case(content: str) -> str:
    """Return the class that a class of one case becomes where case is ignored."""
    return _EITHER.get(content, content)


def _keyed(key: str, value: str) -> str | None:
    kind = _KEYS.get(key)
    if kind is None:
        return None
    return rf"\p{{{kind}={value}}}" if kind else _category(value)


def _category(name: str) -> str | None:
    return rf"\p{{{name}}}" if name in _CATEGORIES else _NAMED.get(name)
