# SPDX-License-Identifier: Apache-2.0
"""Blanking of files that GDCM compressed. For JPEG it is a separate build of partly the same code
as the codecs used here: it tells less there than for the other transfer syntaxes."""

from __future__ import annotations

from pathlib import Path

import gdcm
import numpy as np
import pytest
from pydicom.uid import UID

from engine.anonymize.pixels.blanking import Blanking, blank_file
from tests.engine.anonymize.images import EXPLICIT, JPEG, RLE, describe, native, pixels, read

MR = UID("1.2.840.10008.5.1.4.1.1.4")
LOSSLESS = {
    "RLELossless": RLE,
    "JPEGLosslessProcess14": JPEG + "57",
    "JPEGLosslessProcess14_1": JPEG + "70",
    "JPEGLSLossless": JPEG + "80",
    "JPEG2000Lossless": JPEG + "90",
}
LOSSY = ("JPEGBaselineProcess1", "JPEGExtendedProcess2_4", "JPEGLSNearLossless", "JPEG2000")
KINDS = [("u1", 8, 1), ("<u2", 12, 1), ("<u2", 16, 1), ("<i2", 12, 1), ("<i2", 16, 1), ("u1", 8, 3)]


def _compress(source: Path, target: Path, syntax: str) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()


def _noise(folder: Path, kind: str, bits: int, samples: int) -> Path:
    low = -(1 << bits - 1) if "i" in kind else 0
    generator = np.random.default_rng(3)
    array = generator.integers(low, low + (1 << bits), (2, 21, 33, samples)).astype(kind)
    described = describe(array, stored=bits)
    described.SOPClassUID = described.file_meta.MediaStorageSOPClassUID = MR
    return native(folder / "native", array, described)


@pytest.mark.parametrize(("kind", "bits", "samples"), KINDS)
@pytest.mark.parametrize("syntax", LOSSLESS)
def test_without_loss(tmp_path: Path, syntax: str, kind: str, bits: int, samples: int) -> None:
    whole = _noise(tmp_path, kind, bits, samples)
    source, target = tmp_path / "source", tmp_path / "target"
    _compress(whole, source, syntax)
    done = blank_file(source, target, [Blanking(left=1, top=1, right=9, bottom=5, values=(3,))])
    assert (done.transfer_syntax, done.frames) == (LOSSLESS[syntax], 2)
    expected = pixels(whole).copy()
    expected[:, 1:5, 1:9] = 3
    assert (pixels(target) == expected).all()


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("syntax", LOSSY)
def test_with_loss(tmp_path: Path, syntax: str, samples: int) -> None:
    whole = _noise(tmp_path, "u1", 8, samples)
    source, target = tmp_path / "source", tmp_path / "target"
    _compress(whole, source, syntax)
    done = blank_file(source, target, [Blanking(left=1, top=1, right=9, bottom=5, values=(3,))])
    assert done.transfer_syntax == EXPLICIT == read(target).file_meta.TransferSyntaxUID
    expected = pixels(source).copy()
    expected[:, 1:5, 1:9] = 3
    assert (pixels(target) == expected).all()
