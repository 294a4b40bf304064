"""Pictures to upload, made on the spot."""

from io import BytesIO
from typing import Any

from PIL import Image


def picture(
    size: tuple[int, int] = (40, 30), colour: Any = "navy", kind: str = "PNG", mode: str = "RGB", **more: Any
) -> bytes:
    """One of a single colour."""
    return encoded(Image.new(mode, size, colour), kind, **more)


def quarters(kind: str = "PNG", size: int = 200, **more: Any) -> bytes:
    """Red and green above, blue and white below."""
    image = Image.new("RGB", (size, size), "white")
    half = size // 2
    for place, colour in (((0, 0), "red"), ((half, 0), "lime"), ((0, half), "blue")):
        image.paste(Image.new("RGB", (half, half), colour), place)
    return encoded(image, kind, **more)


def encoded(image: Image.Image, kind: str, **more: Any) -> bytes:
    written = BytesIO()
    image.save(written, kind, **more)
    return written.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    """Whether the pixel has that colour, as far as it survives being encoded."""
    found: Any = image.convert("RGB").getpixel(at)
    return all(abs(one - other) < 24 for one, other in zip(found, colour, strict=True))
