"""The pages of exports."""

from app.exports.web import audits, download, exports, verifying

HANDLERS = [*exports.HANDLERS, *download.HANDLERS, *verifying.HANDLERS, *audits.HANDLERS]
