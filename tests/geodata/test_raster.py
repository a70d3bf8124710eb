"""Rasters under places, on small synthetic rasters: parts of cells, no data, true hectares, patches, hostile input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
from rasterio.transform import Affine, from_origin

from analytics.reflectance import ndvi_of
from geodata.errors import AlmanacError, BrokenData
from geodata.raster import band_means, class_areas, index_by_place, patches, zonal_mean

UTM = "EPSG:32632"
# Lower left corner of the synthetic rasters, near Milan; their cells are 10 m.
X, Y = 500_000.0, 5_030_000.0
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a synthetic GeoTIFF whose lower left corner is at X, Y."""

    def written(
        *bands: list[list[float]] | np.ndarray,
        name: str = "synthetic.tif",
        crs: str | None = UTM,
        transform: Affine | None = None,
        nodata: float | None = None,
        dtype: str = "float64",
        scale: float = 1.0,
        offset: float = 0.0,
    ) -> Path:
        arrays = [np.asarray(band, dtype=dtype) for band in bands]
        height, width = arrays[0].shape
        path = tmp_path / name
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=height,
            width=width,
            count=len(arrays),
            dtype=dtype,
            crs=crs,
            transform=transform or from_origin(X, Y + height * 10, 10, 10),
            nodata=nodata,
        ) as file:
            for number, array in enumerate(arrays, start=1):
                file.write(array, number)
            file.scales, file.offsets = (scale,) * len(arrays), (offset,) * len(arrays)
        return path

    return written


def layer(*boxes: tuple[float, float, float, float], crs: str = UTM) -> gpd.GeoDataFrame:
    """Places a, b, c … as rectangles in metres from the rasters' lower left corner."""
    shapes = [shapely.box(X + w, Y + s, X + e, Y + n) for w, s, e, n in boxes]
    index = pd.Index([chr(97 + i) for i in range(len(boxes))], name="location_id")
    return gpd.GeoDataFrame(geometry=shapes, index=index, crs=UTM).to_crs(crs)


class TestMeans:
    def test_a_cell_counts_by_the_part_that_the_place_covers(self, write: Write) -> None:
        raster = write([[1.0, 2.0], [3.0, 4.0]])
        found = zonal_mean(raster, layer((0, 0, 20, 20), (5, 10, 20, 20)))
        # b: half of the 1 and all of the 2.
        assert found.to_dict() == pytest.approx({"a": 2.5, "b": 2.5 / 1.5}, rel=1e-6)
        assert found.index.name == "location_id"

    def test_no_data_is_not_zero(self, write: Write) -> None:
        raster = write([[-9999.0, 2.0], [4.0, 6.0]], nodata=-9999)
        assert zonal_mean(raster, layer((0, 0, 20, 20)))["a"] == pytest.approx(4.0, rel=1e-6)

    def test_nan_without_declared_no_data_is_missing_too(self, write: Write) -> None:
        raster = write([[np.nan, 2.0], [4.0, 6.0]])
        assert zonal_mean(raster, layer((0, 0, 20, 20)))["a"] == pytest.approx(4.0, rel=1e-6)

    def test_a_place_seen_by_less_than_half_has_no_mean(self, write: Write) -> None:
        raster = write([[1.0, 1.0], [1.0, 1.0]])
        found = zonal_mean(raster, layer((0, 0, 20, 20), (10, 0, 200, 20), (10, 0, 30, 20)))
        assert found.isna().to_dict() == {"a": False, "b": True, "c": False}
        assert zonal_mean(raster, layer((10, 0, 200, 20)), least_covered=0.01)["a"] == 1.0

    def test_a_place_beyond_the_raster_has_no_mean(self, write: Write) -> None:
        raster = write([[1.0, 1.0], [1.0, 1.0]])
        assert zonal_mean(raster, layer((0, 0, 20, 20), (500, 500, 510, 510))).isna().to_dict() == {
            "a": False,
            "b": True,
        }

    def test_strips_change_nothing(self, write: Write) -> None:
        values = np.random.default_rng(4).random((40, 30))
        raster = write(values)
        places = layer((13, 27, 155, 333), (0, 0, 300, 400), (100, 101, 102, 399))
        whole, strips = zonal_mean(raster, places), zonal_mean(raster, places, strip=90)
        pd.testing.assert_series_equal(whole, strips, rtol=1e-12)
        assert whole["b"] == pytest.approx(values.mean(), rel=1e-6)

    def test_the_layer_may_have_another_crs(self, write: Write) -> None:
        raster = write(np.arange(400.0).reshape(20, 20))
        places = layer((30, 30, 170, 150))
        # Straight lines of one system are not straight in the other: hence the tolerance.
        assert zonal_mean(raster, places.to_crs(4326))["a"] == pytest.approx(zonal_mean(raster, places)["a"], rel=1e-4)

    def test_a_declared_scale_is_applied_and_a_given_one(self, write: Write) -> None:
        declared = write([[4000, 2000]], dtype="int16", scale=1e-4, offset=-0.1)
        bare = write([[4000, 2000]], dtype="int16", name="bare.tif")
        places = layer((0, 0, 20, 10))
        assert zonal_mean(declared, places)["a"] == pytest.approx(0.2)
        found = band_means({"nir": bare, "red": bare}, places, scale=1e-4)
        assert found.columns.tolist() == ["nir_share", "red_share"]
        assert found.loc["a"].to_numpy() == pytest.approx([0.3, 0.3])

    def test_an_index_is_a_mean_of_ratios(self, write: Write) -> None:
        nir, red = np.array([[0.4, 0.05]]), np.array([[0.1, 0.05]])
        both = write(nir, red)
        places = layer((0, 0, 20, 10))
        found = index_by_place(ndvi_of, {"nir": (both, 1), "red": (both, 2)}, places)
        assert found["a"] == pytest.approx((0.6 + 0.0) / 2)
        means = band_means({"nir": (both, 1), "red": (both, 2)}, places)
        of_means = float(ndvi_of(means["nir_share"].to_numpy(), means["red_share"].to_numpy())[0])
        assert of_means == pytest.approx(0.15 / 0.3 * 1.0)
        assert found["a"] != pytest.approx(of_means)

    def test_a_cell_that_lacks_one_band_is_left_out(self, write: Write) -> None:
        both = write([[0.4, 0.4]], [[0.1, -1.0]], nodata=-1.0)
        found = index_by_place(ndvi_of, {"nir": (both, 1), "red": (both, 2)}, layer((0, 0, 20, 10)))
        assert found["a"] == pytest.approx(0.6)


class TestClassAreas:
    def test_hectares_by_class(self, write: Write) -> None:
        raster = write([[1, 1], [2, 0]], dtype="uint8", nodata=0)
        found = class_areas(raster, layer((0, 0, 20, 20), (0, 5, 10, 20)), names={1: "forest"})
        assert found[["location_id", "cover"]].to_numpy().tolist() == [
            ["a", "2"],
            ["a", "forest"],
            ["b", "2"],
            ["b", "forest"],
        ]
        # Zone 32's scale on its central meridian is 0.9996: the ground is that much larger than the plane.
        assert found["area_ha"].to_numpy() == pytest.approx(np.array([0.01, 0.02, 0.005, 0.01]) / 0.9996**2, rel=1e-6)

    @pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:3035", "EPSG:2263"])
    def test_the_ground_is_true_in_every_projection(self, write: Write, crs: str) -> None:
        """EPSG:2263 counts in feet, and lies elsewhere: its place is near New York."""
        west, south = (-74.05, 40.65) if crs == "EPSG:2263" else (9.1, 45.4)
        box = shapely.box(west, south, west + 0.05, south + 0.04)
        place = gpd.GeoDataFrame(geometry=[box], index=pd.Index(["a"], name="location_id"), crs=4326).to_crs(crs)
        left, lower, right, upper = place.total_bounds
        margin = 0.05 * (right - left)
        n = 220
        step = (right - left + 2 * margin) / n
        rows = int(np.ceil((upper - lower + 2 * margin) / step))
        transform = from_origin(left - margin, upper + margin, step, step)
        raster = write(np.ones((rows, n)), crs=crs, transform=transform)
        truth = abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapely.segmentize(box, 0.001))[0]) / 1e4
        found = class_areas(raster, place)["area_ha"].sum()
        assert found == pytest.approx(truth, rel=2e-4)

    def test_a_place_seen_by_less_than_half_has_no_rows(self, write: Write) -> None:
        raster = write([[1, 0], [0, 0]], dtype="uint8", nodata=0)
        assert class_areas(raster, layer((0, 0, 20, 20))).empty

    def test_strips_change_nothing(self, write: Write) -> None:
        raster = write(np.random.default_rng(5).integers(0, 4, (50, 20)), dtype="uint8", nodata=0)
        places = layer((13, 27, 155, 333), (0, 0, 200, 500))
        pd.testing.assert_frame_equal(class_areas(raster, places), class_areas(raster, places, strip=100), rtol=1e-9)


class TestPatches:
    MAP = ((1, 1, 2, 2), (1, 2, 2, 1), (2, 2, 0, 1))

    def test_by_hand(self, write: Write) -> None:
        raster = write(np.array(self.MAP), dtype="uint8", nodata=0)
        found = patches(raster, layer((0, 0, 40, 30)), names={1: "forest", 2: "crops"})
        assert found[["cover", "patch_id"]].to_numpy().tolist() == [["crops", "1"], ["forest", "1"], ["forest", "2"]]
        crops, first, second = found.to_dict("records")
        assert (crops["cells_count"], first["cells_count"], second["cells_count"]) == (6, 3, 2)
        assert (first["edge_cells_count"], first["like_adjacencies_count"]) == (8, 2)
        assert first["area_ha"] == pytest.approx(0.03) and first["perimeter_m"] == pytest.approx(80)
        # Of its 8 sides 3 touch crops east and south, and one more below; 4 lie on the border of the place.
        assert first["edge_m"] == pytest.approx(40)
        # The other forest: a side to crops west, one above, and one to the cell without data, which is no edge.
        assert (second["edge_cells_count"], second["edge_m"]) == (6, pytest.approx(20))
        assert crops["like_adjacencies_count"] == 5 and crops["edge_m"] == pytest.approx(60)

    def test_corners_join_with_eight_neighbours_only(self, write: Write) -> None:
        raster = write([[1, 2], [2, 1]], dtype="uint8")
        assert len(patches(raster, layer((0, 0, 20, 20)))) == 2
        assert len(patches(raster, layer((0, 0, 20, 20)), neighbours=4)) == 4

    def test_cells_need_not_be_square(self, write: Write) -> None:
        raster = write([[1, 1]], dtype="uint8", transform=from_origin(X, Y + 30, 10, 30))
        found = patches(raster, layer((0, 0, 20, 30))).iloc[0]
        assert (found["area_ha"], found["perimeter_m"]) == (pytest.approx(0.06), pytest.approx(100))

    def test_each_place_is_cut_out_on_its_own(self, write: Write) -> None:
        raster = write(np.ones((4, 4)), dtype="uint8")
        found = patches(raster, layer((0, 0, 20, 40), (20, 0, 40, 40), (0, 0, 40, 40))).set_index("location_id")
        assert found["cells_count"].to_dict() == {"a": 8, "b": 8, "c": 16}

    def test_a_place_without_cells_has_no_rows(self, write: Write) -> None:
        raster = write(np.ones((4, 4)), dtype="uint8")
        assert patches(raster, layer((0, 0, 40, 40), (400, 0, 440, 40)))["location_id"].unique().tolist() == ["a"]

    def test_the_cells_add_up(self, write: Write) -> None:
        values = np.random.default_rng(6).integers(0, 4, (30, 30))
        raster = write(values, dtype="uint8", nodata=0)
        found = patches(raster, layer((0, 0, 300, 300)))
        assert found["cells_count"].sum() == (values > 0).sum()
        # Every cell has four sides: those of the outline, and those between like cells counted from both.
        assert (found["edge_cells_count"] + 2 * found["like_adjacencies_count"]).sum() == 4 * (values > 0).sum()

    @pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
    def test_metres_that_are_none_are_refused(self, write: Write, crs: str) -> None:
        place = layer((0, 0, 100, 100), crs=crs)
        left, _, right, upper = place.total_bounds
        step = (right - left) / 4
        raster = write(np.ones((8, 8)), crs=crs, transform=from_origin(left, upper + step, step, step))
        with pytest.raises(AlmanacError, match="not of one size"):
            patches(raster, place)

    def test_other_neighbours_are_refused(self, write: Write) -> None:
        with pytest.raises(AlmanacError, match="neighbours"):
            patches(write([[1.0]]), layer((0, 0, 10, 10)), neighbours=6)


class TestHostileInput:
    PLACE = layer((0, 0, 20, 20))

    def refused(self, raster: Path, place: gpd.GeoDataFrame, says: str) -> None:
        with pytest.raises(AlmanacError, match=says) as caught:
            zonal_mean(raster, place)
        assert caught.value.message.endswith(".") and caught.value.hint.endswith(".")

    def test_a_raster_without_crs(self, write: Write) -> None:
        self.refused(write(np.ones((2, 2)), crs=None), self.PLACE, "no coordinate reference system")

    def test_a_file_that_is_no_raster(self, tmp_path: Path) -> None:
        (tmp_path / "no.tif").write_text("no raster")
        self.refused(tmp_path / "no.tif", self.PLACE, "no.tif cannot be read")
        self.refused(tmp_path / "absent.tif", self.PLACE, "absent.tif cannot be read")

    def test_a_band_that_is_not_there(self, write: Write) -> None:
        with pytest.raises(AlmanacError, match="has 1 bands, and none is number 2"):
            zonal_mean((write(np.ones((2, 2))), 2), self.PLACE)

    def test_no_overlap(self, write: Write) -> None:
        self.refused(write(np.ones((2, 2))), layer((5000, 5000, 5020, 5020)), "do not overlap")

    def test_swapped_coordinates_of_the_layer(self, write: Write) -> None:
        place = self.PLACE.to_crs(4326)
        swapped = place.set_geometry(shapely.transform(place.geometry, lambda xy: xy[:, ::-1])).set_crs(4326)
        self.refused(write(np.ones((2, 2))), swapped, "swapped: turn them round")

    def test_swapped_coordinates_beyond_the_pole(self, write: Write) -> None:
        box = shapely.box(40.0, -120.0, 41.0, -119.0)
        place = gpd.GeoDataFrame(geometry=[box], index=pd.Index(["a"], name="location_id"), crs=4326)
        self.refused(write(np.ones((2, 2))), place, "only 90.*swapped")

    def test_degrees_that_claim_to_be_metres(self, write: Write) -> None:
        raster = write(np.ones((2, 2)), transform=from_origin(9.0, 45.4, 0.01, 0.01))
        self.refused(raster, self.PLACE, "outside the area")

    def test_metres_that_claim_to_be_degrees(self, write: Write) -> None:
        raster = write(np.ones((2, 2)), crs="EPSG:4326", transform=from_origin(X, Y, 10, 10))
        self.refused(raster, self.PLACE, "outside the area")

    def test_swapped_coordinates_of_the_raster(self, write: Write) -> None:
        raster = write(np.ones((2, 2)), transform=from_origin(Y, X, 10, 10))
        self.refused(raster, self.PLACE, "outside the area")

    def test_a_turned_raster(self, write: Write) -> None:
        turned = Affine.translation(X, Y + 20) @ Affine.rotation(20) @ Affine.scale(10, -10)
        self.refused(write(np.ones((2, 2)), transform=turned), self.PLACE, "turned or mirrored")

    def test_points(self, write: Write) -> None:
        points = self.PLACE.set_geometry(self.PLACE.centroid)
        self.refused(write(np.ones((2, 2))), points, "a is a Point")

    def test_a_layer_without_crs(self, write: Write) -> None:
        with pytest.raises(BrokenData, match="no coordinate reference system"):
            zonal_mean(write(np.ones((2, 2))), self.PLACE.set_crs(None, allow_override=True))

    def test_rasters_on_different_grids(self, write: Write) -> None:
        one = write(np.ones((2, 2)))
        shifted = write(np.ones((2, 2)), name="shifted.tif", transform=from_origin(X + 5, Y + 20, 10, 10))
        with pytest.raises(AlmanacError, match="do not lie on one grid"):
            index_by_place(ndvi_of, {"nir": one, "red": shifted}, self.PLACE)

    def test_a_raster_without_any_data_gives_no_number(self, write: Write) -> None:
        raster = write(np.full((2, 2), -1.0), nodata=-1.0)
        assert zonal_mean(raster, self.PLACE).isna().all()
        assert class_areas(raster, self.PLACE).empty
        assert patches(raster, self.PLACE).empty
