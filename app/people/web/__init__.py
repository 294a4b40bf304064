"""The pages of people: the directory and its cards, and contacts."""

from app.people.web import contacts, directory

HANDLERS = [*directory.HANDLERS, *contacts.HANDLERS]
