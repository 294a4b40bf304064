"""JSON that does not fit into memory, value by value; and where it is looked for."""

import codecs
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from app.exports.importing.wish import DamagedError

PIECE = 1 << 18
# Nothing that is to be one value is longer than this.
LONGEST = 1 << 24
_SPACE = re.compile(r"[ \t\r\n]*")


class Reader:
    """Values of JSON, one after the other, of a file that does not fit into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._text, self._at, self._ended = "", 0, False
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._decode = json.JSONDecoder().raw_decode
        self.line = 1

    def expect(self, mark: str, otherwise: str = "") -> None:
        """The mark is there and is taken, or the file is damaged."""
        if not self.takes(mark):
            found = self._text[self._at : self._at + 20] or "the end of the file"
            raise DamagedError(
                f"Line {self.line}: {otherwise or f'“{mark}” is to stand here'}, and there is {found!r}."
            )

    def takes(self, mark: str) -> bool:
        """Whether the mark is next; then it is taken."""
        self._skip()
        found = self._text.startswith(mark, self._at)
        if found:
            self._at += len(mark)
        return found

    def end(self) -> None:
        self._skip()
        if self._at < len(self._text):
            raise DamagedError(f"Line {self.line}: something follows after the end.")

    def value(self) -> tuple[int, Any]:
        """The next value, and the line in which it begins."""
        self._skip()
        line = self.line
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                # It may only be that the rest of it has not been read yet.
                if self._ended or isinstance(error, RecursionError) or len(self._text) - self._at > LONGEST:
                    raise DamagedError(f"Line {line}: {_reason(error)}.") from None
                self._more()
                continue
            if end == len(self._text) and not self._ended:  # of a number the rest may come
                self._more()
                continue
            self.line += self._text.count("\n", self._at, end)
            self._at = end
            return line, value

    def _skip(self) -> None:
        """Blanks and line breaks, until something comes."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None
            self.line += self._text.count("\n", self._at, match.end())
            self._at = match.end()
            if self._at < len(self._text) or self._ended:
                return
            self._more()

    def _more(self) -> None:
        """Twice as much as is waiting, so that what is long is not tried too often."""
        try:
            data = self._file.read(max(PIECE, len(self._text) - self._at))
            self._text = self._text[self._at :] + self._utf8.decode(data, final=not data)
        except UnicodeDecodeError:
            raise DamagedError(f"After line {self.line}: this is not UTF-8.") from None
        except (zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise DamagedError(f"After line {self.line}: the archive is damaged ({error}).") from None
        self._at, self._ended = 0, not data


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"this is no JSON ({error.msg})"
    return "this is nested too deeply" if isinstance(error, RecursionError) else "a number is too long"


def opened(path: Path) -> IO[bytes]:
    """The JSON of that file, or the one in that archive. Raises DamagedError and OSError."""
    if not zipfile.is_zipfile(path):
        return path.open("rb")
    try:
        archive = zipfile.ZipFile(path)
        names = [name for name in archive.namelist() if name.endswith(".json") and name != "manifest.json"]
        if len(names) != 1:
            raise DamagedError(f"The archive is to hold one JSON beside its manifest, and has {len(names)}.")
        return archive.open(names[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DamagedError(f"The archive is damaged ({error}).") from None
