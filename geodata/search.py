"""Search by words: ranked, forgiving of typing mistakes, in Latin letters and in Chinese."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# How much a word counts by where it stands.
WEIGHTS: Mapping[str, float] = {
    "title": 10.0,
    "translations": 9.0,
    "columns": 6.0,
    "id": 5.0,
    "theme": 4.0,
    "producer": 3.0,
    "region": 2.5,
    "summary": 2.0,
    "places": 1.0,
}
_IGNORED = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "per", "s", "the", "to")
)
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})
_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_LONGEST_QUERY = 200  # characters; what follows is not a search but a text


@dataclass(frozen=True)
class Document:
    """What is known of one dataset in words. Every field but the id may stay empty.

    `columns` takes names and titles alike; `translations` takes titles in other languages.
    """

    id: str
    title: str = ""
    summary: str = ""
    producer: str = ""
    theme: str = ""
    region: str = ""
    columns: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    translations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """One document found: its id, its score, the fields that matched, and whether all words did."""

    id: str
    score: float
    fields: tuple[str, ...]
    complete: bool


class Index:
    """Documents made ready for many searches."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents = tuple(documents)
        # word → document → the weightiest field in which it stands
        self._words: dict[str, dict[int, str]] = {}
        self._title_lengths: list[int] = []
        for number, document in enumerate(self._documents):
            for field in WEIGHTS:
                found = getattr(document, field)
                for text in (found,) if isinstance(found, str) else found:
                    for word in _indexed(text):
                        self._words.setdefault(word, {}).setdefault(number, field)
            self._title_lengths.append(max(1, len(_asked(document.title))))
        self._sorted = sorted(self._words)
        self._lengths = np.array([len(w) for w in self._sorted], dtype=np.int32)
        pairs: dict[str, list[int]] = {}
        for position, word in enumerate(self._sorted):
            for pair in _pairs(word):
                pairs.setdefault(pair, []).append(position)
        self._pairs = {pair: np.array(positions, dtype=np.int32) for pair, positions in pairs.items()}

    def search(self, text: str, *, limit: int | None = None) -> list[Hit]:
        """The documents that match the words of `text`, best first.

        Parameters
        ----------
        text : words in any order; the beginning of a word and a slightly mistyped word are enough.
        limit : how many to return at most.

        Returns
        -------
        Documents in which every word stands come before those in which some do. With no text, all of them
        in the order given.
        """
        words = _asked(text[:_LONGEST_QUERY])
        if not words:
            everything = [Hit(d.id, 0.0, (), True) for d in self._documents] if not text.strip() else []
            return everything[:limit]
        hits = self._ranked(words, forgiving=False)
        if not any(hit.complete for hit in hits):
            # A word may be a mistyped one although it exists elsewhere.
            hits = self._ranked(words, forgiving=True)
        return hits[:limit]

    def _ranked(self, words: Sequence[str], *, forgiving: bool) -> list[Hit]:
        found: dict[int, list[tuple[float, str]]] = {}
        for word in words:
            best: dict[int, tuple[float, str]] = {}
            for match, quality in self._matches(word, forgiving=forgiving):
                for number, field in self._words[match].items():
                    score = quality * WEIGHTS[field]
                    if number not in best or score > best[number][0]:
                        best[number] = (score, field)
            rarity = math.log(1 + len(self._documents) / len(best)) if best else 0.0
            for number, (score, field) in best.items():
                found.setdefault(number, []).append((score * rarity, field))
        ranked = []
        for number, parts in found.items():
            fields = [field for _, field in parts]
            # Of two titles with the words, the one that says little else is meant.
            share = min(1.0, fields.count("title") / self._title_lengths[number])
            score = sum(score for score, _ in parts) * (1 + 0.25 * share)
            named = tuple(field for field in WEIGHTS if field in fields)
            ranked.append((-len(parts), -score, self._documents[number].id, named))
        ranked.sort()
        return [Hit(id, -score, named, -count == len(words)) for count, score, id, named in ranked]

    def _matches(self, word: str, *, forgiving: bool) -> list[tuple[str, float]]:
        """The words of the index that `word` may mean, each with how well it fits (1 = the word itself)."""
        matches = [(word, 1.0)] if word in self._words else []
        if len(word) > 1:
            start = bisect_left(self._sorted, word)
            for candidate in self._sorted[start:]:
                if not candidate.startswith(word):
                    break
                if candidate != word:
                    matches.append((candidate, 0.6 + 0.3 * len(word) / len(candidate)))
        if forgiving or not matches:
            known = {match for match, _ in matches}
            matches += [m for m in self._mistyped(word) if m[0] not in known]
        return matches

    def _mistyped(self, word: str) -> list[tuple[str, float]]:
        allowed = _mistakes_allowed(word)
        postings = [self._pairs[p] for p in _pairs(word) if p in self._pairs]
        if not allowed or not postings:
            return []
        # One mistake spoils at most three of a word's pairs of letters, so the rest must be shared.
        shared = np.bincount(np.concatenate(postings), minlength=len(self._sorted))
        alike = shared >= max(1, len(_pairs(word)) - 3 * allowed)
        near = alike & (abs(self._lengths - len(word)) <= allowed)
        matches = []
        for position in np.flatnonzero(near):
            candidate = self._sorted[position]
            mistakes = _distance(word, candidate, allowed)
            # Short words are too much alike for the longer one's allowance to count.
            if mistakes <= min(allowed, _mistakes_allowed(candidate)):
                matches.append((candidate, 0.7 - 0.15 * mistakes))
        return matches


def search(documents: Iterable[Document], text: str, *, limit: int | None = None) -> list[Hit]:
    """The documents that match the words of `text`, best first; keep an `Index` to search more than once.

    Examples
    --------
    >>> rivers = Document("gauges", title="Daily river discharge")
    >>> roads = Document("roads", title="Daily road traffic")
    >>> [hit.id for hit in search([rivers, roads], "dischrge")]
    ['gauges']
    """
    return Index(documents).search(text, limit=limit)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that someone who typed `word` most likely meant, or None.

    Examples
    --------
    >>> nearest("lombardia", ["mid_atlantic", "lombardy"])
    'lombardy'
    """
    asked = _folded(word[:_LONGEST_QUERY]).strip()
    if not asked:
        return None
    limit = max(1, len(asked) // 3)
    best, containing = None, None
    for candidate in words:
        folded = _folded(candidate)
        distance = _distance(asked, folded, limit)
        if distance <= limit:
            best, limit = candidate, distance - 1
            if limit < 0:
                return best
        if containing is None and len(asked) >= 4 and asked in folded:
            containing = candidate
    return best or containing


def _folded(text: str) -> str:
    """The text without case, accents and variant forms: “Área” and “area” are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _stem(word: str) -> str:
    """An English plural as its singular; anything else as it is."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _is_han(run: str) -> bool:
    return re.match(rf"[{_HAN}]", run) is not None


@lru_cache(maxsize=50_000)
def _indexed(text: str) -> frozenset[str]:
    """The words of a text to be found; Chinese, which has no spaces, by its characters and pairs of them."""
    words: set[str] = set()
    for run in _RUN.findall(_folded(text)):
        if _is_han(run):
            words.update(run)
            words.update(run[i : i + 2] for i in range(len(run) - 1))
        elif run not in _IGNORED:
            words.add(_stem(run))
    return frozenset(words)


def _asked(text: str) -> list[str]:
    """The words of a question, each once, in its order."""
    words: dict[str, None] = {}
    runs = _RUN.findall(_folded(text))
    for run in runs:
        if _is_han(run) and len(run) > 1:
            words.update(dict.fromkeys(run[i : i + 2] for i in range(len(run) - 1)))
        elif run not in _IGNORED:
            words[_stem(run)] = None
    return list(words)


@lru_cache(maxsize=200_000)
def _pairs(word: str) -> tuple[str, ...]:
    """The pairs of neighbouring letters of a word, its two ends marked."""
    marked = f"^{word}$"
    return tuple(dict.fromkeys(marked[i : i + 2] for i in range(len(marked) - 1)))


def _mistakes_allowed(word: str) -> int:
    if _is_han(word) or any(c.isdigit() for c in word):
        return 0
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def _distance(a: str, b: str, limit: int) -> int:
    """Letters added, left out, changed or swapped between two words; limit + 1 when there are more."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, last, older = [i], row, before
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before = last
    return min(row[-1], limit + 1)
