# SPDX-License-Identifier: Apache-2.0
"""A unit of systemd for the engine of a home: started at boot and again after a fault, and kept
from all that it does not need. It is only written; who installs it reads it first."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

from engine.model.home import LONGEST_SOCKET, Home
from engine.model.settings import Settings

_STATE = Path("/var/lib")
_LOW_PORTS = 1024

_UNIT = """\
# Written by: anteroom config systemd. To install it:
#   anteroom --home {home} config systemd > /etc/systemd/system/anteroom.service
#   systemctl daemon-reload && systemctl enable --now anteroom
[Unit]
Description=Anteroom, the room in front of an imaging archive
Documentation=man:systemd.exec(5)
After=network-online.target local-fs.target remote-fs.target
Wants=network-online.target
RequiresMountsFor={mounts}
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart={program} --home {home} serve
User={user}
Group={user}
UMask=0077
Restart=on-failure
RestartSec=5
# What is being received and filed is brought to a safe end.
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=120
LimitNOFILE=65536
{state}
# It writes to its home and its stores, and nowhere else.
ProtectSystem=strict
ProtectHome={protect_home}
ReadWritePaths={writes}
PrivateTmp={private_tmp}
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
# It opens sockets, and needs nothing that only root may do.
NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def unit(home: Home, settings: Settings | None, *, user: str, program: str) -> str:
    """Return the unit for a home; without settings all stores are within it."""
    places = [home.root]
    if settings is not None:
        places += [getattr(settings.paths, part.name) for part in fields(settings.paths)]
        urls = (settings.databases.archive_url, settings.databases.prearchive_url)
        # SQLite makes files beside the one of a database.
        places += [Path(url.partition(":///")[2]).parent for url in urls if "sqlite" in url[:6]]
    outside = [place for place in places[1:] if not place.is_relative_to(home.root)]
    needed = list(dict.fromkeys((home.root, *outside)))
    fits = len(os.fsencode(home.root / "engine.sock")) <= LONGEST_SOCKET
    low = settings is not None and any(
        0 < port < _LOW_PORTS for port in (settings.dicom.port, settings.http.port)
    )
    return _UNIT.format(
        home=_word(home.root),
        mounts=" ".join(_word(place) for place in needed),
        writes=" ".join(_word(place) for place in needed),
        program=program.replace("%", "%%"),
        user=user,
        state=_state(home.root),
        protect_home="no" if any(_is_at_home(place) for place in needed) else "yes",
        # Where the path of a socket in the home is too long it is in the folder of all.
        private_tmp="yes" if fits else "no",
        capabilities="CAP_NET_BIND_SERVICE" if low else "",
    )


def _state(root: Path) -> str:
    """Let systemd make the folder of a home that is where services have theirs."""
    if root.parent != _STATE:
        return ""
    return f"StateDirectory={root.name}\nStateDirectoryMode=0750\n"


def _is_at_home(place: Path) -> bool:
    return any(place.is_relative_to(top) for top in ("/home", "/root", "/run/user"))


def _word(place: Path) -> str:
    """Write a path as one word of a unit."""
    text = os.fspath(place).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"' if any(character.isspace() for character in text) else text
