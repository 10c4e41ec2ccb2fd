# SPDX-License-Identifier: Apache-2.0
"""Sound scripts of any kind, for tests that hold for all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.engine.anonymize.subjects import ALL_PRIVATE_42

TAGS = st.sampled_from(
    [
        "(0008,0005)",
        "(0008,0016)",
        "(0008,0018)",
        "(0008,0020)",
        "(0008,0060)",
        "(0008,1030)",
        "(0010,0010)",
        "(0010,0020)",
        "(0010,4000)",
        "(0018,0050)",
        "(0020,000D)",
        "(0028,0010)",
        "(0018,9087)",
        "(0042,0011)",
        "(0040,A160)",
        "(0009,{ACME 1.0}02)",
        "(0009,{NEW}01)",
        "(0011,{OTHER}03)",
    ]
)
_SEQUENCES = st.sampled_from(["(0008,1115)", "(0008,1140)", "(0040,0275)", "(0009,{NEW}05)"])
_ITEMS = st.sampled_from(["[0]", "[1]", "[2]"])


@st.composite
def singular(draw: st.DrawFn) -> str:
    """Draw a path of one element."""
    steps = draw(st.lists(st.tuples(_SEQUENCES, _ITEMS), max_size=2))
    return "/".join([*(tag + item for tag, item in steps), draw(TAGS)])


@st.composite
def wild(draw: st.DrawFn) -> str:
    """Draw any path."""
    steps = draw(
        st.lists(
            st.one_of(_SEQUENCES, st.sampled_from(["*", "+", ".", "(0008,11XX)[%]"])), max_size=3
        )
    )
    last = draw(
        st.one_of(
            TAGS,
            _SEQUENCES,
            st.sampled_from(
                ["(0010,XXXX)", "(00@8,0###)", "(0009,{ACME 1.0}XX)", "(0008,1140)[0]", "*"]
            ),
        )
    )
    return "/".join([*steps, last])


_TEXTS = st.sampled_from(['"x"', '""', '"A\\\\B"', '"é"', '"山^太"', "12", "-3", "1.5", "subject"])
_CALLS = st.one_of(
    singular().map(lambda path: f"hashUID[{path}]"),
    singular().map(lambda path: f"lowercase[{path}]"),
    singular().map(lambda path: f'match[{path}, "(.)(.*)", 2]'),
    singular().map(lambda path: f'format["{{0}}-{{1}}", {path}, session]'),
    singular().map(lambda path: f'mapUID[{path}, "1.2.3"]'),
    singular().map(lambda path: f"isPresent[{path}]"),
    singular().map(lambda path: f"normalizeString[{path}]"),
    st.just("newUID[]"),
)
VALUES = st.one_of(_TEXTS, singular(), _CALLS)
_ACTIONS = st.one_of(
    st.tuples(singular(), VALUES).map(lambda pair: f"{pair[0]} := {pair[1]}"),
    st.tuples(wild(), VALUES).map(lambda pair: f"{pair[0]} ?= {pair[1]}"),
    wild().map(lambda path: f"- {path}"),
    VALUES.map(lambda value: f"v := {value}"),
    VALUES.map(lambda value: f"echo {value}"),
    st.lists(wild(), max_size=3).map(lambda paths: f"hashUIDList[{', '.join(paths)}]"),
    st.lists(wild(), max_size=3).map(lambda paths: f"removeTags[{', '.join(paths)}]"),
    st.lists(st.one_of(wild(), _TEXTS), max_size=3).map(
        lambda found: f"blankValues[{', '.join(found)}]"
    ),
    singular().map(lambda path: f"echo isPresent[{path}]"),
    st.just("retainPrivateTags[*/(0009,{ACME 1.0}02), (0009,{NEW}01)]"),
    st.just("scalePatientAgeAndDobFromStudyDate[]"),
    st.just('mapReferencedUIDs["1.2", "*/(0020,000D)"]'),
    st.just('set["(0009,0011)", "SET"]'),
    st.just('delete["(0009,0010)"]'),
    st.just("reject[false[]]"),
)
_CONDITIONS = st.one_of(
    st.tuples(VALUES, st.sampled_from(["=", "!="]), VALUES).map(" ".join),
    st.tuples(VALUES, st.sampled_from(["~", "!~"]), st.sampled_from(['".*"', '"[0-9.]+"'])).map(
        " ".join
    ),
    singular().map(lambda path: f"isPresent[{path}]"),
)
_STATEMENTS = st.one_of(
    _ACTIONS,
    _ACTIONS,
    st.just("removeAllPrivateTags"),
    st.tuples(_CONDITIONS, _ACTIONS, _ACTIONS).map(lambda t: f"{t[0]} ? {t[1]} : {t[2]}"),
    st.tuples(_CONDITIONS, _ACTIONS, _ACTIONS).map(
        lambda t: f"if ({t[0]}) {{ {t[1]} }} else {{ {t[2]} }}"
    ),
)

SCRIPTS = st.lists(_STATEMENTS, max_size=8).map("\n".join)
"""Bodies of scripts of version 6."""

_PLAIN = st.sampled_from(
    ["(0008,0018)", "(0010,0010)", "(0010,0020)", "(0009,1002)", "(0011,1001)", "(0010,XX@X)"]
)
_VALUES_42 = st.sampled_from(
    ['"x"', "subject", "(0010,0010)", "(0008,1030)", "hashUID[(0008,0018)]", "new UID"]
)
_STATEMENTS_42 = st.one_of(
    st.tuples(_PLAIN, _VALUES_42).map(lambda pair: f"{pair[0]} := {pair[1]}"),
    _PLAIN.map(lambda tag: f"-{tag}"),
    st.just(ALL_PRIVATE_42),
    _PLAIN.map(lambda tag: f'(0010,0010) ~ ".+" : {tag} := "y"'),
)
SCRIPTS_42 = st.lists(_STATEMENTS_42, max_size=8).map("\n".join)
"""Scripts of version 4.2."""
