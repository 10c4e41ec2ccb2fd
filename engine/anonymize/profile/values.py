# SPDX-License-Identifier: Apache-2.0
"""The values that the scripts of the confidentiality profile write: dummies, contents of required
sequences, codes, safe private attributes and safe words. Which attribute gets which value is
decided in `engine.anonymize.profile.table`."""

from __future__ import annotations

from engine.anonymize.profile.table import Option

DUMMIES = {
    "AE": "REMOVED",
    "AS": "000Y",
    "CS": "REMOVED",
    "DA": "19000101",
    "DT": "19000101000000",
    "LO": "REMOVED",
    "LT": "REMOVED",
    "OB": "REMOVED",
    "PN": "REMOVED",
    "SH": "REMOVED",
    "ST": "REMOVED",
    "TM": "000000",
    "UC": "REMOVED",
    "UN": "REMOVED",
    "UR": "urn:removed",
    "UT": "REMOVED",
}
"""By VR; valid for it."""

_CODE = (
    ("(0008,0100)", "REMOVED"),
    ("(0008,0102)", "99ANTEROOM"),
    ("(0008,0104)", "Removed"),
)
_PERSON = tuple((f"(0040,1101)[0]/{tag}", value) for tag, value in _CODE)

SEQUENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "(0008,0082)": _CODE,
    "(0008,1072)": _PERSON,
    # Detached Study Management, and a UID that stands for none.
    "(0008,1110)": (("(0008,1150)", "1.2.840.10008.3.1.2.3.1"), ("(0008,1155)", "2.25.0")),
    # Modality Performed Procedure Step, and a UID that stands for none.
    "(0008,1111)": (("(0008,1150)", "1.2.840.10008.3.1.2.3.3"), ("(0008,1155)", "2.25.0")),
    "(0034,0001)": (("(0034,0002)", "REMOVED"),),
    "(0040,1101)": _CODE,
    "(0040,A073)": (
        ("(0040,A027)", "REMOVED"),
        ("(0040,A030)", "19000101000000"),
        ("(0040,A075)", "REMOVED"),
        ("(0040,A088)", ""),
    ),
    "(0040,A730)": (
        ("(0040,A010)", "CONTAINS"),
        ("(0040,A040)", "TEXT"),
        ("(0040,A043)[0]/(0008,0100)", "121106"),
        ("(0040,A043)[0]/(0008,0102)", "DCM"),
        ("(0040,A043)[0]/(0008,0104)", "Comment"),
        ("(0040,A160)", "REMOVED"),
    ),
    "(0040,B020)": (("(0040,A0B0)", "1\\0"), ("(0070,0006)", "REMOVED")),
    "(0070,0001)": (
        ("(0070,0002)", "REMOVED"),
        ("(0070,0009)[0]/(0070,0005)", "DISPLAY"),
        ("(0070,0009)[0]/(0070,0020)", "2"),
        ("(0070,0009)[0]/(0070,0021)", "1"),
        ("(0070,0009)[0]/(0070,0022)", "0\\0"),
        ("(0070,0009)[0]/(0070,0023)", "POINT"),
    ),
}
"""The one item that stands in place of a sequence whose code asks for a dummy."""

BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")
PIXELS_CODE = ("113101", "Clean Pixel Data Option")
CODES = {
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.FULL_DATES: (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    Option.MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    Option.RETAIN_PATIENT: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION: ("113112", "Retain Institution Identity Option"),
}
"""De-identification methods, context group 7050 of PS3.16."""

SAFE_PRIVATE = (
    ("(0019,{GEMS_ACQU_01}23)", "table speed"),
    ("(0019,{GEMS_ACQU_01}24)", "mid scan time"),
    ("(0019,{GEMS_ACQU_01}27)", "rotation speed"),
    ("(0019,{GEMS_ACQU_01}9E)", "internal pulse sequence name"),
    ("(0019,{SIEMENS MR HEADER}0C)", "b value"),
    ("(0019,{SIEMENS MR HEADER}0D)", "diffusion directionality"),
    ("(0019,{SIEMENS MR HEADER}0E)", "diffusion gradient direction"),
    ("(0019,{SIEMENS MR HEADER}27)", "b matrix"),
    ("(0025,{GEMS_SERS_01}07)", "images in series"),
    ("(0043,{GEMS_PARM_01}27)", "scan pitch ratio"),
    ("(0043,{GEMS_PARM_01}39)", "b value first"),
    ("(0043,{GEMS_PARM_01}6F)", "table entry and gradient coil"),
    ("(0045,{GEMS_HELIOS_01}01)", "macro rows in detector"),
    ("(0045,{GEMS_HELIOS_01}02)", "macro width"),
    ("(00E1,{ELSCINT1}21)", "dose length product"),
    ("(00E1,{ELSCINT1}50)", "acquisition duration"),
    ("(01E1,{ELSCINT1}26)", "phantom type"),
    ("(01F1,{ELSCINT1}01)", "acquisition type"),
    ("(01F1,{ELSCINT1}07)", "table velocity"),
    ("(01F1,{ELSCINT1}26)", "pitch"),
    ("(01F1,{ELSCINT1}27)", "rotation time"),
    ("(0903,{GEIIS PACS}10)", "reject image flag"),
    ("(0903,{GEIIS PACS}11)", "significant flag"),
    ("(0903,{GEIIS PACS}12)", "confidential flag"),
    ("(2001,{Philips Imaging DD 001}01)", "chemical shift"),
    ("(2001,{Philips Imaging DD 001}03)", "diffusion b factor"),
    ("(2001,{Philips Imaging DD 001}04)", "diffusion direction"),
    ("(2001,{Philips Imaging DD 001}08)", "phase number"),
    ("(2001,{Philips Imaging DD 001}0A)", "image plane number"),
    ("(2001,{Philips Imaging DD 001}0B)", "image plane orientation"),
    ("(2001,{Philips Imaging DD 001}13)", "EPI factor"),
    ("(2001,{Philips Imaging DD 001}14)", "number of echoes"),
    ("(2001,{Philips Imaging DD 001}15)", "number of locations"),
    ("(2001,{Philips Imaging DD 001}17)", "number of phases"),
    ("(2001,{Philips Imaging DD 001}18)", "number of slices"),
    ("(2001,{Philips Imaging DD 001}22)", "water fat shift"),
    ("(2001,{Philips Imaging DD 001}23)", "flip angle"),
    ("(2005,{Philips MR Imaging DD 001}0D)", "scale intercept"),
    ("(2005,{Philips MR Imaging DD 001}0E)", "scale slope"),
    ("(7053,{Philips PET Private Group}00)", "SUV factor"),
    ("(7053,{Philips PET Private Group}09)", "activity concentration factor"),
)
"""Of PS3.15 Table E.3.10-1 what CT, MR and PET images are measured with."""

SAFE_WORDS = """
2d 3d t1 t1w t2 t2w t2star pd flair stir dwi dti adc swi tof mra mrv cta ct mr mri pet pt us cr
dx mg nm ax axial sag sagittal cor coronal obl oblique tra trans transverse ap pa lat lateral
localizer localiser loc scout topogram survey head brain neck chest thorax abdomen abd pelvis
spine cervical thoracic lumbar knee hip shoulder ankle foot hand wrist elbow heart cardiac liver
kidney prostate breast lung left right with without w wo and of pre post contrast gd fat sat fs
water phase magnitude map mip mpr recon reformat arterial venous delayed fse tse se gre spgr
fspgr epi mprage space haste vibe bold rest task fieldmap field asl perfusion diffusion trace fa
whole body scan series image images routine protocol research phantom bone soft tissue kernel
sharp smooth thin thick slice slices dose report calibration test
"""
"""Words of descriptions that tell nothing about a person."""
