"""Pictures that people upload: whatever they are, what is kept is a small square that we made ourselves.

A decoder is where a hostile file does harm. So only four of Pillow's are asked, what they would unfold to is bounded by
the size that the file announces, one picture is worked on at a time, and never in the event loop.
"""

import asyncio
import struct
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import structlog
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SIDE = 256
# Four bytes a pixel: 100 MB. JPEG is decoded at a fraction of its size; cameras make large ones.
MOST_PIXELS, MOST_PIXELS_OF_JPEG = 24_000_000, 50_000_000
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
# What Pillow raises at EXIF that is none. Anything else refuses the picture, as with its pixels.
_DAMAGED = (OSError, ValueError, SyntaxError, LookupError, TypeError, struct.error)
log = structlog.get_logger()
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")


class NotAPicture(Exception):
    """It is none of the formats, or it is damaged."""


class TooManyPixels(Exception):
    """It would unfold to more than is taken."""


async def square(data: bytes) -> bytes:
    """The middle of the picture as a WebP of 256 by 256 pixels, upright, without anything that the file said beside it
    (place, camera, time). Raises NotAPicture, TooManyPixels."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _square, data)


def _square(data: bytes) -> bytes:
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            is_jpeg = image.format in ("JPEG", "MPO")
            if image.width * image.height > (MOST_PIXELS_OF_JPEG if is_jpeg else MOST_PIXELS):
                raise TooManyPixels
            if is_jpeg:
                image.draft("RGB", (2 * SIDE, 2 * SIDE))
            return _encoded(image)
    except Image.DecompressionBombError as error:
        raise TooManyPixels from error
    except TooManyPixels:
        raise
    except Exception as error:  # decoders raise whatever comes: OSError, ValueError, SyntaxError, struct.error …
        raise NotAPicture from error


def _encoded(image: Image.Image) -> bytes:
    image.load()
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    colours = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small = colours.resize((SIDE, SIDE), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
    turn = _turn(image)
    if turn is not None:  # of the small one: the middle stays the middle however it is turned
        small = small.transpose(turn)
    # A new one, of which Pillow knows nothing that it would write beside the pixels; what is transparent becomes white.
    clean = Image.new("RGB", small.size, "white")
    clean.paste(small, mask=small if small.mode == "RGBA" else None)
    written = BytesIO()
    clean.save(written, "WEBP", quality=82)
    return written.getvalue()


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGED as error:  # what a camera wrote beside the picture; the picture is good all the same
        log.info("a picture does not say how it stands", error=type(error).__name__)
        return None
