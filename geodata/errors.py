"""The errors that a reader of Almanac may meet: each says what is wrong and what to do next."""

from __future__ import annotations


class AlmanacError(Exception):
    """Something the user can put right: what is wrong with what was found, and what to do next.

    Parameters
    ----------
    message : what is wrong, naming what was found. One sentence.
    hint : what to do next. One sentence.

    Pages show the two sentences, the command line prints them and exits with 2. Anything else that is
    raised is a bug and is not caught.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by position; without this the keyword-only hint is lost between processes.
        return (_rebuild, (type(self), self.message, self.hint))


class UnknownName(AlmanacError):
    """A name (of a place, dataset, column, region …) that does not exist here."""


class BrokenData(AlmanacError):
    """A file or table that breaks its contract: nothing of it is used."""


def _rebuild(kind: type[AlmanacError], message: str, hint: str) -> AlmanacError:
    return kind(message, hint=hint)
