"""What happened in exports that is worked on later."""

import msgspec


class ExportRequested(msgspec.Struct):
    """Someone asked for an export. It may be cancelled or deleted by the time this is read."""

    export: int
