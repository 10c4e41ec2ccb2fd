# SPDX-License-Identifier: Apache-2.0
"""Nothing that stands in a header may act on a terminal, hide, or shift what is beside it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from console.plain import plain
from console.views.text import ELLIPSIS, UNSEEN, plain_text

BAD = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DOE^JANE", "DOE^JANE"),
        ("Müller^Jürgen", "Müller^Jürgen"),
        ("山田^太郎", "山田^太郎"),
        ("山田\u3000太郎", "山田\u3000太郎"),
        ("a\x1b]52;c;cHdu\x1b\\b", "a␛]52;c;cHdu␛\\b"),
        ("a\x07b\x00c", "a␇b␀c"),
        ("one\ntwo\tthree\r", "one␊two␉three␍"),
        ("del\x7f", "del␡"),
        ("csi\x9b31m", f"csi{UNSEEN}31m"),
        ("abc\u202edcba", f"abc{UNSEEN}dcba"),
        ("\u2066x\u2069", f"{UNSEEN}x{UNSEEN}"),
        ("zero\u200bwidth\ufeff", f"zero{UNSEEN}width{UNSEEN}"),
        ("soft\u00adhyphen", f"soft{UNSEEN}hyphen"),
        ("tag\U000e0041", f"tag{UNSEEN}"),
        ("line\u2028end", f"line{UNSEEN}end"),
        ("lone\ud800", f"lone{UNSEEN}"),
        ("heart\ufe0f", f"heart{UNSEEN}"),
        ("hard\u00a0space", "hard space"),
        ("e\u0301", "e\u0301"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 4 + UNSEEN),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("DOE^JANE[/b]", "DOE^JANE[/b]"),
    ],
)
def test_what_acts_or_hides_is_shown_as_a_sign(text: str, shown: str) -> None:
    assert plain_text(text) == shown
    assert plain(text).plain == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("山田太郎", 8, "山田太郎"),
        ("山田太郎", 7, "山田太…"),
        ("山田太郎", 6, "山田…"),
        ("\x1b" * 9, 4, "␛␛␛…"),
    ],
)
def test_a_width_cuts_by_cells(text: str, width: int, shown: str) -> None:
    assert plain_text(text, width) == shown


ANY = st.text(st.characters(exclude_categories=[]))


@settings(derandomize=True, deadline=None)
@given(ANY)
@example("\x1b[31m")
def test_no_character_that_acts_or_hides_is_left(text: str) -> None:
    shown = plain_text(text)
    assert not BAD & {unicodedata.category(one) for one in shown}
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@settings(derandomize=True, deadline=None)
@given(ANY)
def test_what_is_shown_is_shown_the_same_again(text: str) -> None:
    shown = plain_text(text)
    assert plain_text(shown) == shown


@settings(derandomize=True, deadline=None)
@given(ANY, st.integers(0, 30))
def test_no_text_is_wider_than_it_may_be(text: str, width: int) -> None:
    shown = plain_text(text, width)
    assert cell_len(shown) <= width
    assert width == 0 or shown == plain_text(text) or shown.endswith(ELLIPSIS)


@settings(derandomize=True)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_ascii_is_left_as_it_is(text: str) -> None:
    assert plain_text(text) == text


def test_a_very_long_text_is_cut_before_it_is_looked_at() -> None:
    assert plain_text("a" * 10_000_000, 5) == "aaaa…"
    assert cell_len(plain_text("e" + "\u0301" * 10_000, 5)) <= 5


def test_markup_is_text() -> None:
    content = plain("[bold]x[/bold]", style="dim")
    assert content.plain == "[bold]x[/bold]"
    assert [span.style for span in content.spans] == ["dim"]
