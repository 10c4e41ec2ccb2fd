# SPDX-License-Identifier: Apache-2.0
"""The function to call for each name of the two languages. Signatures are in
`engine.anonymize.language.signatures`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from engine.anonymize.functions import date_calls, element_calls, private, text_calls, uid_calls
from engine.anonymize.runtime.run import Run, Value, text_of

Function: TypeAlias = Callable[[Run, list[Value]], Value]


def _or_nothing(function: Function) -> Function:
    """Make of nothing nothing, as 4.2 does: version 6 has an error for it."""

    def called(run: Run, arguments: list[Value]) -> Value:
        return None if text_of(run, arguments[0]) is None else function(run, arguments)

    return called


_BOTH: dict[str, Function] = {
    "format": text_calls.format_,
    "getURL": text_calls.get_url,
    "hashUID": uid_calls.hash_uid_of,
    "lowercase": text_calls.lowercase,
    "match": text_calls.match,
    "replace": text_calls.replace,
    "substring": text_calls.substring,
    "uppercase": text_calls.uppercase,
}
FUNCTIONS: dict[int, dict[str, Function]] = {
    4: {
        **_BOTH,
        "lowercase": _or_nothing(text_calls.lowercase),
        "match": _or_nothing(text_calls.match),
        "replace": _or_nothing(text_calls.replace),
        "substring": _or_nothing(text_calls.substring),
        "uppercase": _or_nothing(text_calls.uppercase),
        "urlEncode": _or_nothing(text_calls.url_encode),
    },
    6: {
        **_BOTH,
        # Functions that DicomEdit has not. By their name every other engine refuses the script,
        # rather than leave in what they take out.
        "anteroom_replaceItems": element_calls.replace_items,
        "anteroom_shiftDates": date_calls.shift_dates_or,
        "alterPixels": element_calls.alter_pixels,
        "blankValues": element_calls.blank_values,
        "collectValues": element_calls.collect_values,
        "concatenate": text_calls.concatenate,
        "delete": element_calls.delete_direct,
        "false": element_calls.false,
        "hashUIDList": uid_calls.hash_uid_list,
        "isPresent": element_calls.is_present,
        "ismatch": text_calls.ismatch,
        "lookup": text_calls.lookup,
        "mapReferencedUIDs": uid_calls.map_referenced_uids,
        "mapUID": uid_calls.map_uid,
        "newUID": uid_calls.new_uid_of,
        "normalizeString": text_calls.normalize_string,
        "reject": element_calls.reject,
        "removeTags": element_calls.remove_tags,
        "retainPrivateTags": private.retain_private,
        "scalePatientAgeAndDobFromStudyDate": date_calls.scale_age,
        "set": element_calls.set_direct,
        "shiftDateByIncrement": date_calls.shift_date,
        "shiftDateTimeByIncrement": date_calls.shift_date_time,
        "shiftDateTimeListByIncrement": date_calls.shift_date_time_list,
        "shiftDateTimeSequenceByIncrement": date_calls.shift_date_time_sequence,
        "true": element_calls.true,
    },
}

PURE = frozenset(
    (
        "concatenate",
        "false",
        "format",
        "hashUID",
        "ismatch",
        "lookup",
        "lowercase",
        "mapUID",
        "match",
        "normalizeString",
        "replace",
        "substring",
        "true",
        "uppercase",
        "urlEncode",
    )
)
"""Functions that depend on nothing but their arguments and the tools of the script."""
