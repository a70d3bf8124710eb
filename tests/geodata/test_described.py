from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from geodata.described import described, read_toml, table_of, toml_of
from geodata.errors import BrokenData


@dataclass(frozen=True)
class Wheel:
    name: str
    size: float


@dataclass(frozen=True)
class Cart:
    id: str
    title: str
    since: date
    colour: Literal["red", "blue"]
    wheels: Mapping[str, Wheel]
    stops: tuple[str, ...] = ()
    owner: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


GOOD: dict[str, Any] = {
    "title": "A cart",
    "since": date(2020, 1, 2),
    "colour": "red",
    "wheels": {"left": {"size": 3}, "right": {"size": 2.5}},
    "stops": ["a", "b"],
}


def read(**changed: object) -> Cart:
    return described(Cart, GOOD | changed, where="cart.toml", id="cart")


def test_a_good_description() -> None:
    cart = read()
    assert cart == Cart(
        "cart",
        "A cart",
        date(2020, 1, 2),
        "red",
        {"left": Wheel("left", 3.0), "right": Wheel("right", 2.5)},
        ("a", "b"),
    )
    assert isinstance(cart.wheels["left"].size, float)
    assert read(owner="Ann").owner == "Ann"


@pytest.mark.parametrize(
    ("changed", "said", "hint"),
    [
        ({"tittle": "A cart"}, "unknown key “tittle”", "Did you mean “title”?"),
        ({"zzz": 1}, "unknown key “zzz”", "Use only: title, since"),
        ({"id": "other"}, "unknown key “id”", "."),
        ({"title": 3}, "cart.toml, title holds int 3", "Give str"),
        ({"title": True}, "holds bool", "Give str"),
        ({"since": "2020-01-02"}, "since holds str", "Give date"),
        ({"colour": "green"}, "colour is “green”", "red, blue"),
        ({"stops": "a"}, "stops holds str", "."),
        ({"stops": ["a", 1]}, "stops holds int", "."),
        ({"wheels": {"left": {"size": "big"}}}, "wheels.left, size holds str", "Give float"),
        ({"wheels": {"left": {"size": True}}}, "size holds bool", "Give float"),
        ({"wheels": {"left": {}}}, "wheels.left lacks the key “size”", "Add size"),
        ({"wheels": {"left": {"size": 1, "name": "x"}}}, "unknown key “name”", "."),
        ({"wheels": {"left": 3}}, "wheels.left holds int", "."),
        ({"wheels": 3}, "wheels holds int", "."),
        ({"owner": 3}, "owner holds int", "Give str"),
        ({"words": {"a": 1}}, "words.a holds int", "Give str"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, object], said: str, hint: str) -> None:
    with pytest.raises(BrokenData) as caught:
        read(**changed)
    assert said in caught.value.message
    assert caught.value.message.startswith("cart.toml")
    assert hint in caught.value.hint


@pytest.mark.parametrize("key", ["title", "since", "colour", "wheels"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(BrokenData, match=f"lacks the key “{key}”"):
        described(Cart, {k: v for k, v in GOOD.items() if k != key}, where="cart.toml", id="cart")


def test_files_that_are_not_toml(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    for content in (b'title = "open', b"\xff\xfe", b"a = 1\na = 2"):
        bad.write_bytes(content)
        with pytest.raises(BrokenData, match=r"bad\.toml is not valid TOML"):
            read_toml(bad)
    with pytest.raises(BrokenData, match=r"gone\.toml cannot be read"):
        read_toml(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"owner": "Ann", "stops": [], "words": {"a": "b", "odd key “é”": "流\n'''\\"}},
        {"wheels": {}},
        {"title": "", "wheels": {"left": {"size": float("inf")}, "with.dot": {"size": -0.5}}},
    ],
)
def test_what_is_written_is_read_back(tmp_path: Path, changed: dict[str, object]) -> None:
    cart = read(**changed)
    file = tmp_path / "cart.toml"
    file.write_text(toml_of(cart, given=("id",)), encoding="utf-8")
    assert described(Cart, read_toml(file), where=file.name, id="cart") == cart


def test_what_is_as_usual_is_not_written() -> None:
    assert table_of(read(stops=[]), given=("id",)) == {
        "title": "A cart",
        "since": date(2020, 1, 2),
        "colour": "red",
        # The name of a wheel is the name of its table.
        "wheels": {"left": {"size": 3.0}, "right": {"size": 2.5}},
    }
    assert table_of(read(owner="Ann", words={"a": "b"}))["owner"] == "Ann"
    assert table_of(read())["id"] == "cart"


def test_what_is_given_by_the_files_name_is_not_written() -> None:
    told = table_of(read(owner="Ann"), given=("id", "owner", "wheels"))
    assert set(told) == {"title", "since", "colour", "stops"}


def test_brackets_without_end_are_no_toml(tmp_path: Path) -> None:
    bad = tmp_path / "deep.toml"
    bad.write_text("a = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(BrokenData, match=r"deep\.toml is not valid TOML"):
        read_toml(bad)
