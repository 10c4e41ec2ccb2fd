# SPDX-License-Identifier: Apache-2.0
"""What a picture shows of an image: values, windows, colours, frames, regions and sizes."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from engine.model.pictures import PictureRequest, Region, Window
from engine.pictures.guard import Rendered
from engine.pictures.image import Images
from engine.pictures.rendering import rendered
from tests.engine.anonymize.images import FILES, compressed, describe, native

J2K = "1.2.840.10008.1.2.4.90"
RAMP = np.arange(256, dtype="<u2").reshape(1, 16, 16, 1)


def shown(path: Path, asked: PictureRequest | None = None) -> tuple[Rendered, np.ndarray]:
    made = rendered(Images(), path, asked or PictureRequest(), path.parent)
    assert made.why == ""
    array = np.frombuffer(made.pixels, np.uint8)
    return made, array.reshape(made.height, made.width, made.channels)


def test_a_window_tells_values_apart(tmp_path: Path) -> None:
    path = native(tmp_path / "a.dcm", RAMP, describe(RAMP))
    asked = PictureRequest(window=Window(centre=100, width=40))
    _, picture = shown(path, asked)
    values = picture.ravel()
    assert (values[:80] == 0).all() and (values[120:] == 255).all()
    assert values[100] == 127 and (np.diff(values[80:120].astype(int)) > 0).all()


def test_the_header_gives_window_and_rescale(tmp_path: Path) -> None:
    dataset = describe(RAMP)
    dataset.RescaleSlope, dataset.RescaleIntercept = "2", "-100"
    dataset.WindowCenter, dataset.WindowWidth = ["100", "0"], ["40", "1"]
    made, picture = shown(native(tmp_path / "a.dcm", RAMP, dataset))
    assert made.window == Window(centre=100.0, width=40.0)
    assert picture.ravel()[100] == 127 and picture.ravel()[89] == 0


def test_without_a_window_the_pixels_give_one(tmp_path: Path) -> None:
    array = RAMP.copy()
    array[0, 0, 0, 0] = 65535
    made, picture = shown(native(tmp_path / "a.dcm", array, describe(array)))
    assert made.window is not None and made.window.width < 300
    assert picture[0, 0, 0] == 255 and len(np.unique(picture)) > 200


def test_white_is_low_where_the_header_says_so(tmp_path: Path) -> None:
    asked = PictureRequest(window=Window(centre=128, width=256))
    _, dark = shown(native(tmp_path / "a.dcm", RAMP, describe(RAMP)), asked)
    inverted = describe(RAMP, photometric="MONOCHROME1")
    _, light = shown(native(tmp_path / "b.dcm", RAMP, inverted), asked)
    assert (light == 255 - dark).all()


def test_colours_are_those_of_pydicom() -> None:
    for name in ("examples_ybr_color", "SC_ybr_full_422_uncompressed", "SC_rgb_dcmtk_+eb+cr"):
        made, picture = shown(FILES / f"{name}.dcm", PictureRequest(across=2048, down=2048))
        assert made.channels == 3 and made.window is None
        import pydicom  # noqa: PLC0415 (slow to import)
        from pydicom.pixels.utils import pixel_array  # noqa: PLC0415 (slow to import)

        dataset = pydicom.dcmread(FILES / f"{name}.dcm")
        frames = int(dataset.get("NumberOfFrames") or 1)
        expected = pixel_array(dataset, index=frames // 2 if frames > 1 else None)
        if expected.shape == picture.shape:
            assert np.abs(expected.astype(int) - picture).max() <= 2


def test_a_palette_gives_colours() -> None:
    made, picture = shown(FILES / "examples_palette.dcm")
    assert made.channels == 3
    assert (picture[..., 0] != picture[..., 1]).any()


def test_a_region_is_cut_out_and_clipped(tmp_path: Path) -> None:
    path = native(tmp_path / "a.dcm", RAMP, describe(RAMP))
    window = Window(centre=128, width=256)
    _, whole = shown(path, PictureRequest(window=window))
    region = Region(left=4, top=2, right=400, bottom=8)
    made, part = shown(path, PictureRequest(window=window, region=region))
    assert made.region == Region(left=4, top=2, right=16, bottom=8)
    assert (part == whole[2:8, 4:16]).all()


def test_pixels_that_are_higher_than_wide_are_shown_so(tmp_path: Path) -> None:
    dataset = describe(RAMP)
    dataset.PixelSpacing = ["2", "1"]
    made, _ = shown(native(tmp_path / "a.dcm", RAMP, dataset))
    assert made.width * 2 == made.height


@pytest.mark.parametrize("is_native", [True, False])
def test_a_long_file_is_read_by_the_frame(tmp_path: Path, is_native: bool) -> None:
    # 50 MB; the content of each frame is its number.
    frames, side = 100, 512
    path = tmp_path / "long.dcm"
    if is_native:
        flat = np.repeat(np.arange(frames, dtype="<u2"), side * side)
        array = flat.reshape(frames, side, side, 1)
        native(path, array, describe(array))
    else:
        one = np.zeros((1, side, side, 1), "<u2")
        dataset = describe(np.broadcast_to(one, (frames, side, side, 1)), syntax=J2K)
        data = [
            bytes(imagecodecs.jpeg2k_encode(np.full((side, side), n, "<u2"), level=0))
            for n in range(frames)
        ]
        compressed(path, dataset, data, table=False)
    images = Images()
    window = Window(centre=128, width=256)
    read: list[int] = []
    for number in (0, 99, 50, 51):
        asked = PictureRequest(frame=number, window=window, across=4, down=4)
        made = rendered(images, path, asked, tmp_path)
        assert made.frame == number and set(made.pixels) == {number * 255 // 256}
    with images.open(path, tmp_path) as (image, file):
        read.append(file.tell())
        assert image.raster.frames == frames
        if is_native:
            # Only a frame is read from the file, at its place.
            from engine.pictures.image import read as read_one  # noqa: PLC0415

            start = image.start + 7 * side * side * 2
            read_one(image, file, 7)
            assert file.tell() == start + side * side * 2
        else:
            assert image.frames is not None and len(image.frames) == frames
    again = rendered(images, path, PictureRequest(frame=10**6), tmp_path)
    assert again.frame == 99
