"""Charts on paper as SVG: a series against its normal, its years with their trend, a fan, a distribution."""

from __future__ import annotations

import math
from functools import lru_cache
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.against_normal import Normal, Yearly
from analytics.fan import Fan
from app.charts import INK, LINE, MUTED, SELECTED
from app.report.paper import UNITS
from app.report.printed_map import FONT
from app.report.symbology import symbol_of, symbols
from app.report.theme import Theme
from app.text import language, number, t, when

_TOP, _RIGHT, _FOOT = 5.5, 2.5, 4.6
_TEXT = 44
_GRID = "#dfe4e8"
_DAY, _YEAR = 86_400.0, 86_400.0 * 365.25


class Chart:
    """A chart with one vertical axis, drawn layer by layer.

    Parameters
    ----------
    width, height : in mm.
    x : the lowest and highest value of the horizontal axis.
    y : all values that must be seen.
    title : what the vertical axis measures, with its unit.
    keys : what stands in the legend: colour, "line", "dash", "band", "hatch" or "point", and the words.
    """

    def __init__(
        self, width: float, height: float, x: tuple[float, float], y: ArrayLike, *, title: str,
        keys: tuple[tuple[str, str, str], ...] = (), zero: bool | None = None,
    ) -> None:  # fmt: skip
        self.width, self.height = width, height
        self.x_low, self.x_high = x if x[1] > x[0] else (x[0] - 0.5, x[0] + 0.5)
        values = np.asarray(y, dtype=float).ravel()
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        if zero or (zero is None and 0 <= low < 0.4 * high):
            low = min(low, 0.0)
        self.ticks = nice_ticks(low, high)
        self.y_low, self.y_high = self.ticks[0], self.ticks[-1]
        labels = [number(tick, digits=6) for tick in self.ticks]
        self.left = max(5.0, 1.5 + 0.56 * _TEXT / UNITS * max(map(len, labels)))
        self.parts: list[str] = []
        self.title, self.keys, self.labels = title, keys, labels

    def place(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Values as points of the drawing."""
        across = (self.width - self.left - _RIGHT) * UNITS
        down = (self.height - _TOP - _FOOT - (3.4 if self.keys else 0)) * UNITS
        right = self.left * UNITS + (np.asarray(x, float) - self.x_low) / (self.x_high - self.x_low) * across
        below = _TOP * UNITS + (self.y_high - np.asarray(y, float)) / (self.y_high - self.y_low) * down
        return np.column_stack([right, below])

    def line(self, x: ArrayLike, y: ArrayLike, colour: str, *, width: float = 9, dash: str = "") -> None:
        """A line, broken where a value is missing."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        path = _broken(self.place(x, y))
        if path:
            self.parts.append(
                f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
                f'stroke-linejoin="round"{dashed}/>'
            )

    def band(
        self, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, opacity: float, *, hatch: bool = False
    ) -> None:
        """A band between two lines, in pieces where either is missing."""
        upper, lower = self.place(x, high), self.place(x, low)
        known = np.isfinite(upper).all(axis=1) & np.isfinite(lower).all(axis=1)
        piece = np.cumsum(~known)
        for one in np.unique(piece[known]):
            mine = known & (piece == one)
            if mine.sum() < 2:
                continue
            around = np.concatenate([upper[mine], lower[mine][::-1]])
            path = "M" + "L".join(f"{px:.0f} {py:.0f}" for px, py in around.tolist()) + "z"
            self.parts.append(f'<path d="{path}" fill="{colour}" fill-opacity="{opacity:g}"/>')
            if hatch:
                self.parts.append(f'<path d="{path}" fill="url(#guess)"/>')

    def points(self, x: ArrayLike, y: ArrayLike, colour: str, *, size: float = 16) -> None:
        """Points where there are values."""
        xy = self.place(x, y)
        xy = xy[np.isfinite(xy).all(axis=1)]
        r = size / 2
        path = "".join(
            f"M{px - r:.0f} {py:.0f}a{r:g} {r:g} 0 1 0 {size:g} 0a{r:g} {r:g} 0 1 0 {-size:g} 0z"
            for px, py in xy.tolist()
        )
        if path:
            self.parts.append(f'<path d="{path}" fill="{colour}"/>')

    def bar(self, low: float, high: float, height: float, colour: str, *, hatch: str = "") -> None:
        """A bar from zero."""
        (x0, y0), (x1, y1) = self.place([low, high], [0.0, height]).tolist()
        box = f'x="{x0:.0f}" y="{y1:.0f}" width="{x1 - x0:.0f}" height="{y0 - y1:.0f}"'
        self.parts.append(f'<rect {box} fill="{colour}" stroke="#ffffff" stroke-width="3"/>')
        if hatch:
            self.parts.append(f'<rect {box} fill="url(#guess)"/>')

    def mark(self, x: float, colour: str = SELECTED, *, dash: str = "") -> None:
        """A line from top to bottom."""
        (px, _), (_, top) = self.place([x, x], [self.y_low, self.y_high]).tolist()
        foot = self.place([x], [self.y_low])[0][1]
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<path d="M{px:.0f} {top:.0f}V{foot:.0f}" stroke="{colour}" stroke-width="8"{dashed}/>')

    def svg(self, ticks: list[tuple[float, str]]) -> str:
        """The drawing; `ticks` are the places on the horizontal axis with their labels."""
        w, h = self.width * UNITS, self.height * UNITS
        left, right = self.left * UNITS, w - _RIGHT * UNITS
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}mm" height="{self.height:g}mm" '
            f'viewBox="0 0 {w:g} {h:g}" font-family="{FONT}">',
            '<defs><pattern id="guess" width="22" height="22" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path d="M0 0V22" stroke="#5a646e" stroke-opacity="0.55" '
            'stroke-width="4"/></pattern></defs>',
            f'<text x="0" y="56" font-size="{_TEXT}" fill="{MUTED}">{escape(self.title)}</text>',
        ]
        rows = self.place([self.x_low] * len(self.ticks), self.ticks)[:, 1].tolist()
        for y, label in zip(rows, self.labels, strict=True):
            out.append(f'<path d="M{left:.0f} {y:.0f}H{right:.0f}" stroke="{_GRID}" stroke-width="4"/>')
            out.append(
                f'<text x="{left - 16:.0f}" y="{y + 15:.0f}" font-size="{_TEXT}" text-anchor="end">{label}</text>'
            )
        out += self.parts
        foot = self.place([self.x_low], [self.y_low])[0][1]
        out.append(f'<path d="M{left:.0f} {foot:.0f}H{right:.0f}" stroke="{MUTED}" stroke-width="5"/>')
        free = 0.0
        for x, label in ticks:
            px = self.place([x], [self.y_low])[0][0]
            half = 0.29 * _TEXT * sum(1.8 if ord(sign) > 0x2E7F else 1 for sign in label)
            at = min(max(px, half), w - half)
            if at - half < free:
                continue
            free = at + half + 20
            out.append(f'<path d="M{px:.0f} {foot:.0f}v14" stroke="{MUTED}" stroke-width="5"/>')
            spot = f'x="{at:.0f}" y="{foot + 62:.0f}"'
            out.append(f'<text {spot} font-size="{_TEXT}" text-anchor="middle">{escape(label)}</text>')
        x = left
        for colour, kind, words in self.keys:
            y = h - 16
            if kind in ("band", "hatch"):
                box = f'x="{x:.0f}" y="{y - 30:.0f}" width="52" height="30"'
                out.append(f'<rect {box} fill="{colour}" fill-opacity="0.35"/>')
                if kind == "hatch":
                    out.append(f'<rect {box} fill="url(#guess)"/>')
            elif kind == "point":
                out.append(f'<circle cx="{x + 26:.0f}" cy="{y - 14:.0f}" r="9" fill="{colour}"/>')
            else:
                dashed = ' stroke-dasharray="14 9"' if kind == "dash" else ""
                out.append(f'<path d="M{x:.0f} {y - 14:.0f}h52" stroke="{colour}" stroke-width="9"{dashed}/>')
            out.append(f'<text x="{x + 64:.0f}" y="{y:.0f}" font-size="{_TEXT - 4}">{escape(words)}</text>')
            x += 64 + (_TEXT - 4) * sum(1.0 if ord(sign) > 0x2E7F else 0.56 for sign in words) + 40
        out.append("</svg>")
        return "".join(out)


def normal_chart(found: Normal, *, title: str, width: float, height: float) -> str:
    """The last years of a series above what is normal for the time of the year."""
    times = found.series["time"]
    seconds = _seconds(times)
    bands = [name for name in ("p10", "p25", "p50", "p75", "p90") if name in found.band]
    everything = np.concatenate([found.series["value"].to_numpy(float), found.band[bands].to_numpy(float).ravel()])
    keys = (
        (LINE, "line", t("observed")),
        (MUTED, "band", t("normal: 10 to 90 of 100 years")),
        (MUTED, "dash", t("median")),
    )
    chart = Chart(width, height, (seconds[0], seconds[-1]), everything, title=title, keys=keys)
    across = _seconds(found.band["time"])
    chart.band(across, found.band["p10"], found.band["p90"], MUTED, 0.20)
    chart.band(across, found.band["p25"], found.band["p75"], MUTED, 0.25)
    chart.line(across, found.band["p50"], MUTED, width=5, dash="14 9")
    chart.line(seconds, found.series["value"], LINE)
    return chart.svg(time_ticks(times.iloc[0], times.iloc[-1]))


def yearly_chart(found: Yearly, *, title: str, width: float, height: float) -> str:
    """Yearly values with their trend."""
    trend = found.trend
    keys: tuple[tuple[str, str, str], ...] = ((LINE, "point", t("yearly values")),)
    if trend is not None:
        keys += ((SELECTED, "line" if trend.sure else "dash", t("trend") if trend.sure else t("trend, not sure")),)
    seen = np.concatenate([found.values, trend.line]) if trend is not None else found.values
    chart = Chart(width, height, (float(found.years[0]), float(found.years[-1])), seen, title=title, keys=keys)
    chart.line(found.years, found.values, LINE, width=6)
    chart.points(found.years, found.values, LINE)
    if trend is not None:
        chart.line(trend.years, trend.line, SELECTED, dash="" if trend.sure else "14 9")
    first, last = int(found.years[0]), int(found.years[-1])
    step = max(1, math.ceil((last - first) / 5))
    return chart.svg([(float(y), when(pd.Timestamp(y, 1, 1), "1 year")) for y in range(first, last + 1, step)])


def fan_chart(found: Fan, *, title: str, step: str, timezone: str, width: float, height: float) -> str:
    """What was, and what is expected with its limits; grey, the limits hatched, where only a simple guess is shown."""
    past, fan = found.past, found.fan
    local = [s["time"].dt.tz_convert(timezone).dt.tz_localize(None) for s in (past, fan)]
    x_past, x_fan = _seconds(local[0]), _seconds(local[1])
    names = ("low_95", "high_95", "low_80", "high_80", "mean")
    joined = {name: fan[name].to_numpy(float) for name in names}
    by_model = fan["by_model"].to_numpy(bool)
    if len(past) and np.isfinite(past["value"].iloc[-1]):
        # The fan opens from the last step of the record, where that has a value.
        x_fan = np.concatenate([x_past[-1:], x_fan])
        joined = {name: np.concatenate([past["value"].to_numpy(float)[-1:], v]) for name, v in joined.items()}
        by_model = np.concatenate([by_model[:1], by_model])
    keys = [(INK, "line", t("observed"))]
    if by_model.any():
        keys.append((LINE, "band", t("expected, 80% and 95% limits")))
    if not by_model.all():
        limited = np.isfinite(fan.loc[~fan["by_model"].to_numpy(bool), "low_80"]).any()
        keys.append((MUTED, "hatch" if limited else "dash", t("a simple guess")))
    everything = np.concatenate([past["value"].to_numpy(float), *joined.values()])
    left = x_past[0] if len(x_past) else x_fan[0]
    chart = Chart(width, height, (left, x_fan[-1]), everything, title=title, keys=tuple(keys))
    for who, colour, hatch, dash in ((True, LINE, False, ""), (False, MUTED, True, "14 9")):
        mine = by_model == who
        # A piece begins where the one before it ends.
        reach = mine | np.append(mine[1:], False)
        if not mine.any():
            continue

        def part(name: str, reach: NDArray[np.bool_] = reach) -> NDArray[np.float64]:
            return np.where(reach, joined[name], np.nan)

        chart.band(x_fan, part("low_95"), part("high_95"), colour, 0.16, hatch=hatch)
        chart.band(x_fan, part("low_80"), part("high_80"), colour, 0.26)
        chart.line(x_fan, part("mean"), colour, dash=dash)
    chart.line(x_past, past["value"], INK)
    if len(past) < 40:
        chart.points(x_past, past["value"], INK, size=12)
    if len(x_past):
        chart.mark(float(x_past[-1]), MUTED, dash="8 8")
    ends = (local[0].iloc[0] if len(past) else local[1].iloc[0]), local[1].iloc[-1]
    return chart.svg(time_ticks(*ends, yearly=step == "1 year"))


def distribution_chart(theme: Theme, *, selected: float | None, width: float, height: float) -> str:
    """How many places have which value, in the colours and hatches of the map."""
    values = theme.known.to_numpy(float)
    counts, edges = np.histogram(values, bins=min(24, max(5, int(np.sqrt(len(values))))))
    shown = symbols(theme.values, theme.classes)
    chart = Chart(width, height, (float(edges[0]), float(edges[-1])), counts, title=t("Places"), zero=True)
    codes = symbol_of((edges[:-1] + edges[1:]) / 2, theme.classes)
    for low, high, count, code in zip(edges[:-1], edges[1:], counts, codes, strict=True):
        if count:
            chart.bar(low, high, float(count), shown[code].colour, hatch=shown[code].hatch)
    if selected is not None and np.isfinite(selected):
        chart.mark(selected)
    inner = [tick for tick in nice_ticks(float(edges[0]), float(edges[-1])) if edges[0] <= tick <= edges[-1]]
    return chart.svg([(tick, number(tick, digits=6)) for tick in inner])


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values that enclose low to high.

    Examples
    --------
    >>> nice_ticks(3.0, 97.0), nice_ticks(5.0, 5.0)
    ([0.0, 25.0, 50.0, 75.0, 100.0], [4.0, 4.5, 5.0, 5.5, 6.0])
    """
    if high <= low:
        apart = abs(low) * 0.2 or 1.0
        low, high = low - apart, low + apart
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 10) + 0.0 for k in range(first, last + 1)]


def time_ticks(first: pd.Timestamp, last: pd.Timestamp, *, yearly: bool = False) -> list[tuple[float, str]]:
    """Round moments between two of them, about four, with their labels."""
    return list(_time_ticks(first, last, yearly, language()))


@lru_cache(maxsize=256)
def _time_ticks(first: pd.Timestamp, last: pd.Timestamp, yearly: bool, code: str) -> tuple[tuple[float, str], ...]:
    """The same for one language: the charts of an atlas mostly share their time."""
    span = (last - first).total_seconds()
    step = "1 year" if yearly or span > 4 * _YEAR else "1 month" if span > 100 * _DAY else "1 day"
    if span < 3 * _DAY:
        step = "1 hour"
    starts = {"1 year": "YS", "1 month": "MS", "1 day": "D", "1 hour": "h"}[step]
    floor = first.normalize() if step != "1 hour" else first.floor("h")
    moments = pd.date_range(floor, last, freq=starts)
    every = max(1, math.ceil(len(moments) / 5))
    kept = [m for m in moments[::every] if m >= first]
    return tuple(
        (float(s), when(m.to_pydatetime(), step)) for s, m in zip(_seconds(pd.Series(kept)), kept, strict=True)
    )


def _seconds(times: pd.Series) -> NDArray[np.float64]:
    """Moments without a zone as seconds."""
    return times.to_numpy("datetime64[s]").astype(np.float64)


def _broken(xy: NDArray[np.float64]) -> str:
    """A line with its gaps as the `d` of a path."""
    words: list[str] = []
    down = False
    for x, y in xy.tolist():
        if not (math.isfinite(x) and math.isfinite(y)):
            down = False
            continue
        words.append(f"{'L' if down else 'M'}{x:.0f} {y:.0f}")
        down = True
    return "".join(words)
