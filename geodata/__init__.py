"""What we know: regions, their layers and panels, who made them and how complete they are."""

from geodata.catalog import Catalog, Column, Dataset, open_catalog
from geodata.errors import AlmanacError
from geodata.region import Region, load_region, regions

__all__ = [
    "AlmanacError",
    "Catalog",
    "Column",
    "Dataset",
    "Region",
    "load_region",
    "open_catalog",
    "regions",
]
