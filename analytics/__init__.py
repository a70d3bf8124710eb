"""What it means: indicators and their evidence, forecasts and their skill, what can be said of a place or region."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analytics.backtesting import backtest
    from analytics.forecasters import FORECASTERS
    from analytics.golden_case import GoldenCase
    from analytics.indicators import INDICATORS
    from analytics.intervals import add_intervals
    from analytics.place import profile
    from analytics.publishing import publish_indicator, publish_scenario
    from analytics.scoring import score
    from analytics.skill import select_shown

__all__ = [
    "FORECASTERS",
    "INDICATORS",
    "GoldenCase",
    "add_intervals",
    "backtest",
    "profile",
    "publish_indicator",
    "publish_scenario",
    "score",
    "select_shown",
]
_HOMES = {
    "FORECASTERS": "forecasters",
    "GoldenCase": "golden_case",
    "INDICATORS": "indicators",
    "add_intervals": "intervals",
    "backtest": "backtesting",
    "profile": "place",
    "publish_indicator": "publishing",
    "publish_scenario": "publishing",
    "score": "scoring",
    "select_shown": "skill",
}


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: all of them take seconds, which who wants one module need not wait for.
    if name in _HOMES:
        return getattr(import_module(f"analytics.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
