# SPDX-License-Identifier: Apache-2.0
"""`anteroom script profile`: the options of the command line reach the script."""

from __future__ import annotations

from pathlib import Path

from engine.anonymize import shipped
from engine.anonymize.profile.generator import SHIPPED, profile_script
from engine.anonymize.profile.table import Option
from tests.console.conftest import CommandLine


async def test_without_options_it_is_the_script_that_comes_along(alone: CommandLine) -> None:
    ran = await alone("script", "profile")
    assert (ran.code, ran.out) == (0, shipped.text_of("basic_profile.das"))


async def test_every_option_reaches_the_script(alone: CommandLine) -> None:
    flags = {
        "--retain-uids": Option.RETAIN_UIDS,
        "--retain-device": Option.RETAIN_DEVICE,
        "--retain-institution": Option.RETAIN_INSTITUTION,
        "--retain-patient": Option.RETAIN_PATIENT,
        "--retain-private": Option.RETAIN_PRIVATE,
        "--full-dates": Option.FULL_DATES,
        "--clean-descriptors": Option.CLEAN_DESCRIPTORS,
        "--clean-structured": Option.CLEAN_STRUCTURED,
        "--clean-graphics": Option.CLEAN_GRAPHICS,
        "--clean-pixels": Option.CLEAN_PIXELS,
    }
    assert {*flags.values(), Option.MODIFIED_DATES} == set(Option)
    for flag, option in flags.items():
        ran = await alone("script", "profile", flag)
        assert (ran.code, ran.out) == (0, profile_script(frozenset((option,)))), flag


async def test_dates_are_shifted_by_the_days_that_are_asked_for(alone: CommandLine) -> None:
    ran = await alone("script", "profile", "--shift-dates", "-77")
    wanted = profile_script(frozenset((Option.MODIFIED_DATES,)), date_shift=-77)
    assert (ran.code, ran.out) == (0, wanted)
    ran = await alone("script", "profile", "--shift-dates", "0")
    assert (ran.code, ran.out) == (1, "")
    assert "0 days" in ran.err
    ran = await alone("script", "profile", "--shift-dates", "5", "--full-dates")
    assert ran.code == 1 and "not both" in ran.err


async def test_a_script_that_comes_along_passes_the_check(
    alone: CommandLine, tmp_path: Path
) -> None:
    for name in SHIPPED:
        file = tmp_path / name
        file.write_text(shipped.text_of(name), encoding="utf-8")
        assert (await alone("script", "check", str(file))).code == 0
