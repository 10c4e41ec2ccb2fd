# SPDX-License-Identifier: Apache-2.0
"""The anonymization scripts of an engine in memory on a day like any other."""

from __future__ import annotations

from datetime import timedelta

from engine.model.scripts import SITE, ScriptText
from tests.memory import NOON, Facts

NEURO3 = """\
version "6.6"
// NEURO3, SOP-17: runs while archiving, after the site script
days := lookup["days", subject]
(0008,0020) := shiftDateByIncrement[(0008,0020), days]
(0008,103E) := lowercase[(0008,103E)]
(0018,1030) ~ "(?i).*\\\\bdr\\\\b.*" ? (0018,1030) := ""
(0008,0060) = "US" ? alterPixels["rectangle", "l=0,t=0,r=640,b=40", "solid", "v=0"]
- (0010,1030)
retainPrivateTags[*/(0029,{SIEMENS CSA HEADER}XX)]
(0010,0030) := "19610101"
"""

_WRITTEN = (
    (SITE, 1, "admin", "", 'version "6.6"\n- (0010,0010)\n', ""),
    (
        SITE,
        2,
        "ada",
        "remove addresses as well",
        'version "6.6"\n- (0010,0010)\n- (0010,1040)\n',
        "",
    ),
    ("project:NEURO3", 1, "hale", "shift dates by subject", 'version "6.6"\n- (0010,1030)\n', ""),
    ("project:NEURO3", 2, "hale", "lower-case series descriptions", NEURO3, "days/S1 = 11\n"),
    ("project:CARDIO", 1, "hale", "as it was agreed", "- (0008,0081)\n", ""),
)


def write_scripts(facts: Facts) -> None:
    """Let the site and two projects have scripts, one of them disabled."""
    for number, (scope, version, author, reason, text, lookups) in enumerate(_WRITTEN):
        earlier = facts.scripts.setdefault(scope, [])
        earlier.append(
            ScriptText(
                scope=scope,
                version=version,
                id=f"scr_aaaaaaa{number}",
                enabled=scope != "project:CARDIO",
                active=version == 2 or scope == "project:CARDIO",
                language=6 if "version" in text else 4,
                at=NOON - timedelta(days=90 - 20 * number),
                author=author,
                reason=reason,
                text=text,
                lookups=lookups,
            )
        )
