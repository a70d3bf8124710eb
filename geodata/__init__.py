"""What we know: regions, their layers and panels, who made them and how complete they are."""

from geodata.catalog import Catalog, open_catalog
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError
from geodata.publishing import publish
from geodata.region import Region, load_region, regions

__all__ = [
    "AlmanacError",
    "Catalog",
    "Column",
    "Dataset",
    "Region",
    "load_region",
    "open_catalog",
    "publish",
    "regions",
]
