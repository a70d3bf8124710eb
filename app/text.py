"""Every sentence that a reader sees, and how numbers and dates are written, in the reader's language.

English lives in the code: `t("…")` is called with the English sentence, and `app/locale/<code>.toml` maps it to
its translation. Tests walk the code for these sentences and hold the languages to them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

import babel
import babel.dates
import babel.lists
import babel.numbers

from geodata.described import read_toml
from geodata.errors import AlmanacError

LOCALE = Path(__file__).parent / "locale"
ENGLISH = "en"
_BABEL = {"en": "en_GB", "zh-Hans": "zh_Hans_CN", "zh-Hant": "zh_Hant_TW"}

_CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
# A blank with the spaces that keep it from Chinese signs.
_BLANK = re.compile(rf"((?<={_CHINESE.pattern}) |)\{{(\w+)\}}( (?={_CHINESE.pattern})|)")

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


@cache
def languages() -> dict[str, str]:
    """The languages there are, by code, each in its own name."""
    others = {p.stem: str(read_toml(p)["language"]) for p in sorted(LOCALE.glob("*.toml"))}
    return {ENGLISH: "English", **others}


def use_language(code: str) -> None:
    """From here on, this thread speaks the language `code`.

    Raises
    ------
    AlmanacError
        When there is no such language.
    """
    if code not in languages():
        raise AlmanacError(
            "There is no language “{code}”.", hint="Choose one of: {known}.", code=code, known=tuple(languages())
        )
    _language.set(code)


def language() -> str:
    """The code of the language that this thread speaks."""
    return _language.get()


def guess_language(browser: str | None) -> str:
    """The language to begin with, from what a browser says it prefers (such as "zh-TW").

    Examples
    --------
    >>> guess_language("zh-HK"), guess_language("zh-CN"), guess_language("fr-FR")
    ('zh-Hant', 'zh-Hans', 'en')
    """
    tag = (browser or "").replace("_", "-").lower()
    if not tag.startswith("zh"):
        return ENGLISH
    traditional = any(part in {"hant", "tw", "hk", "mo"} for part in tag.split("-"))
    return "zh-Hant" if traditional else "zh-Hans"


def message(sentence: str) -> str:
    """Marks an English sentence for translation where it is not yet said; say it later with `said`."""
    return sentence


def t(sentence: str, **values: object) -> str:
    """An English sentence, in the reader's language, with `{name}` filled in.

    `sentence` must stand there as a literal, so that the tests can find it; for text that comes from a
    variable (a dataset's title) use `said`.
    """
    return _filled(said(sentence), values) if values else said(sentence)


def tn(one: str, many: str, n: int, **values: object) -> str:
    """The same for a counted thing: `one` where n is 1, else `many`; `{n}` is written in the reader's way."""
    chosen = one if n == 1 else many
    return _filled(said(chosen), {"n": number(n, decimals=0), **values})


def said(sentence: str) -> str:
    """The translation of a sentence held in a variable; itself where there is none."""
    return _messages(_language.get()).get(sentence, sentence)


def _filled(sentence: str, values: Mapping[str, object]) -> str:
    """A sentence with its blanks filled.

    Chinese leaves room between its own signs and others, so its blanks stand between spaces; where a value begins or
    ends with a Chinese sign, as units do, the space is dropped.
    """
    if language().startswith("zh"):

        def without_room(blank: re.Match[str]) -> str:
            before, name, after = blank.groups()
            value = str(values[name])
            first, last = (bool(_CHINESE.match(sign)) for sign in (value[:1], value[-1:]))
            return f"{'' if first else before}{{{name}}}{'' if last else after}"

        sentence = _BLANK.sub(without_room, sentence)
    return sentence.format(**values)


def error_in_words(error: AlmanacError) -> tuple[str, str]:
    """The two sentences of an error in the reader's language: what is wrong, and what to do next."""

    def shown(fact: object) -> object:
        if isinstance(fact, tuple):
            return t(", ").join(said(str(one)) for one in fact)
        return said(fact) if isinstance(fact, str) else fact

    facts = {name: shown(fact) for name, fact in error.facts.items()}
    what, hint = (_filled(said(sentence), facts) if facts else said(sentence) for sentence in error.sentences)
    return what, hint


@cache
def _messages(code: str) -> dict[str, str]:
    if code == ENGLISH:
        return {}
    return dict(read_toml(LOCALE / f"{code}.toml")["messages"])


def _locale() -> babel.Locale:
    return _parsed(_language.get())


@cache
def _parsed(code: str) -> babel.Locale:
    return babel.Locale.parse(_BABEL.get(code, code.replace("-", "_")))


def number(value: float | None, *, decimals: int | None = None, digits: int = 3) -> str:
    """A number as the reader writes it; missing is said in words.

    decimals : fixed decimal places; without it, `digits` significant digits, whole thousands written out.

    Examples
    --------
    >>> number(1234.56), number(0.012345), number(float("nan")), number(1234.5, decimals=1)
    ('1,235', '0.0123', 'no data', '1,234.5')
    """
    if value is None or not math.isfinite(value):
        return t("no data")
    if decimals is None:
        magnitude = math.floor(math.log10(abs(value))) + 1 if value else 1
        decimals = max(0, digits - magnitude)
        shown = round(value, decimals)
        pattern = "#,##0" + ("." + "#" * decimals if decimals else "")
    else:
        shown = round(value, decimals)
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return _written(shown or 0.0, pattern, _language.get())  # −0 is 0


@lru_cache(maxsize=50_000)
def _written(value: float, pattern: str, code: str) -> str:
    """A number by a pattern; an atlas writes the same ones on page after page."""
    return str(babel.numbers.format_decimal(value, format=pattern, locale=_parsed(code), decimal_quantization=False))


def quantity(value: float | None, symbol: str, *, digits: int = 3) -> str:
    """A number with its unit, such as “12.3 m³/s”; missing is said in words and has no unit."""
    if value is None or not math.isfinite(value):
        return t("no data")
    gap = "" if symbol in {"", "%"} else "\N{NARROW NO-BREAK SPACE}"
    return f"{number(value, digits=digits)}{gap}{symbol}"


def percent(share: float | None, *, decimals: int = 0) -> str:
    """A share between 0 and 1 as a percentage; only a share of exactly 1 is written 100 %, only 0 is 0 %."""
    if share is None or not math.isfinite(share):
        return t("no data")
    rounded = round(share * 100, decimals)
    step = 10.0**-decimals
    if rounded >= 100 and share < 1:
        rounded = 100 - step
    if rounded <= 0 and share > 0:
        rounded = step
    return f"{number(rounded, decimals=decimals)}%"


def day(moment: date | datetime) -> str:
    """A date as the reader writes it."""
    return str(babel.dates.format_date(moment, format="medium", locale=_locale()))


def when(moment: datetime, step: str) -> str:
    """The start of an interval, as finely as its step asks for: a year, a month, a day, or a minute."""
    if step == "1 year":
        return str(babel.dates.format_skeleton("y", moment, locale=_locale()))
    if step == "1 month":
        return str(babel.dates.format_skeleton("yMMM", moment, locale=_locale()))
    if step in {"5 minutes", "15 minutes", "1 hour"}:
        return f"{day(moment)} {babel.dates.format_time(moment, 'HH:mm', locale=_locale())}"
    return day(moment)


def period(start: date, end: date) -> str:
    """From one date to another; a single date where they are the same."""
    return day(start) if start == end else t("{start} to {end}", start=day(start), end=day(end))


def together(sentences: Iterable[str]) -> str:
    """Sentences one after the other; Chinese sets no space between them."""
    return ("" if _locale().language == "zh" else " ").join(sentences)


def listed(words: Iterable[str]) -> str:
    """Words in a list, as the reader's language joins them."""
    text = str(babel.lists.format_list(list(words), locale=_locale()))
    # Chinese leaves room between its own signs and Latin letters; the pattern that joins the last two does not.
    return re.sub(r"和(?=[A-Za-z0-9])", "和 ", text)
