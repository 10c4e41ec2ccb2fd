# SPDX-License-Identifier: Apache-2.0
"""The scripts that are run over every head: one for each way in which elements are found, made,
changed and removed, and the shipped profiles."""

from __future__ import annotations

from functools import cache

from engine.anonymize.language.check import load
from engine.anonymize.language.lookups import read_table
from engine.anonymize.runtime.plan import CompiledScript, compile_script
from engine.anonymize.shipped import SITE_DEFAULT, SITE_XNAT, text_of

HOST = {
    "project": "PROJ",
    "subject": "SUBJ",
    "session": "SESS",
    "dateShift": "-17",
    "dateshift": "-17",
}

IDLE = """version "6.7"
false[] ? (0010,0010) := "x"
(0008,0060) = "NONE" ? - (0010,0020) : echo "kept"
if (isPresent[(0011,{NOBODY}10)]) { removeAllPrivateTags }
elseif ((0008,0005) ~ "no such term") { */(0008,0050) ?= "x" }
"""
"""Asks, and does nothing."""

_PLAIN = """version "6.7"
(0008,0005) := "ISO_IR 192"
(0008,0020) := "20000101"
(0008,0080) := "INSTITUTION"
(0010,0010) := subject
(0010,0020) := session
(0010,4000) := format["{0} {1}", project, (0008,0060)]
(0018,0050) := "1.5"
(0028,0010) := "16"
(0040,A160) := ""
- (0008,1030)
- (0010,0030)
- (0010,1010)
- (0020,4000)
(0020,000D) !~ "2\\\\.25\\\\..*" ? (0020,000D) := hashUID[(0020,000D)]
"""
_NESTED = """version "6.7"
(0008,1140)[0]/(0008,1155) := "1.2.3"
(0040,0275)[2]/(0040,0008)[1]/(0008,0100) := "CODE"
(0019,{ACME 1.0}02) := "own"
(0009,{ACME 1.0}05)[1]/(0010,0010) := "x"
*/(0008,0050) ?= "A"
+/(0010,00XX) ?= "B"
./(0008,0100) ?= "C"
(0008,1115)[%]/(0020,000E) ?= "1.2.4"
- */(0008,1155)
- (0040,0275)[0]
- +/(0009,{ACME 1.0}XX)
- (50@@,XXXX)
removeTags[*/(0008,0104), (0008,1115)/(0008,1199)]
"""
_PRIVATE = """version "6.7"
(0009,{ACME 1.0}02) := "kept"
retainPrivateTags[(0009,{ACME 1.0}02), */(0029,{SIEMENS CSA HEADER}08)]
set["(0011,1001)", "text"]
delete["(0008,1110)[0]/(0008,1150)"]
(0029,{SIEMENS CSA HEADER}XX) ?= "B"
"""
_STRIP = """version "6.7"
(0002,0016) := "AE"
removeAllPrivateTags
(0019,{NEW}01) := "new"
(0088,0200)[0]/(0019,{NEW}01) := "new"
"""
_VALUES = """version "6.7"
x := concatenate[(0010,0010), "-", (0010,0020)]
hashUIDList[*/(0008,0018), */(0020,00XX), */(0008,1155)]
mapReferencedUIDs["1.2", */(0020,000D), */(3006,0024)]
shiftDateTimeSequenceByIncrement["86400", */(0008,002X), */(0008,003X), */(0010,0030)]
scalePatientAgeAndDobFromStudyDate[]
blankValues[{ (0010,0010), (0010,0020), x }]
(0010,2160) := normalizeString[x, "_"]
(0010,0021) := replace[(0010,0020), "A", "B"]
(0010,0022) := match[(0010,0010), "(.*)\\\\^(.*)", "1"]
(0010,0024) := lookup["patient", (0010,0020)]
(0008,0012) := shiftDateByIncrement[(0008,0020), "3", "days"]
(0020,0010) := uppercase[substring[(0008,0018), "0", "3"]]
"""
_FOREIGN = """version "6.7"
(0010,0010) := "Ångström^Jürgen"
(0008,1090) ?= "日本"
*/(0008,0104) ?= "поле"
(0040,0275)[0]/(0040,0007) := "ψ"
(0019,{ACME 1.0}02) := "ö"
"""
_BINARY = """version "6.7"
*/(0028,0010) ?= "65535"
*/(0028,0106) ?= "7"
*/(0018,9087) ?= "1e3"
(0028,0009) := "00181063"
(0018,9089) := "0\\\\0.5\\\\-1"
(0042,0011) := "bytes"
(0018,1063) := "33.3"
*/(0008,0005) ?= "ISO_IR 100"
(7FE1,{TAIL}01) := "x"
"""
_REJECTING = """version "6.7"
reject[ismatch[(0008,0060), "S.*"]]
(0010,0040) ?= "O"
"""
_FOUR = """// DicomEdit 4.2
(0008,0060) = "CT" : (0010,0010) := "{0}_{1}" (0010,0020), subject
(0008,0018) := new UID
(0020,000D) := hashUID[(0020,000D)]
(0010,XXXX) := "x"
- (0009,1002)
- (0008,10@@)
(0011,1010) := "private"
(0008,0080) ~ ".*" : (0008,0080) := lowercase[(0008,0080)]
"""
_SHIPPED = (
    "basic_profile.das",
    "profile_internal.das",
    "profile_reports.das",
    "profile_research.das",
    SITE_DEFAULT,
    SITE_XNAT,
)

TEXTS = (
    IDLE,
    _PLAIN,
    _NESTED,
    _PRIVATE,
    _STRIP,
    _VALUES,
    _FOREIGN,
    _BINARY,
    _REJECTING,
    _FOUR,
    *map(text_of, _SHIPPED),
)
"""The first one changes nothing. Heads in the corpus name a script by its number here: add new ones
at the end."""


@cache
def plans() -> tuple[CompiledScript, ...]:
    """Make all of them ready."""
    return tuple(map(ready, TEXTS))


def ready(text: str) -> CompiledScript:
    """Make a script ready with all that a host lends, but no web server."""
    table, _ = read_table("patient/A=B\n")
    return compile_script(
        load(text, given=tuple(HOST)), name="fuzz", secret=b"secret", lookups=table, record=""
    )
