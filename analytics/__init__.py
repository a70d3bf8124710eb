"""What it means: indicators and their evidence, classes, series, and what can be said of a place or a region."""

from analytics.indicators import INDICATORS

__all__ = ["INDICATORS"]
