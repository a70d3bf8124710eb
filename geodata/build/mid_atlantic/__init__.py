"""The default region: Virginia and North Carolina, and long series from around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

DATASETS: Mapping[str, Callable[[dict[str, bytes]], pd.DataFrame]] = {}
