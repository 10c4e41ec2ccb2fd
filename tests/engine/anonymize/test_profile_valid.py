# SPDX-License-Identifier: Apache-2.0
"""What the profiles leave is as valid as what came: dciodvfy, which is not ours, finds no error in
it that it does not find in the original. The objects are real ones, of the development
requirements, and some kinds that are not among them, made here."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import nibabel
import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from engine.anonymize.files import FileRun, Recipe
from engine.anonymize.profile.generator import SHIPPED, profile_script
from engine.anonymize.profile.table import Option
from tests.engine.dicom.datasets import DEFLATED, EXPLICIT, part10_files
from tests.line.real_sessions import pet_ct, siemens_mosaics

ROOT = "1.2.826.0.1.3680043.10.1599.5."
VALUE = re.compile(r"[0-9]+(?:\.[0-9]+)+|(?<=UID )[0-9]+")
"""A UID in a message; it is another one afterwards."""
AS_IT_IS = 'version "6.7"\n(0012,0062) := "YES"'


def run(text: str, sources: list[Path], folder: Path) -> dict[Path, Path]:
    """Run a script over files; return what was written of those that could be read."""
    folder.mkdir()
    variables = {"project": "P", "subject": "S", "session": "E"}
    written = {}
    with closing(FileRun(Recipe(name="profile", text=text, variables=variables))) as runner:
        for number, source in enumerate(sources):
            target = folder / f"{number}.dcm"
            if runner.run(source, target).error is None:
                written[source] = target
    return written


class Verifier:
    """dciodvfy of dicom3tools."""

    def __init__(self) -> None:
        found = shutil.which("dciodvfy")
        if found is None:
            pytest.fail("no dciodvfy: install dicom3tools (apt install dicom3tools)", pytrace=False)
        self._program = found

    def errors(self, files: list[Path]) -> list[Counter[str]]:
        """Return the errors of each file, without the UIDs in them."""
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self._errors, files))

    def _errors(self, file: Path) -> Counter[str]:
        done = subprocess.run([self._program, str(file)], capture_output=True, check=False)
        lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
        return Counter(VALUE.sub("UID", line) for line in lines if "Error - " in line)


# ----------------------------------------------------------------------------------------- objects


def ds(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(
            dataset,
            keyword,
            Sequence(value)
            if isinstance(value, list) and value and isinstance(value[0], Dataset)
            else value,
        )
    return dataset


def code(value: str) -> Dataset:
    return ds(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=f"Meaning {value}")


def reference(number: str) -> Dataset:
    return ds(
        ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.4", ReferencedSOPInstanceUID=ROOT + number
    )


ISSUER = ds(LocalNamespaceEntityID="HOSPITAL")
COMMON = {
    "SpecificCharacterSet": "ISO_IR 100",
    "StudyDate": "20240110",
    "StudyTime": "101010",
    "AccessionNumber": "A1",
    "Manufacturer": "ACME",
    "ReferringPhysicianName": "Referrer^Rita",
    "ReferencedStudySequence": [reference("8")],
    "PatientName": "Doe^Jane",
    "PatientID": "4711",
    "PatientBirthDate": "19700101",
    "PatientSex": "F",
    "StudyInstanceUID": ROOT + "2",
    "SeriesInstanceUID": ROOT + "3",
    "StudyID": "1",
    "SeriesNumber": 1,
    "InstanceNumber": 1,
}


def presentation_state() -> Dataset:
    text = ds(
        UnformattedTextValue="Doe",
        AnchorPointAnnotationUnits="PIXEL",
        AnchorPoint=[1.0, 1.0],
        AnchorPointVisibility="Y",
    )
    area = ds(
        DisplayedAreaTopLeftHandCorner=[1, 1],
        DisplayedAreaBottomRightHandCorner=[4, 4],
        PresentationSizeMode="SCALE TO FIT",
        PresentationPixelAspectRatio=[1, 1],
    )
    return ds(
        **COMMON,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1",
        Modality="PR",
        ContentLabel="DOE",
        ContentDescription="Doe",
        ContentCreatorName="Reader^Rob",
        PresentationCreationDate="20240110",
        PresentationCreationTime="101010",
        PresentationLUTShape="IDENTITY",
        ReferencedSeriesSequence=[
            ds(SeriesInstanceUID=ROOT + "4", ReferencedImageSequence=[reference("5")])
        ],
        DisplayedAreaSelectionSequence=[area],
        GraphicLayerSequence=[
            ds(GraphicLayer="L1", GraphicLayerOrder=1, GraphicLayerDescription="Doe")
        ],
        GraphicAnnotationSequence=[ds(GraphicLayer="L1", TextObjectSequence=[text])],
    )


def slide() -> Dataset:
    """Make a photograph through a microscope, of a container with two specimens."""
    text = ds(ValueType="TEXT", ConceptNameCodeSequence=[code("1")], TextValue="by Doe")
    step = ds(SpecimenPreparationStepContentItemSequence=[text])
    specimens = [
        ds(
            SpecimenIdentifier=f"S{number}",
            SpecimenUID=f"{ROOT}6.{number}",
            IssuerOfTheSpecimenIdentifierSequence=[ISSUER],
            SpecimenPreparationSequence=[step, step],
            SpecimenShortDescription="of Doe",
        )
        for number in range(2)
    ]
    return ds(
        **COMMON,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.2",
        Modality="GM",
        ImageType=["ORIGINAL", "PRIMARY"],
        LossyImageCompression="00",
        AcquisitionContextSequence=[text],
        ContainerIdentifier="C1",
        IssuerOfTheContainerIdentifierSequence=[ISSUER],
        ContainerTypeCodeSequence=[code("2")],
        SpecimenDescriptionSequence=specimens,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=2,
        Columns=2,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelData=bytes(4),
    )


def report() -> Dataset:
    """Make a verified report on a request, with text, a person and an image in it."""
    observer = ds(
        VerifyingOrganization="Hospital",
        VerificationDateTime="20240110101010",
        VerifyingObserverName="Reader^Rob",
        VerifyingObserverIdentificationCodeSequence=[code("3")],
    )
    request = ds(
        StudyInstanceUID=ROOT + "2",
        ReferencedStudySequence=[reference("8")],
        AccessionNumber="A1",
        PlacerOrderNumberImagingServiceRequest="1",
        FillerOrderNumberImagingServiceRequest="2",
        RequestedProcedureID="R1",
        RequestedProcedureDescription="of Doe",
        RequestedProcedureCodeSequence=[code("4")],
    )
    text = ds(
        RelationshipType="CONTAINS",
        ValueType="TEXT",
        ConceptNameCodeSequence=[code("5")],
        TextValue="Doe is well",
    )
    image = ds(
        RelationshipType="CONTAINS",
        ValueType="IMAGE",
        ConceptNameCodeSequence=[code("6")],
        ReferencedSOPSequence=[reference("5")],
    )
    evidence = ds(
        StudyInstanceUID=ROOT + "2",
        ReferencedSeriesSequence=[
            ds(SeriesInstanceUID=ROOT + "4", ReferencedSOPSequence=[reference("5")])
        ],
    )
    return ds(
        **COMMON,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11",
        Modality="SR",
        ReferencedPerformedProcedureStepSequence=[],
        ContentDate="20240110",
        ContentTime="101010",
        CompletionFlag="COMPLETE",
        CompletionFlagDescription="by Doe",
        VerificationFlag="VERIFIED",
        VerifyingObserverSequence=[observer],
        ReferencedRequestSequence=[request],
        CurrentRequestedProcedureEvidenceSequence=[evidence],
        PerformedProcedureCodeSequence=[],
        ValueType="CONTAINER",
        ConceptNameCodeSequence=[code("7")],
        ContinuityOfContent="SEPARATE",
        ContentSequence=[text, image],
    )


def document() -> Dataset:
    return ds(
        **COMMON,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
        Modality="DOC",
        ConversionType="WSD",
        ContentDate="20240110",
        ContentTime="101010",
        AcquisitionDateTime="",
        BurnedInAnnotation="YES",
        DocumentTitle="Letter about Jane Doe",
        ConceptNameCodeSequence=[],
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=b"%PDF-1.4",
    )


def made(folder: Path) -> Iterator[Path]:
    """Write what is not among the files of others."""
    folder.mkdir()
    for kind in (presentation_state, slide, report, document):
        dataset = kind()
        dataset.SOPInstanceUID = ROOT + "1"
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(EXPLICIT)
        path = folder / f"{kind.__name__}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        yield path


def real(folder: Path) -> Iterator[Path]:
    """Yield files of the development requirements, one of each kind: of those with the same
    elements and encoding the first is as good as any."""
    folder.mkdir()
    paths = [
        *part10_files(),
        *sorted((Path(pynetdicom.__file__).parent / "tests" / "dicom_files").glob("*.dcm")),
        *sorted((Path(nibabel.__file__).parent / "nicom" / "tests" / "data").glob("*.dcm")),
        *sorted(siemens_mosaics(folder / "mosaics").iterdir()),
        *sorted(pet_ct(folder / "pet_ct", "").rglob("*.dcm")),
    ]
    kinds = set()
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            kind = (
                dataset.get("SOPClassUID"),
                dataset.file_meta.get("TransferSyntaxUID"),
                tuple(dataset.keys()),
            )
        if kind not in kinds:
            kinds.add(kind)
            yield path


# ------------------------------------------------------------------------------------------- tests


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    """Gives dciodvfy, and fails without it."""
    return Verifier()


Originals = dict[Path, Counter[str]]


@pytest.fixture(scope="module")
def originals(verifier: Verifier, tmp_path_factory: pytest.TempPathFactory) -> Originals:
    """Gives the files with the errors that they came with."""
    folder = tmp_path_factory.mktemp("originals")
    paths = [*real(folder / "real"), *made(folder / "made")]
    # dciodvfy cannot inflate: those are looked at as they are stored.
    deflated = [path for path in paths if DEFLATED.encode() in path.read_bytes()[:400]]
    looked_at = {path: path for path in paths} | run(AS_IT_IS, deflated, folder / "inflated")
    errors = verifier.errors(list(looked_at.values()))
    return dict(zip(looked_at, errors, strict=True))


@pytest.mark.parametrize("options", SHIPPED.values(), ids=SHIPPED)
def test_no_error_is_new_after_a_shipped_profile(
    options: frozenset[Option], originals: Originals, verifier: Verifier, tmp_path: Path
) -> None:
    written = run(profile_script(options), list(originals), tmp_path / "out")
    assert len(written) > 70 and len(written) > 0.9 * len(originals)
    found = verifier.errors(list(written.values()))
    new = {
        source.name: list(after - originals[source])
        for source, after in zip(written, found, strict=True)
        if after - originals[source]
    }
    assert new == {}


def test_sequences_in_items_are_emptied_and_not_gone(tmp_path: Path) -> None:
    sources = list(made(tmp_path / "made"))
    for name, options in SHIPPED.items():
        written = run(profile_script(options), sources, tmp_path / name)
        assert len(written) == len(sources)
        read = {source.stem: pydicom.dcmread(target) for source, target in written.items()}
        first, second = read["slide"].SpecimenDescriptionSequence
        for item in (first, second):
            assert item["IssuerOfTheSpecimenIdentifierSequence"].value == []
            kept = Option.CLEAN_STRUCTURED in options
            assert len(item["SpecimenPreparationSequence"].value) == (2 if kept else 0)
        assert read["slide"]["IssuerOfTheContainerIdentifierSequence"].value == []
        (request,) = read["report"].ReferencedRequestSequence
        uids_kept = Option.RETAIN_UIDS in options
        assert len(request["ReferencedStudySequence"].value) == (1 if uids_kept else 0)
        assert request.RequestedProcedureID == ""
        assert ("ReferencedStudySequence" in read["report"]) is uids_kept
        for target in written.values():
            data = target.read_bytes()
            assert b"Doe" not in data and b"HOSPITAL" not in data and b"Reader" not in data
