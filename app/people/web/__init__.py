"""The pages of people: the directory and its cards, contacts, and who is there."""

from app.people.web import contacts, directory, presence

HANDLERS = [*directory.HANDLERS, *contacts.HANDLERS, *presence.HANDLERS]
