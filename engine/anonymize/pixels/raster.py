# SPDX-License-Identifier: Apache-2.0
"""The layout of the pixels of one object according to its header, and the pixel words of a filling.
The numbers of the header are validated here; nothing here reads or changes pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import pack, unpack

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.regions import Blanking
from engine.dicom.header import Header

FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010
MAX_FRAMES = 1_000_000

_GREY = frozenset(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"))
_RGB = frozenset(("RGB", "YBR_RCT", "YBR_ICT"))
"""The last two are names of what a codec does inside; what it gives is RGB."""
_YBR = frozenset(("YBR_FULL", "YBR_FULL_422"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Raster:
    """The image pixel description of one object."""

    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    """Bits of one sample as it is stored natively; 32 or 64 for floats."""
    stored: int
    shift: int
    """How many bits lie below the stored ones."""
    signed: bool
    photometric: str
    planar: bool
    """Whether each sample has a plane of its own."""
    floating: bool = False

    @property
    def subsampled(self) -> bool:
        """Whether two pixels in a row share their colour, natively."""
        return self.photometric == "YBR_FULL_422"

    @property
    def frame_bits(self) -> int:
        """The bits of one native frame."""
        samples = 2 if self.subsampled else self.samples
        return self.rows * self.columns * samples * self.allocated

    @property
    def native_length(self) -> int:
        """The bytes of all frames natively, without a pad at the end."""
        return (self.frame_bits * self.frames + 7) // 8

    def fully_sampled(self) -> Raster:
        """Return the same raster where every pixel has a colour of its own."""
        return replace(self, photometric="YBR_FULL") if self.subsampled else self

    def words(self, blanking: Blanking, photometric: str = "") -> tuple[int, ...]:
        """Return what fills each sample of a pixel, as a word of the allocated bits.

        Raises:
            ScriptError: if the filling is no pixel of this image.
        """
        values = self._samples(blanking.values, photometric or self.photometric)
        if self.floating:
            code, word = ("<f", "<I") if self.allocated == 32 else ("<d", "<Q")
            return tuple(int(unpack(word, pack(code, value))[0]) for value in values)
        low = -(1 << self.stored - 1) if self.signed else 0
        high = low + (1 << self.stored) - 1
        for value in values:
            if not low <= value <= high:
                raise ScriptError(
                    f"alterPixels: the filling {value} is no value of this image",
                    hint=f"Its pixels go from {low} to {high}.",
                )
        mask = (1 << self.allocated) - 1
        return tuple(value << self.shift & mask for value in values)

    def _samples(self, values: tuple[int, ...], photometric: str) -> tuple[int, ...]:
        if self.samples == 1:
            if len(values) != 1:
                raise ScriptError(
                    "alterPixels: red, green and blue are given, but a pixel of this image is one "
                    "number",
                    hint="Write v=… instead; ask for (0028,0002) where both may come.",
                )
            return values
        red, green, blue = values if len(values) == 3 else values * 3
        if photometric in _RGB:
            return red, green, blue
        if photometric not in _YBR:
            raise ScriptError("alterPixels: the colours of this image are of an unknown kind")
        most, middle = (1 << self.stored) - 1, 1 << self.stored - 1
        if not all(0 <= value <= most for value in values):
            raise ScriptError(
                "alterPixels: the filling is no value of this image",
                hint=f"Its pixels go from 0 to {most}.",
            )
        # PS3.3 C.7.6.3.1.2
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        chroma = (
            -0.168736 * red - 0.331264 * green + 0.5 * blue + middle,
            0.5 * red - 0.418688 * green - 0.081312 * blue + middle,
        )
        return tuple(min(max(round(value), 0), most) for value in (luma, *chroma))


def read_raster(header: Header, pixels: int) -> Raster:
    """Read the description of an image whose pixels are in the element with the tag `pixels`.

    Raises:
        ScriptError: if it is missing, contradicts itself, or is of a kind that is not known.
    """
    rows, columns = _needed(header, 0x00280010), _needed(header, 0x00280011)
    samples = _needed(header, 0x00280002) if 0x00280002 in header else 1
    frames = header.integer(0x00280008)
    if frames is None:
        if header.text(0x00280008):
            raise _odd("its number of frames is no number")
        frames = 1
    if not 1 <= frames <= MAX_FRAMES:
        raise _odd("its number of frames cannot be")
    floating = pixels != PIXELS
    if floating:
        allocated = stored = 32 if pixels == FLOAT_PIXELS else 64
        shift, signed = 0, False
        if samples != 1:
            raise _odd("floats are one to a pixel")
    else:
        allocated = _needed(header, 0x00280100)
        stored = header.integer(0x00280101) or allocated
        high = header.integer(0x00280102)
        # 12 bits of 16: with High Bit 11 they lie at the bottom (shift 0), with 15 at the top (4).
        shift = (stored - 1 if high is None else high) + 1 - stored
        signed = header.integer(0x00280103) == 1
        if allocated not in (1, 8, 16, 32, 64):
            raise _odd("this number of bits for a pixel is not supported")
        if not 1 <= stored <= allocated or not 0 <= shift <= allocated - stored:
            raise _odd("the bits that it stores do not lie in those of a pixel")
    photometric = (header.text(0x00280004) or "").upper()
    if samples not in (1, 3):
        raise _odd("a pixel has neither one sample nor three")
    if samples == 1 and photometric not in _GREY and not floating:
        raise _odd("its photometric interpretation is unknown for one sample")
    if samples == 3 and photometric not in _RGB | _YBR:
        raise _odd("its photometric interpretation is unknown for three samples")
    if samples == 3 and allocated == 1:
        raise _odd("colours of one bit are not supported")
    return Raster(
        rows=rows,
        columns=columns,
        frames=frames,
        samples=samples,
        allocated=allocated,
        stored=stored,
        shift=shift,
        signed=signed,
        photometric=photometric,
        planar=samples > 1 and header.integer(0x00280006) == 1,
        floating=floating,
    )


def _needed(header: Header, tag: int) -> int:
    number = header.integer(tag)
    if number is None or not 0 < number <= 0xFFFF:
        raise _odd("its header does not say how its pixels are laid out")
    return number


def _odd(reason: str) -> ScriptError:
    return ScriptError(f"alterPixels: the image cannot be altered: {reason}")
