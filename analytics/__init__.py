"""What it means: indicators and their evidence, classes, series, and what can be said of a place or a region."""

from analytics.indicators import INDICATORS
from analytics.place import profile

__all__ = ["INDICATORS", "profile"]
