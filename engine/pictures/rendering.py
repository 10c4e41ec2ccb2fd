# SPDX-License-Identifier: Apache-2.0
"""Makes a small picture of 8 bits a sample of one frame: modality values, window, colours, region
and size. It runs in the guarded helper."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.anonymize.pixels.codecs import name_of
from engine.model.pictures import MOST_SIDE, Device, Figures, PictureRequest, Region, Window
from engine.pictures.guard import Rendered
from engine.pictures.image import Frame, Image, Images, NoImage, read

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SAMPLED = 262_144
"""Pixels from which a window is made where the header has none."""
_WIDEST_PIXEL = 8.0

Values = NDArray[Any]


def rendered(images: Images, path: Path, asked: PictureRequest, scratch: Path) -> Rendered:
    """Make a picture of one frame of a file.

    Raises:
        OSError: if the file cannot be read.
        Exception: what its readers raise; the frame may be damaged in any way.
    """
    try:
        with images.open(path, scratch) as (image, file):
            frames = image.raster.frames
            number = frames // 2 if asked.frame is None else min(max(asked.frame, 0), frames - 1)
            figures = _figures(image)
            try:
                frame = read(image, file, number)
            except NoImage as error:
                return Rendered(frame=number, figures=figures, why=error.reason)
            return _picture(image, frame, number, figures, asked)
    except NoImage as error:
        return Rendered(why=error.reason)


def clipped(region: Region | None, columns: int, rows: int) -> Region:
    """Return what of a region lies in an image, one pixel at least; without one all of it."""
    if region is None:
        return Region(left=0, top=0, right=columns, bottom=rows)
    left, top = min(max(region.left, 0), columns - 1), min(max(region.top, 0), rows - 1)
    return Region(
        left=left,
        top=top,
        right=min(max(region.right, left + 1), columns),
        bottom=min(max(region.bottom, top + 1), rows),
    )


def _picture(
    image: Image, frame: Frame, number: int, figures: Figures, asked: PictureRequest
) -> Rendered:
    region = clipped(asked.region, image.raster.columns, image.raster.rows)
    part = (slice(region.top, region.bottom), slice(region.left, region.right))
    window = None
    if frame.photometric == "PALETTE COLOR":
        shown = _palette(frame.array[:, :, 0][part], image.header)
    elif frame.array.shape[2] == 1:
        grey, window = _grey(frame, image.header, number, asked.window, part)
        shown = grey[:, :, None]
    else:
        shown = _coloured(frame, part)
    small = _fitted(shown, asked.across, asked.down, _pixel_shape(image.header))
    return Rendered(
        frame=number,
        figures=figures,
        window=window,
        region=region,
        width=small.shape[1],
        height=small.shape[0],
        channels=small.shape[2],
        pixels=small.tobytes(),
    )


def _grey(
    frame: Frame,
    header: Dataset,
    number: int,
    wanted: Window | None,
    part: tuple[slice, slice],
) -> tuple[Values, Window]:
    from pydicom.pixels.processing import (  # noqa: PLC0415 (slow to import)
        apply_modality_lut,
        apply_voi_lut,
    )

    stored = frame.array[:, :, 0]
    slope, intercept = _rescale(header, number)

    def modal(values: Values) -> Values:
        if header.get("ModalityLUTSequence"):
            return np.asarray(apply_modality_lut(values, header), np.float32)
        return values.astype(np.float32) * np.float32(slope) + np.float32(intercept)

    inverted = frame.photometric == "MONOCHROME1"
    if wanted is None and header.get("VOILUTSequence") and stored.dtype.kind in "iu":
        values = apply_voi_lut(apply_modality_lut(stored[part], header), header)
        looked_up = header.VOILUTSequence[0].LUTDescriptor
        window = Window(centre=(1 << looked_up[2]) / 2, width=float(1 << looked_up[2]))
        values = np.asarray(values, np.float32)
    else:
        window = wanted or _header_window(header, number) or _window_of(modal(_sampled(stored)))
        values = modal(stored[part])
    low, width = window.centre - window.width / 2, max(window.width, 1e-9)
    levels = np.nan_to_num((values - np.float32(low)) * np.float32(255 / width))
    grey = np.clip(levels, 0, 255).astype(np.uint8)
    return (255 - grey if inverted else grey), window


def _sampled(stored: Values) -> Values:
    step = max(1, math.isqrt(stored.size // _SAMPLED))
    return stored[::step, ::step]


def _window_of(values: Values) -> Window:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Window(centre=0.5, width=1.0)
    low, high = (float(one) for one in np.percentile(finite, (1, 99)))
    if high <= low:
        # Nearly all is background: what is not has to be seen.
        low, high = float(finite.min()), float(finite.max())
    return Window(centre=(low + high) / 2, width=max(high - low, 1e-6))


def _groups(header: Dataset, number: int, name: str) -> Dataset | None:
    """Return an item of the functional groups of a frame, or of those that all frames share."""
    frames = header.get("PerFrameFunctionalGroupsSequence") or ()
    own = frames[number : number + 1] if number < len(frames) else ()
    for group in (*own, *(header.get("SharedFunctionalGroupsSequence") or ())):
        found = group.get(name)
        if found:
            return found[0]  # type: ignore[no-any-return]
    return None


def _header_window(header: Dataset, number: int) -> Window | None:
    for place in (_groups(header, number, "FrameVOILUTSequence"), header):
        if place is None:
            continue
        centre, width = _first(place, "WindowCenter"), _first(place, "WindowWidth")
        if centre is not None and width is not None and width >= 1:
            return Window(centre=centre, width=width)
    return None


def _rescale(header: Dataset, number: int) -> tuple[float, float]:
    for place in (_groups(header, number, "PixelValueTransformationSequence"), header):
        if place is not None and (slope := _first(place, "RescaleSlope")):
            return slope, _first(place, "RescaleIntercept") or 0.0
    return 1.0, 0.0


def _first(place: Dataset, name: str) -> float | None:
    """Return the first value; None where it is no number, as in files that lie."""
    try:
        value = place.get(name)
        number = float(value if isinstance(value, str | int | float) else value[0])
    except (TypeError, ValueError, IndexError, AttributeError):
        return None
    return number if math.isfinite(number) else None


def _palette(stored: Values, header: Dataset) -> Values:
    from pydicom.pixels.processing import apply_color_lut  # noqa: PLC0415 (slow to import)

    colours = apply_color_lut(np.ascontiguousarray(stored), header)[:, :, :3]
    wide = colours.dtype.itemsize > 1
    # Some write tables of 16 bits with values of 8.
    if wide and colours.max(initial=0) > 255:
        colours = colours >> 8
    return colours.astype(np.uint8)


def _coloured(frame: Frame, part: tuple[slice, slice]) -> Values:
    colours = frame.array[part].astype(np.float32) * np.float32(255 / ((1 << frame.bits) - 1))
    if frame.photometric.startswith("YBR_FULL"):
        # PS3.3 C.7.6.3.1.2, backwards.
        luma, blue, red = colours[:, :, 0], colours[:, :, 1] - 128, colours[:, :, 2] - 128
        green = luma - 0.344136 * blue - 0.714136 * red
        channels = (luma + 1.402 * red, green, luma + 1.772 * blue)
        colours = np.stack(channels, axis=2)
    levels: Values = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    return levels


def _pixel_shape(header: Dataset) -> float:
    """Return the height of a pixel in widths."""
    for name in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        try:
            high, wide = (float(one) for one in header.get(name) or ())
            shape = high / wide
        except (TypeError, ValueError, ZeroDivisionError, AttributeError):
            continue
        if 1 / _WIDEST_PIXEL <= shape <= _WIDEST_PIXEL:
            return shape
    return 1.0


def _fitted(picture: Values, across: int, down: int, shape: float) -> Values:
    """Make a picture as small as asked by the mean of what falls together; never larger."""
    rows, columns = picture.shape[:2]
    across, down = (min(max(side, 1), MOST_SIDE) for side in (across, down))
    # In units of a pixel's width, or of its height where that is less: nothing is invented.
    wide, high = (columns, rows * shape) if shape <= 1 else (columns / shape, float(rows))
    scale = min(1.0, across / wide, down / high)
    width, height = max(1, round(wide * scale)), max(1, round(high * scale))
    return _averaged(_averaged(picture, height, 0), width, 1)


def _averaged(picture: Values, count: int, axis: int) -> Values:
    length = picture.shape[axis]
    if count >= length:
        return picture
    edges = np.arange(count + 1) * length // count
    sums = np.add.reduceat(picture, edges[:-1], axis=axis, dtype=np.uint32)
    widths = np.diff(edges).reshape([-1 if each == axis else 1 for each in range(3)])
    means: Values = (sums // widths).astype(np.uint8)
    return means


def _figures(image: Image) -> Figures:
    raster, header = image.raster, image.header
    return Figures(
        rows=raster.rows,
        columns=raster.columns,
        frames=raster.frames,
        samples=raster.samples,
        bits=raster.stored,
        photometric=raster.photometric,
        transfer_syntax=name_of(image.syntax),
        burned_in=_text(header, "BurnedInAnnotation").upper()[:3],
        device=Device(
            manufacturer=_text(header, "Manufacturer"),
            model=_text(header, "ManufacturerModelName"),
            sop_class=_text(header, "SOPClassUID"),
        ),
    )


def _text(header: Dataset, name: str) -> str:
    try:
        return str(header.get(name) or "")[:64].strip()
    except (TypeError, ValueError, AttributeError):
        return ""
