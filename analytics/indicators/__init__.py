"""The indicators, one module per subject; importing this package registers them all."""

import importlib
import pkgutil
import re

from analytics.indicator import INDICATORS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def _rank(code: str) -> tuple[str, int, str]:
    """The order of the project's list: T2 before T10, W4a before W4b."""
    found = re.fullmatch(r"([A-Z]+)(\d+)([a-z]?)", code)
    return (found[1], int(found[2]), found[3]) if found else (code, 0, "")


_ordered = sorted(INDICATORS.values(), key=lambda i: _rank(i.code))
INDICATORS.clear()
INDICATORS.update({i.id: i for i in _ordered})

__all__ = ["INDICATORS"]
