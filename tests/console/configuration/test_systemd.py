# SPDX-License-Identifier: Apache-2.0
"""The unit of systemd: what an engine may write to, and what it may do."""

from __future__ import annotations

import configparser
from dataclasses import replace
from pathlib import Path

import pytest

from console.configuration.systemd import unit
from engine.model.home import Home
from engine.model.settings import Settings


def read(text: str) -> configparser.SectionProxy:
    """Return what a unit says of the service; each name once."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser["Service"]


def made(root: str = "/var/lib/anteroom", settings: Settings | None = None) -> str:
    """Return the unit for a home."""
    home = Home(Path(root))
    resolved = None if settings is None else settings.resolved(home.root)
    return unit(home, resolved, user="anteroom", program="/opt/anteroom/bin/anteroom")


def test_a_home_of_a_system_needs_nothing_but_itself() -> None:
    service = read(made(settings=Settings()))
    assert service["ExecStart"] == "/opt/anteroom/bin/anteroom --home /var/lib/anteroom serve"
    assert service["StateDirectory"] == "anteroom"
    assert service["ReadWritePaths"] == "/var/lib/anteroom"
    assert (service["ProtectSystem"], service["ProtectHome"]) == ("strict", "yes")
    assert (service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == ("yes", "")
    assert service["User"] == "anteroom"


def test_stores_elsewhere_may_be_written_and_are_waited_for() -> None:
    settings = Settings()
    settings = replace(settings, paths=replace(settings.paths, archive=Path("/mnt/the store")))
    text = made(settings=settings)
    assert read(text)["ReadWritePaths"] == '/var/lib/anteroom "/mnt/the store"'
    assert 'RequiresMountsFor=/var/lib/anteroom "/mnt/the store"' in text


@pytest.mark.parametrize(("port", "needed"), [(104, "CAP_NET_BIND_SERVICE"), (11112, "")])
def test_a_low_port_is_the_only_reason_for_a_capability(port: int, needed: str) -> None:
    settings = Settings()
    settings = replace(settings, dicom=replace(settings.dicom, port=port))
    assert read(made(settings=settings))["AmbientCapabilities"] == needed


def test_a_home_in_a_home_directory_can_be_reached() -> None:
    service = read(made("/run/user/7/100% anteroom"))
    assert service["ProtectHome"] == "no"
    assert "StateDirectory" not in service
    assert service["ReadWritePaths"] == '"/run/user/7/100%% anteroom"'
    assert read(made("/srv/" + "long/" * 30))["PrivateTmp"] == "no"
