# SPDX-License-Identifier: Apache-2.0
"""Storage classes that vendors have made for themselves: UID, name, vendor, and where the class is
named. Facts only; which of them a receiver accepts is negotiated in `receiver.protocol`."""

from __future__ import annotations

from dataclasses import dataclass

# The root of a UID says who has registered it, so an origin can be checked against it:
# 1.2.124.113532 Agfa (Mitra), 1.2.392.200036.9116 Toshiba, 1.2.392.200036.9125 Fujifilm,
# 1.2.528.1.1001 GE (Applicare), 1.2.840.113543 Hewlett-Packard (its ultrasound is Philips'),
# 1.2.840.113619 GE, 1.3.12.2.1107.5 Siemens, 1.3.46.670589 Philips.
_ORIGINS = {
    "agfa": "tables of dcm4che and fo-dicom; the root is that of Mitra, now Agfa",
    "fuji": "tables of dcm4che and GDCM; the root is that of Fujifilm",
    "ge": "tables of dcm4che, fo-dicom and GDCM; the roots are of GE and Applicare, now GE",
    "philips": "conformance statements of Philips; HP Live 3D by that of Hewlett-Packard",
    "siemens": "conformance statements of Siemens",
    "toshiba": "tables of dcm4che, fo-dicom and GDCM; the root is that of Toshiba, now Canon",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateClass:
    """A storage class of a vendor."""

    uid: str
    name: str
    vendor: str

    @property
    def origin(self) -> str:
        """Where the class is named."""
        return _ORIGINS[self.vendor]


def _of(vendor: str, *pairs: tuple[str, str]) -> tuple[PrivateClass, ...]:
    return tuple(PrivateClass(uid=uid, name=name, vendor=vendor) for uid, name in pairs)


CLASSES = (
    *_of("agfa", ("1.2.124.113532.3500.7", "Basic Attribute Presentation State")),
    *_of(
        "fuji",
        ("1.2.392.200036.9125.1.1.2", "CR Image"),
        ("1.2.392.200036.9125.1.1.4", "Mammo CR Image"),
    ),
    *_of(
        "ge",
        ("1.2.528.1.1001.5.1.1.1", "Collage"),
        ("1.2.840.113619.4.2", "MR Image Info Object"),
        ("1.2.840.113619.4.3", "CT Image Info Object"),
        ("1.2.840.113619.4.4", "Display Image Info Object"),
        ("1.2.840.113619.4.26", "3D Model"),
        ("1.2.840.113619.4.27", "eNTEGRA Protocol or NM Genie"),
        ("1.2.840.113619.4.30", "PET Raw Data"),
        ("1.2.840.113619.4.5.249", "RT Plan"),
        ("1.2.840.113619.5.249", "RT Plan, older"),
    ),
    *_of(
        "philips",
        ("1.2.840.113543.6.6.1.3.10001", "HP Live 3D 01"),
        ("1.2.840.113543.6.6.1.3.10002", "HP Live 3D 02"),
        ("1.3.46.670589.2.3.1.1", "Specialised XA"),
        ("1.3.46.670589.2.4.1.1", "CX Image"),
        ("1.3.46.670589.2.5.1.1", "3D Presentation State"),
        ("1.3.46.670589.2.8.1.1", "VRML"),
        ("1.3.46.670589.2.11.1.1", "Volume Set"),
        ("1.3.46.670589.5.0.1", "Volume, retired"),
        ("1.3.46.670589.5.0.1.1", "Volume"),
        ("1.3.46.670589.5.0.2", "3D Object, retired"),
        ("1.3.46.670589.5.0.2.1", "3D Object"),
        ("1.3.46.670589.5.0.3", "Surface, retired"),
        ("1.3.46.670589.5.0.3.1", "Surface"),
        ("1.3.46.670589.5.0.4", "Composite Object"),
        ("1.3.46.670589.5.0.7", "MR Cardio Profile"),
        ("1.3.46.670589.5.0.8", "MR Cardio, retired"),
        ("1.3.46.670589.5.0.8.1", "MR Cardio"),
        ("1.3.46.670589.5.0.9", "CT Synthetic Image"),
        ("1.3.46.670589.5.0.10", "MR Synthetic Image"),
        ("1.3.46.670589.5.0.11", "MR Cardio Analysis, retired"),
        ("1.3.46.670589.5.0.11.1", "MR Cardio Analysis"),
        ("1.3.46.670589.5.0.12", "CX Synthetic Image"),
        ("1.3.46.670589.5.0.13", "Perfusion"),
        ("1.3.46.670589.5.0.14", "Perfusion Image"),
        ("1.3.46.670589.7.8.1618510091", "X-Ray MF"),
        ("1.3.46.670589.7.8.1618510092", "Live Run"),
        ("1.3.46.670589.7.8.16185100129", "Run"),
        ("1.3.46.670589.7.8.16185100130", "Reconstruction"),
        ("1.3.46.670589.11.0.0.12.1", "MR Spectrum"),
        ("1.3.46.670589.11.0.0.12.2", "MR Series Data"),
        ("1.3.46.670589.11.0.0.12.3", "MR Color Image"),
        ("1.3.46.670589.11.0.0.12.4", "MR Examcard"),
    ),
    *_of(
        "siemens",
        ("1.3.12.2.1107.5.9.1", "CSA Non-Image"),
        ("1.3.12.2.1107.5.99.3.10", "CT MR Volume"),
        ("1.3.12.2.1107.5.99.3.11", "AX Frame Sets"),
    ),
    *_of("toshiba", ("1.2.392.200036.9116.7.8.1.1.1", "US Private Data")),
)
"""All that are known."""

VENDORS = tuple(_ORIGINS)


def of_vendors(vendors: tuple[str, ...]) -> tuple[str, ...]:
    """Return the UIDs of the known classes of some vendors."""
    return tuple(each.uid for each in CLASSES if each.vendor in vendors)
