"""What it means: indicators and their evidence, classes, series, and what can be said of a place or a region."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analytics.indicators import INDICATORS
    from analytics.place import profile

__all__ = ["INDICATORS", "profile"]


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: all indicators together take a second, which who wants one module need not wait for.
    if name == "INDICATORS":
        from analytics.indicators import INDICATORS

        return INDICATORS
    if name == "profile":
        from analytics.place import profile

        return profile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
