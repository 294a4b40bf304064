"""Pictures that people upload: whatever they are, what is kept is a small square that we made ourselves.

They are decoded by a program of their own (`thumbnail.py`) that has little memory, little time and nothing of ours; one
at a time, so many at once cost no more.
"""

import asyncio
import os
import sys
from pathlib import Path

import structlog

# Not imported: it would bring the decoders in here.
PROGRAM = Path(__file__).with_name("thumbnail.py")
NOT_A_PICTURE = 3  # its exit code
# A photograph of 50 million pixels takes a second or two. What waits for its core counts as wall, not as CPU.
CPU_SECONDS, WALL_SECONDS = 10, 40
# The largest that are taken need 340 MB, Python and Pillow in it.
MEMORY = 400 * 2**20
# Of the environment it gets what an interpreter may need to start, and none of our secrets.
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT")
log = structlog.get_logger()
_one_at_a_time = asyncio.Semaphore(1)


class NotAPicture(Exception):
    """It is none of the formats, or it is damaged."""


class TooManyPixels(Exception):
    """It would unfold to more than is taken, or keep the decoder busy for longer than any photograph does."""


async def thumbnail(data: bytes) -> bytes:
    """The middle of the picture as a WebP of 256 by 256 pixels, upright, without anything that the file said beside it
    (place, camera, time). Raises NotAPicture, TooManyPixels."""
    async with _one_at_a_time:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(PROGRAM), str(CPU_SECONDS), str(MEMORY)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in KEPT if name in os.environ},
        )
        try:
            async with asyncio.timeout(WALL_SECONDS):
                made, said = await child.communicate(data)
        except TimeoutError as error:
            raise TooManyPixels from error
        finally:
            if child.returncode is None:  # its time is over, or whoever sent it has gone
                child.kill()
                await child.wait()
    if said:
        log.info("a picture was odd", said=said.decode(errors="replace")[:200], code=child.returncode)
    if child.returncode == NOT_A_PICTURE:
        raise NotAPicture
    if child.returncode != 0:  # it said so, or the kernel ended it
        raise TooManyPixels
    return made
