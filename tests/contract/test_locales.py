"""Every language says everything that English says, with the same blanks to fill, and nothing else."""

from __future__ import annotations

import string

import pytest

from app.text import LOCALE
from geodata.described import read_toml
from tests.contract.sentences import in_code, in_descriptions, in_indicators

LANGUAGES = sorted(path.stem for path in LOCALE.glob("*.toml"))


@pytest.fixture(scope="module")
def needed() -> set[str]:
    return in_code() | in_descriptions() | in_indicators()


def blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_both_chinese_scripts_are_there() -> None:
    assert {"zh-Hans", "zh-Hant"} <= set(LANGUAGES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_sentence_is_unknown_and_a_complete_language_misses_none(code: str, needed: set[str]) -> None:
    locale = read_toml(LOCALE / f"{code}.toml")
    have = set(locale["messages"])
    assert not have - needed, f"{code}: nobody says these any more"
    if locale["complete"]:
        assert not needed - have, f"{code}: not translated"


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_fill_the_same_blanks(code: str) -> None:
    messages = read_toml(LOCALE / f"{code}.toml")["messages"]
    wrong = {key for key, said in messages.items() if "{" in key and blanks(key) != blanks(said)}
    assert not wrong
    assert all(said.strip() for said in messages.values())


def test_the_two_scripts_do_not_mix() -> None:
    simplified_only = set("这说为时间数据区网开关图与总后台发现并")
    traditional_only = set("這說為時間數據區網開關圖與總後臺發現並")
    hans = "".join(read_toml(LOCALE / "zh-Hans.toml")["messages"].values())
    hant = "".join(read_toml(LOCALE / "zh-Hant.toml")["messages"].values())
    shared = simplified_only & traditional_only
    assert not (traditional_only - shared) & set(hans)
    assert not (simplified_only - shared) & set(hant)
