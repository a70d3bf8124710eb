"""The indicators, one module per subject; importing this package registers them all."""

import importlib
import pkgutil

from analytics.indicator import INDICATORS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["INDICATORS"]
