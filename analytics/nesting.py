"""Which places lie in which."""

from __future__ import annotations

from functools import lru_cache

import geopandas as gpd
import shapely

from geodata.region import Region


@lru_cache(maxsize=16)
def nesting(region: Region) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Which areas each place lies in (the home layer's first), and which places lie in each area."""
    places = region.places()
    places = places[~(places.geometry.isna() | places.geometry.is_empty)]
    areas = places[shapely.get_dimensions(places.geometry.to_numpy()) == 2]
    size = places.to_crs(region.crs_metric).area
    points = gpd.GeoDataFrame(
        {"place": places.index}, geometry=shapely.point_on_surface(places.geometry.to_numpy()), crs=4326
    )
    outlines = gpd.GeoDataFrame({"area": areas.index}, geometry=areas.geometry.to_numpy(), crs=4326)
    # A point on a common border lies in both neighbours; below it is given to one of each layer.
    pairs = gpd.sjoin(points, outlines, predicate="intersects")[["place", "area"]]
    pairs["size"] = size.reindex(pairs["area"]).to_numpy()
    pairs["layer"] = places["layer"].reindex(pairs["area"]).to_numpy()
    larger = pairs["size"].to_numpy() > size.reindex(pairs["place"]).to_numpy()
    pairs = pairs[larger & (pairs["place"] != pairs["area"])]
    pairs = pairs.sort_values(["place", "layer", "area"]).drop_duplicates(["place", "layer"])
    pairs["away"] = (pairs["layer"] != region.home).astype(int)
    pairs = pairs.sort_values(["place", "away", "size"])
    lies_in = pairs.groupby("place", sort=False)["area"].agg(tuple).to_dict()
    order = pairs.assign(name=places["name"].reindex(pairs["place"]).to_numpy())
    order["sort"] = places["layer"].reindex(order["place"]).to_numpy()
    inside = order.sort_values(["sort", "name"]).groupby("area", sort=False)["place"].agg(tuple).to_dict()
    return lies_in, inside


def nearest_home(region: Region, location_id: str, lies_in: tuple[str, ...]) -> tuple[str, float] | None:
    """The nearest place of the home layer and how far away, for a place that lies in none and is none."""
    tiles = region.table(region.home)
    if location_id in tiles.index or any(area in tiles.index for area in lies_in):
        return None
    place = region.places().loc[[location_id]].to_crs(region.crs_metric).geometry.iloc[0]
    distance = tiles.geometry.to_crs(region.crs_metric).distance(place)
    return str(distance.idxmin()), float(distance.min() / 1000)
