"""A program of its own: a picture comes in, the small square of it goes out. `pictures.py` starts it.

A decoder is where a hostile file does harm: a few kilobytes can unfold to gigabytes, or keep it busy for an hour. So it
works where the kernel holds it to so much memory and CPU, where there is nothing of ours, and where it may be killed.
"""

import resource
import struct
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SIDE = 256
NOT_A_PICTURE, TOO_MUCH = 3, 4
# What a file announces is refused before anything is unfolded: 24 million pixels are 100 MB, and once more for the
# middle of them. JPEG is decoded at a fraction of its size; cameras make large ones.
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


class TooMuchError(Exception):
    """It would unfold to more than is taken."""


def main(cpu_seconds: int, memory: int) -> int:
    """From standard input to standard output, within so many bytes; gives the exit code."""
    _confine(cpu_seconds, memory)
    try:
        sys.stdout.buffer.write(_thumbnail(sys.stdin.buffer.read()))
    except (TooMuchError, MemoryError, Image.DecompressionBombError):
        return TOO_MUCH
    except Exception as error:  # decoders raise whatever comes: OSError, ValueError, SyntaxError, struct.error …
        sys.stderr.write(type(error).__name__)
        return NOT_A_PICTURE
    return 0


def _confine(cpu_seconds: int, memory: int) -> None:
    score = Path("/proc/self/oom_score_adj")
    if score.exists():  # where the machine runs out of memory, this is the first to go, and not the web
        score.write_text("1000")
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _thumbnail(data: bytes) -> bytes:
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        is_jpeg = image.format in ("JPEG", "MPO")
        if image.width * image.height > (MOST_PIXELS_OF_JPEG if is_jpeg else MOST_PIXELS):
            raise TooMuchError
        if is_jpeg:
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
        image.load()
        return _encoded(image)


def _encoded(image: Image.Image) -> bytes:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    middle = image.crop((left, top, left + side, top + side))
    colours = middle.convert("RGBA" if image.has_transparency_data else "RGB")
    small = colours.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
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
        sys.stderr.write(f"how it stands is not to be read: {type(error).__name__}")
        return None


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
