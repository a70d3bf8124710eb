"""Descriptions kept as TOML, read into frozen dataclasses that reject unknown and missing keys."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import tomli_w

from geodata.errors import BrokenData

T = TypeVar("T")


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises
    ------
    BrokenData
        When the file cannot be read or is not TOML; the sentence names the file and the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BrokenData(
            "{file} cannot be read: {why}.",
            hint="Check that the file exists and may be read.",
            file=path.name,
            why=error.strerror,
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenData(
            "{file} is not valid TOML: {why}.", hint="Correct the line it names.", file=path.name, why=str(error)
        ) from error


def described(kind: type[T], found: object, *, where: str, **given: object) -> T:
    """An instance of the dataclass `kind`, from what a TOML file says.

    Parameters
    ----------
    kind : a dataclass; fields without a default must be in `found` or `given`.
    found : what the TOML file holds there: a table.
    where : how to name the file (and table) in an error.
    given : fields that the file's name or place decides, not its text.

    Raises
    ------
    BrokenData
        On an unknown key, a missing key, or a value of the wrong type.
    """
    if not isinstance(found, Mapping):
        raise BrokenData(
            "{where} holds {kind} {found}.",
            hint="Make it a table of its own, with its keys.",
            where=where,
            kind=type(found).__name__,
            found=repr(found),
        )
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    allowed = [n for n in fields if n not in given]
    for key in found:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            raise BrokenData(
                "{where} has the unknown key “{key}”.",
                hint="Did you mean “{near}”?" if near else "Use only: {allowed}.",
                where=where,
                key=key,
                near=near[0] if near else None,
                allowed=tuple(allowed),
            )
    values: dict[str, Any] = dict(given)
    for name in allowed:
        field = fields[name]
        if name in found:
            values[name] = _as(hints[name], found[name], where=f"{where}, {name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BrokenData(
                "{where} lacks the key “{key}”.",
                hint="Add {key}; CONTRIBUTING.md shows an example.",
                where=where,
                key=name,
            )
    return kind(**values)


def _as(hint: Any, value: Any, *, where: str) -> Any:
    """`value` as the type `hint` asks for, or an error that names both."""
    origin = get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [a for a in get_args(hint) if a is not type(None)]
        return _as(inner[0], value, where=where)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return described(typing.cast(type, hint), value, where=where)
    if origin is tuple and isinstance(value, list):
        return tuple(_as(get_args(hint)[0], v, where=where) for v in value)
    if origin is Mapping and isinstance(value, Mapping):
        inner = get_args(hint)[1]
        # A table of tables, such as [columns.<name>]: the key is the inner thing's own name.
        if dataclasses.is_dataclass(inner):
            return {k: described(typing.cast(type, inner), v, where=f"{where}.{k}", name=k) for k, v in value.items()}
        return {k: _as(inner, v, where=f"{where}.{k}") for k, v in value.items()}
    if origin is typing.Literal:
        if value in get_args(hint):
            return value
        raise BrokenData(
            "{where} is “{found}”.",
            hint="Use one of: {allowed}.",
            where=where,
            found=str(value),
            allowed=get_args(hint),
        )
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    # The very type: True is no number, and a moment is no date.
    elif isinstance(hint, type) and type(value) is hint:
        return value
    raise BrokenData(
        "{where} holds {kind} {found}.",
        hint="Give {wanted} there; CONTRIBUTING.md shows an example.",
        where=where,
        kind=type(value).__name__,
        found=repr(value),
        wanted=getattr(hint, "__name__", str(hint)),
    )


def toml_of(instance: object, *, given: Collection[str] = ()) -> str:
    """The TOML text that `described` reads back to an equal instance of its dataclass, as `table_of` has it."""
    return tomli_w.dumps(table_of(instance, given=given))


def table_of(instance: Any, *, given: Collection[str] = ()) -> dict[str, Any]:
    """An instance of a dataclass as a TOML table: what is None, and what has its default, is left out.

    Parameters
    ----------
    given : the fields that the file's name or place decides, not its text.
    """
    told = {}
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        usual = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if field.name not in given and value is not None and value != usual:
            told[field.name] = _plain(value)
    return told


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return table_of(value)
    if isinstance(value, Mapping):
        # The key of a table of tables is the inner thing's own name.
        given = {k: ("name",) if dataclasses.is_dataclass(v) else () for k, v in value.items()}
        return {k: table_of(v, given=given[k]) if given[k] else _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    # TOML knows no numbers of NumPy.
    return value.item() if isinstance(value, np.generic) else value
