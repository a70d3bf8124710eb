"""The errors that a reader of Almanac may meet: each says what is wrong and what to do next."""

from __future__ import annotations


class AlmanacError(Exception):
    """Something the user can put right: what is wrong with what was found, and what to do next.

    Parameters
    ----------
    message : what is wrong, naming what was found. One sentence.
    hint : what to do next. One sentence.
    facts : what fills the `{names}` in both sentences. A sentence that pages show keeps its facts apart, so
        that it can be said in the reader's language; without facts the sentences are taken as they are.
        A tuple is a list of names, joined by commas.

    Pages show the two sentences, the command line prints them and exits with 2. Anything else that is
    raised is a bug and is not caught.

    Examples
    --------
    >>> print(AlmanacError("There is no “{name}”.", hint="Choose another.", name="x"))
    There is no “x”. Choose another.
    """

    def __init__(self, message: str, *, hint: str, **facts: object) -> None:
        super().__init__(message)
        self.sentences = (message, hint)
        self.facts = facts
        shown = {name: ", ".join(map(str, fact)) if isinstance(fact, tuple) else fact for name, fact in facts.items()}
        self.message = message.format(**shown) if facts else message
        self.hint = hint.format(**shown) if facts else hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by position; without this the keyword-only hint is lost between processes.
        return (_rebuild, (type(self), self.sentences, self.facts))


class UnknownName(AlmanacError):
    """A name (of a place, dataset, column, region …) that does not exist here."""


class BrokenData(AlmanacError):
    """A file or table that breaks its contract: nothing of it is used."""


def _rebuild(kind: type[AlmanacError], sentences: tuple[str, str], facts: dict[str, object]) -> AlmanacError:
    return kind(sentences[0], hint=sentences[1], **facts)
