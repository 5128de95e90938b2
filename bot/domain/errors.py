"""Errors of our own making; a venue's refusals are events, never exceptions.

    DeltabandError
    ├── UnknownInstrumentError   a name that no rule explains
    ├── BadInputError            a file, book or recording that cannot be used
    ├── JournalError             the journal cannot be opened, read or written
    │   └── JournalBusyError     another process holds it for now
    ├── KeyRightsError           a key to a venue that may do too much or too little
    ├── WrongEnvironmentError    the test system where the real one was meant, or the reverse
    ├── TaskEndedError           what must run for as long as a connection does has ended
    └── TransitionError          an order was asked to do what its state forbids (a bug)

Every message says what was expected and what was found.
"""

from __future__ import annotations


class DeltabandError(Exception):
    """Root of the errors that this program raises on purpose."""


class UnknownInstrumentError(DeltabandError):
    """A name that does not follow the venue's grammar, or terms that are not known."""


class BadInputError(DeltabandError):
    """A book, file or recording that cannot be used as it is."""


class JournalError(DeltabandError):
    """The journal is of another version or instance, damaged, locked, or cannot be written."""


class JournalBusyError(JournalError):
    """Another process holds the journal: nothing can be written for now, and nothing is lost."""


class KeyRightsError(DeltabandError):
    """A key to a venue has rights that a bot must not have, or lacks one that it needs."""


class WrongEnvironmentError(DeltabandError):
    """A venue says of itself that it is another system than the one that was meant."""


class TaskEndedError(DeltabandError):
    """A task that a connection cannot be without has ended (a bug): nothing may rely on it."""


class TransitionError(DeltabandError):
    """An order was moved along an edge that its life cycle does not have."""
