# SPDX-License-Identifier: Apache-2.0
"""Which session type and which scan types the SOP classes and modalities of a study make (intake
contract 5.2, 5.3). The table is data, `session_types.yaml`, which a site may override with its own
file. The table is read, checked and queried here; the files of a study are not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from engine.model.settings import PetMr

_TABLE = Path(__file__).with_name("session_types.yaml")
_FAMILY_KEYS = ("name", "session", "root", "scan", "modality", "primary", "classes", "modalities")
_ORDERS = ("session_order", "modality_order", "scan_order")
_NO_MODALITY = "OT"
_MODALITY = re.compile("[A-Z0-9]{1,16}")


class TypesError(ValueError):
    """A table of session types that cannot be used; `problems` names lines."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """SOP classes that are treated alike."""

    name: str
    scan: str
    modality: str
    primary: bool
    leading: bool = False
    """Primary only in a session that it leads."""
    session: str = ""
    root: str = ""
    classes: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionKind:
    """The answer for one study."""

    element: str
    root: str
    modality: str
    split: bool = False
    """The study is to be separated into a PET and an MR session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesKind:
    """What the table needs to know of one series."""

    classes: frozenset[str]
    modalities: frozenset[str]
    description: str = ""


class SessionTypes:
    """The table, ready to be asked. Immutable after construction."""

    def __init__(
        self,
        *,
        families: Iterable[Family],
        session_order: Iterable[str],
        modality_order: Iterable[str],
        scan_order: Iterable[str],
    ) -> None:
        self.families = {family.name: family for family in families}
        self.session_order = tuple(session_order)
        self.modality_order = tuple(modality_order)
        self.scan_order = tuple(scan_order)
        self._of_class = {uid: each for each in self.families.values() for uid in each.classes}
        self._of_modality = {
            text: each for each in self.families.values() for text in each.modalities
        }
        self._scan_rank = {name: rank for rank, name in enumerate(self.scan_order)}

    def family(self, sop_class: str) -> Family:
        """Return the family of a SOP class; classes nobody named are of the family OTHER."""
        return self._of_class.get(sop_class) or self.families["OTHER"]

    def is_primary(self, sop_class: str, session: str) -> bool:
        """Say whether objects of this class are filed under DICOM in a session of this type, rather
        than under secondary."""
        family = self.family(sop_class)
        return family.primary and (not family.leading or family.session == session)

    def lead_family(self, classes: Iterable[str]) -> Family:
        """Return the family that decides the type of a scan with these classes."""
        last = len(self._scan_rank)
        return min(
            (self.family(uid) for uid in sorted(classes)),
            key=lambda family: self._scan_rank.get(family.name, last),
            default=self.families["OTHER"],
        )

    def lead_modality(self, modalities: Iterable[str]) -> str:
        """Return the modality that stands for the series; OT when none of them is known."""
        present = {text.upper() for text in modalities}
        for text in self.modality_order:
            if text in present:
                return text
        return _NO_MODALITY

    def session(
        self, series: Iterable[SeriesKind], *, pet_mr: PetMr = PetMr.PETMR
    ) -> SessionKind | None:
        """Decide the type of a study; None when nothing in it can be told (intake contract 5.2)."""
        known = [each for each in series if any(each.classes) or any(each.modalities)]
        if not known:
            return None
        texts = {text.upper() for each in known for text in each.modalities}
        families = {self.family(uid).name for each in known for uid in each.classes if uid}
        if {"PET", "MR"} <= families:
            return self._pet_mr(known, pet_mr)
        for name in self.session_order:
            if name in families:
                return self._kind(self.families[name], self.families[name].modality)
        for text in self.modality_order:
            family = self._of_modality.get(text)
            if text in texts and family is not None and family.session:
                return self._kind(family, text)
        return self._kind(self.families["OTHER"], self.lead_modality(texts))

    def _pet_mr(self, series: list[SeriesKind], wanted: PetMr) -> SessionKind:
        mr = [each for each in series if any(self.family(uid).name == "MR" for uid in each.classes)]
        # A PET scanner with MR needs it for attenuation correction: that alone is no MR study.
        only_mrac = all("MRAC" in each.description.upper() for each in mr)
        if wanted is PetMr.PET or (wanted is PetMr.SEPARATE and only_mrac):
            return self._kind(self.families["PET"], self.families["PET"].modality)
        both = self._kind(self.families["PETMR"], self.families["PETMR"].modality)
        return replace(both, split=wanted is PetMr.SEPARATE)

    @staticmethod
    def _kind(family: Family, modality: str) -> SessionKind:
        return SessionKind(element=family.session, root=family.root, modality=modality)


def load_types(extra: Path | None = None) -> SessionTypes:
    """Read the table, with a site's own file laid over it; TypesError names the lines at fault."""
    base = _Sheet(_TABLE.read_text(encoding="utf-8"))
    if base.problems:
        raise TypesError(base.problems)
    if extra is None:
        return base.types()
    site = _Sheet(extra.read_text(encoding="utf-8"), base=base.types())
    if site.problems:
        raise TypesError(site.problems)
    return site.types()


class _Sheet:
    """One file of the table, read with line numbers and laid over `base`."""

    def __init__(self, text: str, base: SessionTypes | None = None) -> None:
        self.problems: list[str] = []
        self._families: dict[str, Family] = dict(base.families) if base else {}
        self._orders = {
            "session_order": base.session_order if base else (),
            "modality_order": base.modality_order if base else (),
            "scan_order": base.scan_order if base else (),
        }
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.problems.append(f"line {line}: {error.problem or 'not YAML'}")
            return
        except yaml.YAMLError:
            self.problems.append("line 1: the file holds characters that YAML does not allow")
            return
        if node is not None:
            self._read(node)

    def types(self) -> SessionTypes:
        names = self._families
        scan_order = self._orders["scan_order"]
        session_order = self._orders["session_order"]
        placed = {*scan_order, "PETMR"}
        # A family without a place leads after all that have one, but before what is merely unknown.
        late = [name for name in names if name not in placed]
        head = [name for name in scan_order if name != "OTHER"]
        leading = [name for name in late if names[name].session and names[name].classes]
        return SessionTypes(
            families=names.values(),
            session_order=(*session_order, *leading),
            modality_order=self._orders["modality_order"],
            scan_order=(*head, *late, "OTHER"),
        )

    def _read(self, node: yaml.Node) -> None:
        for key, value in self._pairs(node, ("families", *_ORDERS)):
            if key.value == "families":
                for item in self._items(value):
                    self._family(item)
        for key, value in self._pairs(node, ("families", *_ORDERS), quiet=True):
            if key.value in _ORDERS:
                self._order(key.value, value)
        if "OTHER" not in self._families:
            self._problem(node, "the family OTHER is missing")

    def _family(self, node: yaml.Node) -> None:
        fields = {key.value: value for key, value in self._pairs(node, _FAMILY_KEYS)}
        name = self._word(fields["name"]) if "name" in fields else ""
        if not name:
            self._problem(node, "a family needs a name")
            return
        old = self._families.get(name) or Family(
            name=name, scan="xnat:otherDicomScanData", modality=_NO_MODALITY, primary=False
        )
        session = self._element(fields.get("session"), "SessionData") or old.session
        root = self._element(fields.get("root"), "Session") or old.root
        if bool(session) != bool(root):
            self._problem(node, f"{name}: session and root go together")
        classes = self._words(fields.get("classes"))
        modalities = tuple(text.upper() for text in self._words(fields.get("modalities")))
        for number in classes:
            if not number.replace(".", "").isdigit() or len(number) > 64:
                self._problem(fields["classes"], f"{name}: {number[:64]!r} is not a UID")
        for other in list(self._families.values()):
            self._families[other.name] = replace(
                other,
                classes=tuple(uid for uid in other.classes if uid not in classes),
                modalities=tuple(text for text in other.modalities if text not in modalities),
            )
        old = self._families.get(name, old)
        primary = self._primary(fields["primary"]) if "primary" in fields else None
        modality = self._word(fields["modality"]).upper() if "modality" in fields else old.modality
        self._families[name] = replace(
            old,
            session=session,
            root=root,
            scan=self._element(fields.get("scan"), "ScanData") or old.scan,
            modality=modality,
            primary=old.primary if primary is None else primary != "false",
            leading=old.leading if primary is None else primary == "leading",
            classes=(*old.classes, *classes),
            modalities=(*old.modalities, *modalities),
        )

    def _order(self, key: str, node: yaml.Node) -> None:
        words: list[str] = []
        for item in self._items(node):
            word = self._word(item)
            if word in words:
                self._problem(item, f"{key}: {word} stands there twice")
            elif key == "modality_order" and not _MODALITY.fullmatch(word):
                self._problem(item, f"{key}: {word[:16]!r} cannot be part of a scan ID")
            elif key != "modality_order" and word not in self._families:
                self._problem(item, f"{key}: there is no family {word[:64]!r}")
            elif key == "session_order" and not self._families[word].session:
                self._problem(item, f"{key}: the family {word} has no session")
            else:
                words.append(word)
        self._orders[key] = tuple(words)

    def _pairs(
        self, node: yaml.Node, allowed: tuple[str, ...], *, quiet: bool = False
    ) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            if not quiet:
                self._problem(node, "expected names with values")
            return []
        pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = []
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in allowed:
                pairs.append((key, value))
            elif not quiet:
                self._problem(key, f"unknown name; known are {', '.join(allowed)}")
        return pairs

    def _items(self, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._problem(node, "expected a list")
        return []

    def _words(self, node: yaml.Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        words = (self._word(item) for item in self._items(node))
        return tuple(dict.fromkeys(word for word in words if word))

    def _word(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and str(node.value).strip():
            return str(node.value).strip()
        self._problem(node, "expected a word")
        return ""

    def _primary(self, node: yaml.Node) -> str:
        word = self._word(node).lower()
        if word not in ("true", "false", "leading"):
            self._problem(node, "expected true, false or leading")
        return word

    def _element(self, node: yaml.Node | None, ending: str) -> str:
        if node is None:
            return ""
        word = self._word(node)
        local = word.removeprefix("xnat:").removesuffix(ending)
        if not word.startswith("xnat:") or not word.endswith(ending) or not local.isalnum():
            self._problem(node, f"expected xnat:...{ending}")
        return word

    def _problem(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"line {node.start_mark.line + 1}: {text}")
