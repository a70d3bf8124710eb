"""Numbers on their way to the browser: few bytes, and the same numbers on both sides.

A packet is a little-endian length, a JSON header and integer sections, deflated as a whole. Integers travel as
byte planes (all low bytes, then all second bytes …), which deflate far better than interleaved bytes. Values
travel as decimal floats, `mantissa × 10^exponent` with four significant digits: both sides rebuild the very
same double, so a class counted here and a class counted in the browser cannot differ.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DIGITS = 4
_MISSING = -128


def to_decimal(values: ArrayLike) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    """Values as mantissa and power of ten, rounded to four significant digits; not finite is no data."""
    numbers = np.asarray(values, dtype=float)
    known = np.isfinite(numbers)
    size = np.where(known & (numbers != 0), np.abs(numbers), 1.0)
    exponent = np.floor(np.log10(size)).astype(int) - (DIGITS - 1)
    exponent = np.clip(exponent, -120, 120)
    safe = np.where(known, numbers, 0.0)
    mantissa = np.rint(_scaled(safe, -exponent)).astype(int)
    over = np.abs(mantissa) >= 10**DIGITS
    mantissa = np.where(over, mantissa // 10, mantissa)
    exponent = exponent + over
    # Trailing zeros move to the exponent: round numbers then cost almost nothing.
    for _ in range(DIGITS - 1):
        even = (mantissa != 0) & (mantissa % 10 == 0)
        if not even.any():
            break
        mantissa = np.where(even, mantissa // 10, mantissa)
        exponent = exponent + even
    exponent = np.where(mantissa == 0, 0, exponent)
    exponent = np.where(known, exponent, _MISSING)
    return mantissa.astype(np.int16), exponent.astype(np.int8)


def from_decimal(mantissa: ArrayLike, exponent: ArrayLike) -> NDArray[np.float64]:
    """The doubles that both sides rebuild from mantissa and power of ten."""
    m, e = np.asarray(mantissa, dtype=float), np.asarray(exponent, dtype=int)
    return np.where(e == _MISSING, np.nan, _scaled(m, np.where(e == _MISSING, 0, e)))


def rounded(values: ArrayLike) -> NDArray[np.float64]:
    """Values as the map knows them: four significant digits."""
    return from_decimal(*to_decimal(values))


def pack(header: dict[str, Any], sections: Mapping[str, ArrayLike], *, level: int = 6) -> bytes:
    """One packet: what `decode.js` opens."""
    body: list[bytes] = []
    index = []
    for name, numbers in sections.items():
        integers = np.asarray(numbers).astype(np.int64).ravel()
        folded = ((integers << 1) ^ (integers >> 63)).astype("<u4")
        planes = folded.view(np.uint8).reshape(-1, 4).T
        used = next((count for count in (4, 3, 2, 1) if planes[count - 1].any()), 1) if folded.size else 1
        body += [np.ascontiguousarray(plane).tobytes() for plane in planes[:used]]
        index.append([name, int(folded.size), used])
    text = json.dumps({**header, "sections": index}, ensure_ascii=False, separators=(",", ":")).encode()
    # Each plane has letters of its own; a flush in between gives it its own Huffman table, a tenth less in all.
    squeeze = zlib.compressobj(level)
    out = squeeze.compress(len(text).to_bytes(4, "little") + text)
    for plane in body:
        out += squeeze.flush(zlib.Z_SYNC_FLUSH) + squeeze.compress(plane)
    return out + squeeze.flush()


def unpack(packet: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
    """The header and sections of a packet."""
    raw = zlib.decompress(packet)
    start = 4 + int.from_bytes(raw[:4], "little")
    header = json.loads(raw[4:start])
    sections = {}
    for name, size, used in header.pop("sections"):
        planes = np.zeros((4, size), dtype=np.uint8)
        planes[:used] = np.frombuffer(raw, np.uint8, size * used, start).reshape(used, size)
        folded = np.ascontiguousarray(planes.T).view("<u4").ravel().astype(np.int64)
        sections[name] = (folded >> 1) ^ -(folded & 1)
        start += size * used
    return header, sections


def _scaled(numbers: NDArray[np.float64], power: NDArray[np.int_]) -> NDArray[np.float64]:
    """numbers × 10^power with one rounding: powers of ten up to 22 are exact doubles."""
    return np.where(power >= 0, numbers * _TENS[np.maximum(power, 0)], numbers / _TENS[np.maximum(-power, 0)])


_TENS = np.array([float(f"1e{k}") for k in range(128)])
