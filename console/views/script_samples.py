# SPDX-License-Identifier: Apache-2.0
"""What the text of a script makes of the samples that are kept with it, beside what is expected of
them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.samples import SampleResult

COLUMNS = (
    TableColumn(title="  Sample", width=14, grows=True),
    TableColumn(title="Expected", width=9),
    TableColumn(title="Draft", width=15),
)
MOST_NAMED = 3


def rows(results: Sequence[SampleResult]) -> list[Row]:
    """Show the samples, those first that are not as expected."""
    order = sorted(results, key=lambda one: (one.is_as_expected, one.sample.name))
    return [_row(one) for one in order]


def summary(results: Sequence[SampleResult]) -> str:
    """Say how many are as expected."""
    if not results:
        return ""
    good = sum(one.is_as_expected for one in results)
    worse = sum(one.is_worse for one in results)
    said = f"{good} of {figures.plural(len(results), 'sample')} as expected"
    return f"{said}, {worse} worse" if worse else said


def warning(results: Sequence[SampleResult]) -> str:
    """Say which samples a text makes worse than the version in force; empty for none."""
    worse = [one.sample.name for one in results if one.is_worse]
    if not worse:
        return ""
    named = ", ".join(worse[:MOST_NAMED])
    more = f" and {len(worse) - MOST_NAMED} more" if len(worse) > MOST_NAMED else ""
    return f"it makes samples worse: {named}{more}; say why that is to be so"


def _row(one: SampleResult) -> Row:
    if one.tried is None:
        sign, tone, draft = "!", "look", "not tried"
    elif not one.is_as_expected:
        sign, tone, draft = "✗", "bad" if one.is_worse else "look", one.tried.value
    elif one.same_changes:
        sign, tone, draft = "✓", "good", one.tried.value
    else:
        sign, tone, draft = "✓", "look", f"{one.tried}, others"
    return Row(
        key=one.sample.name,
        cells=(f"{sign} {one.sample.name}", one.sample.outcome.value, draft),
        tone=tone,
    )
