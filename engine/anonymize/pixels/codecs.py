# SPDX-License-Identifier: Apache-2.0
"""Decoding and encoding of single compressed frames with imagecodecs, and which codec each transfer
syntax has. Where frames are in a file is not known here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.anonymize.pixels.codestream import Codestream, CodestreamKind, Unclear, read_codestream
from engine.anonymize.pixels.packbits import pack_frame, unpack_frame
from engine.anonymize.pixels.raster import Raster

RLE_LOSSLESS = "1.2.840.10008.1.2.5"
_JPEG = "1.2.840.10008.1.2.4."


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """How frames of one transfer syntax are handled."""

    kind: CodestreamKind | None
    """None is RLE, whose frames have no markers."""
    # False where a frame may be lossy: compressing it again would lose more, all over the image.
    # Such objects are stored native.
    again: bool
    """Whether frames are compressed again after they were changed."""


CODECS = {
    RLE_LOSSLESS: Codec(kind=None, again=True),
    _JPEG + "50": Codec(kind=CodestreamKind.JPEG, again=False),
    _JPEG + "51": Codec(kind=CodestreamKind.JPEG, again=False),
    _JPEG + "57": Codec(kind=CodestreamKind.JPEG_LOSSLESS, again=True),
    _JPEG + "70": Codec(kind=CodestreamKind.JPEG_LOSSLESS, again=True),
    _JPEG + "80": Codec(kind=CodestreamKind.JPEG_LS, again=True),
    _JPEG + "81": Codec(kind=CodestreamKind.JPEG_LS, again=False),
    _JPEG + "90": Codec(kind=CodestreamKind.JPEG_2000, again=True),
    _JPEG + "91": Codec(kind=CodestreamKind.JPEG_2000, again=False),
    _JPEG + "201": Codec(kind=CodestreamKind.HTJ2K, again=True),
    _JPEG + "202": Codec(kind=CodestreamKind.HTJ2K, again=True),
    _JPEG + "203": Codec(kind=CodestreamKind.HTJ2K, again=False),
}


@dataclass(kw_only=True, slots=True)
class Picture:
    """One decoded frame: rows, columns and samples as its codec gave them."""

    array: NDArray[np.generic]
    photometric: str
    precision: int
    signed: bool
    stream: Codestream | None

    def words(self, words: tuple[int, ...]) -> tuple[int, ...]:
        """Turn native words into the numbers that this codec keeps."""
        size = 1 << self.precision
        kept = (word & size - 1 for word in words)
        return tuple(word - size if self.signed and 2 * word >= size else word for word in kept)

    def native(self, raster: Raster) -> bytes:
        """Return the frame as native pixels, little endian, colour by pixel."""
        width = raster.allocated // 8
        array = self.array
        if self.precision < raster.allocated and raster.signed != self.signed:
            # What one side calls a sign is a bit to the other.
            wide = array.astype(np.int64) & (1 << self.precision) - 1
            if raster.signed:
                sign = 1 << self.precision - 1
                # Sign extension. FFF of 12 bits: FFF ^ 800 = 7FF, and 7FF - 800 = -1.
                wide = (wide ^ sign) - sign
            array = wide
        return array.astype(f"<i{width}" if raster.signed else f"<u{width}").tobytes()


def decode(data: bytes, transfer_syntax: str, raster: Raster) -> Picture:
    """Decode a frame.

    Raises:
        Unclear: if it is damaged, or another image than the header describes.
    """
    codec = CODECS[transfer_syntax]
    if codec.kind is None:
        array = unpack_frame(
            data, raster.rows, raster.columns, raster.samples, raster.allocated // 8
        )
        return Picture(
            array=array,
            photometric=raster.photometric,
            precision=raster.allocated,
            signed=False,
            stream=None,
        )
    stream = read_codestream(data)
    _compare(stream, codec, raster)
    try:
        array = _DECODERS[stream.kind](data, stream, raster)
    except MemoryError:
        raise
    except Exception:  # each codec has errors of its own
        raise Unclear("its decoder finds it damaged, or lacks memory") from None
    shape = (raster.rows, raster.columns, raster.samples)
    if array.size != shape[0] * shape[1] * shape[2] or array.dtype.kind not in "iu":
        raise Unclear("its decoder gives something else than it says")
    photometric = raster.photometric
    if raster.samples == 3:
        if (
            stream.kind is CodestreamKind.JPEG
            or stream.transformed
            or photometric[:5] in ("YBR_R", "YBR_I")
        ):
            photometric = "RGB"
        elif photometric == "YBR_FULL_422":
            photometric = "YBR_FULL"
    return Picture(
        array=np.ascontiguousarray(array.reshape(shape)),
        photometric=photometric,
        precision=stream.precision,
        signed=array.dtype.kind == "i",
        stream=stream,
    )


def encode(picture: Picture, transfer_syntax: str) -> bytes | None:
    """Compress a picture without loss, as its frame was; None where that cannot be done exactly."""
    stream = picture.stream
    if stream is None:
        return pack_frame(picture.array)
    array = picture.array[..., 0] if stream.samples == 1 else picture.array
    try:
        # A copy, for encoders want even sides of length 1 to lie as usual in memory.
        data = bytes(_ENCODERS[stream.kind](array.copy(), stream))
        made = read_codestream(data)
    except MemoryError:
        raise
    except Exception:  # each codec has errors of its own
        return None
    if made.lossy or made.precision != stream.precision or made.signed != stream.signed:
        return None
    return data


def name_of(transfer_syntax: str) -> str:
    """Name a transfer syntax for people."""
    from pydicom.uid import UID  # noqa: PLC0415 (slow to import, and needed by few)

    if not re.fullmatch(r"[0-9.]{1,64}", transfer_syntax):
        return "of an unknown name"
    return str(UID(transfer_syntax).name)


def _compare(stream: Codestream, codec: Codec, raster: Raster) -> None:
    if stream.kind is not codec.kind:
        raise Unclear(f"it is {stream.kind}, which its transfer syntax is not")
    if (stream.rows, stream.columns) != (raster.rows, raster.columns):
        raise Unclear("its size is not the one in the header")
    if stream.samples != raster.samples:
        raise Unclear("its number of samples is not the one in the header")
    if stream.precision > raster.allocated:
        raise Unclear("it has more bits than the header says")


_Array = NDArray[np.generic]
_Encoded = bytes | bytearray | memoryview
"""What encoders return; which of these depends on the version of imagecodecs."""


def _decode_jpeg(data: bytes, stream: Codestream, raster: Raster) -> _Array:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    if stream.samples == 1:
        return imagecodecs.jpeg8_decode(data)
    # Without a word in the frame itself the header says how colours were kept.
    colour = stream.colour or raster.photometric
    kept = "RGB" if colour == "RGB" else "YCBCR"
    return imagecodecs.jpeg8_decode(data, colorspace=kept, outcolorspace="RGB")


def _decode_jpeg_lossless(data: bytes, stream: Codestream, raster: Raster) -> _Array:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    if stream.samples == 1:
        return imagecodecs.jpeg8_decode(data)
    return imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB")


def _decode_jpeg_ls(data: bytes, stream: Codestream, raster: Raster) -> _Array:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    return imagecodecs.jpegls_decode(data)


def _decode_jpeg_2000(data: bytes, stream: Codestream, raster: Raster) -> _Array:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    return imagecodecs.jpeg2k_decode(data, planar=False, numthreads=1)


def _decode_htj2k(data: bytes, stream: Codestream, raster: Raster) -> _Array:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    return imagecodecs.htj2k_decode(data, planar=False)


def _encode_jpeg_lossless(array: _Array, stream: Codestream) -> _Encoded:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    colour = None
    if stream.samples == 3:
        colour = "YCBCR" if stream.colour == "YBR_FULL" else "RGB"
    return imagecodecs.jpeg8_encode(
        array,
        lossless=True,
        predictor=1,
        bitspersample=stream.precision,
        colorspace=colour,
        outcolorspace=colour,
    )


def _encode_jpeg_ls(array: _Array, stream: Codestream) -> _Encoded:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    return imagecodecs.jpegls_encode(array, level=0)


def _encode_jpeg_2000(array: _Array, stream: Codestream) -> _Encoded:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    return imagecodecs.jpeg2k_encode(
        array,
        level=0,
        reversible=True,
        codecformat="J2K",
        mct=stream.transformed,
        bitspersample=stream.precision,
        numthreads=1,
    )


def _encode_htj2k(array: _Array, stream: Codestream) -> _Encoded:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    rgb = stream.transformed if stream.samples == 3 else None
    # Both lossless syntaxes are served: resolution first, with lengths of tile parts.
    return imagecodecs.htj2k_encode(array, reversible=True, rgb=rgb, tlm=True)


_DECODERS: dict[CodestreamKind, Callable[[bytes, Codestream, Raster], _Array]] = {
    CodestreamKind.JPEG: _decode_jpeg,
    CodestreamKind.JPEG_LOSSLESS: _decode_jpeg_lossless,
    CodestreamKind.JPEG_LS: _decode_jpeg_ls,
    CodestreamKind.JPEG_2000: _decode_jpeg_2000,
    CodestreamKind.HTJ2K: _decode_htj2k,
}
_ENCODERS: dict[CodestreamKind, Callable[[_Array, Codestream], _Encoded]] = {
    CodestreamKind.JPEG_LOSSLESS: _encode_jpeg_lossless,
    CodestreamKind.JPEG_LS: _encode_jpeg_ls,
    CodestreamKind.JPEG_2000: _encode_jpeg_2000,
    CodestreamKind.HTJ2K: _encode_htj2k,
}
