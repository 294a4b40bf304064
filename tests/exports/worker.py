"""A worker whose exports are written by `tests/exports/writer.py`."""

import sys

from app.cli import main
from app.exports import making
from tests.exports.shelf import WRITER

if __name__ == "__main__":
    making.PROGRAM = WRITER
    sys.exit(main(sys.argv[1:]))
