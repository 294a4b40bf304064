"""What can go wrong in a way that a person or a program is told of. `core/problems.py` turns them into answers."""


class DomainError(Exception):
    """Something that was asked for cannot be; `status` is its HTTP status, `message` is for people."""

    status = 400
    message = ""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class Invalid(DomainError):
    """What was sent cannot be taken. `fields` says for each field, in the reader's language, what is wrong."""

    status = 422

    def __init__(self, message: str = "", **fields: str) -> None:
        super().__init__(message)
        self.fields = fields


class BadRequest(DomainError):
    """The request itself is malformed."""

    status = 400


class Unauthorized(DomainError):
    """Nobody is signed in, or the proof of it is no longer good."""

    status = 401


class Forbidden(DomainError):
    """The person may see the thing but not do this to it."""

    status = 403


class NotFound(DomainError):
    """It does not exist, or this person may not know that it does: the two are never told apart."""

    status = 404


class Conflict(DomainError):
    """It clashes with what is there."""

    status = 409


class TooLarge(DomainError):
    """The body is larger than is taken."""

    status = 413


class UnsupportedType(DomainError):
    """A content type or a charset that is not taken."""

    status = 415


class TooMany(DomainError):
    """Tried too often; `retry_after` is in seconds."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """Cannot be done just now; the same request may be sent again."""

    status = 503
