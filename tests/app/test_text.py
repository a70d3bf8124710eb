"""Numbers, dates and sentences as a reader writes them. Expected forms follow the Unicode CLDR."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from app.text import day, error_in_words, number, percent, quantity, t, tn, together, use_language, when
from geodata.errors import AlmanacError


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use_language("en")


def test_a_number_keeps_three_significant_digits_and_all_whole_thousands() -> None:
    assert number(1_111_761) == "1,111,761"
    assert number(0.001234) == "0.00123"
    assert number(-12.345) == "-12.3"
    assert number(-0.0) == "0"
    assert number(9.999) == "10"


def test_missing_is_said_in_words_and_has_no_unit() -> None:
    assert number(float("nan")) == "no data"
    assert quantity(None, "m³/s") == "no data"
    use_language("zh-Hans")
    assert quantity(float("nan"), "m³/s") != "no data"


@pytest.mark.parametrize(
    ("share", "written"), [(1.0, "100%"), (0.9999, "99%"), (0.0001, "1%"), (0.0, "0%"), (0.5, "50%")]
)
def test_only_all_is_a_hundred_percent_and_only_none_is_zero(share: float, written: str) -> None:
    assert percent(share) == written


def test_dates_follow_the_language_and_the_step() -> None:
    moment = datetime(2017, 3, 5, 14, 30)
    assert day(date(2017, 3, 5)) == "5 Mar 2017"
    assert when(moment, "1 year") == "2017"
    assert when(moment, "1 hour") == "5 Mar 2017 14:30"
    use_language("zh-Hans")
    assert day(date(2017, 3, 5)) == "2017年3月5日"
    assert when(moment, "1 month") == "2017年3月"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(AlmanacError, match="tlh"):
        use_language("tlh")


def test_counted_things_agree_with_their_number() -> None:
    one, many = "{n} place has no value in any dataset.", "{n} places have no value in any dataset."
    assert tn(one, many, 1) == "1 place has no value in any dataset."
    assert tn(one, many, 1200) == "1,200 places have no value in any dataset."


def test_sentences_follow_each_other_as_the_language_sets_them() -> None:
    assert together(["One.", "Two."]) == "One. Two."
    use_language("zh-Hant")
    assert together(["一。", "二。"]) == "一。二。"


def test_chinese_leaves_room_beside_numbers_and_none_beside_its_own_signs() -> None:
    sentence = "For {time}, {value} is expected, {likely} between {low} and {high}."
    use_language("zh-Hans")
    values = {"time": "2017年", "value": "3 人", "likely": "很可能", "low": "2", "high": "4 人"}
    assert t(sentence, **values) == "2017年：预计为 3 人，很可能介于 2 与 4 人之间。"
    assert t(sentence, **{**values, "high": "4"}).endswith("介于 2 与 4 之间。")


def test_an_error_is_said_in_the_readers_language_with_its_lists_and_its_names() -> None:
    error = AlmanacError("{series} cannot be shown by {step}.", hint="Choose one of: {known}.",
                         series="a.b", step="5 minutes", known=("1 day", "1 year"))  # fmt: skip
    assert str(error) == "a.b cannot be shown by 5 minutes. Choose one of: 1 day, 1 year."
    assert error_in_words(error) == ("a.b cannot be shown by 5 minutes.", "Choose one of: 1 day, 1 year.")
    use_language("zh-Hans")
    what, hint = error_in_words(error)
    assert "5 分钟" in what
    assert "1 天、1 年" in hint


def test_braces_in_a_value_are_not_read_as_blanks() -> None:
    assert "{asked}" in t("There is no “{x}”.", x="{asked}")
    what, _ = error_in_words(AlmanacError("There is no “{name}”.", hint="Choose another.", name="{0} {name}"))
    assert what == "There is no “{0} {name}”."
