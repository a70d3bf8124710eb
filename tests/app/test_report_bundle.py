"""The bundle of a report holds what was printed, and a stored report is made again: equal, or with the cause."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from analytics.finding import finding
from analytics.measure import measured
from app.report import Request, make_report, write_report
from app.report.again import COLUMNS, Again, again, again_words
from app.report.blocks import Facts, Figure, Link
from app.report.bundle import QUANTITIES, drawn_as_png, numbers_bytes, read_numbers, read_series
from app.report.manifest import MANIFEST, NUMBERS, SERIES, read_manifest, sha256
from app.report.numbers import COLUMNS as NUMBER_COLUMNS
from app.text import languages, use_language
from geodata.errors import AlmanacError
from geodata.region import load_region
from geodata.settings import settings
from tests.world import World

ASKED = Request("mid_atlantic", "sheet", places=("37183", "37063", "51059"), theme="traffic_growth")
FORMULA = '=HYPERLINK("http://example.org";"<&>")'


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(ASKED, tmp_path_factory.mktemp("report") / "traffic.pdf", pictures=True)[-1].parent


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The region of the bundle in folders of its own, so that its data can be changed."""
    here = settings()
    shutil.copytree(here.sources, tmp_path / "sources")
    shutil.copytree(here.regions / ASKED.region, tmp_path / "regions" / ASKED.region)
    monkeypatch.setenv("ALMANAC_SOURCES", str(tmp_path / "sources"))
    monkeypatch.setenv("ALMANAC_REGIONS", str(tmp_path / "regions"))
    settings.cache_clear()
    yield World(tmp_path / "sources", tmp_path / "regions", ASKED.region)
    settings.cache_clear()


@pytest.fixture
def forged(bundle: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the bundle in which the manifest, the numbers or both say something else."""

    def forge(
        change: Callable[[dict[str, Any]], object] = lambda _: None, numbers: Callable[[str], str] | None = None
    ) -> Path:
        copy = tmp_path / "copy.bundle"
        shutil.copytree(bundle, copy)
        found = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
        if numbers is not None:
            text = (copy / NUMBERS).read_text(encoding="utf-8")
            assert numbers(text) != text
            (copy / NUMBERS).write_text(numbers(text), encoding="utf-8")
            found["files"][NUMBERS] = sha256(copy / NUMBERS)
        change(found)
        (copy / MANIFEST).write_text(json.dumps(found), encoding="utf-8")
        return copy / MANIFEST

    return forge


def another_value(made: str, what: str) -> Callable[[str], str]:
    """Makes the first number of this kind one thousandth of what was printed."""

    def change(text: str) -> str:
        lines = text.split("\n")
        at = next(i for i, line in enumerate(lines) if f'"{what}","{made}"' in line)
        number = next(part for part in lines[at].split(",") if part and part[0].isdigit())
        lines[at] = lines[at].replace(f",{number},", f",{float(number) / 1000!r},", 1)
        return "\n".join(lines)

    return change


INDICATOR = another_value("indicator", "traffic_growth")
FORECAST = another_value("forecast", "ncdot_traffic.traffic_veh_per_day")


def other(*keys: str) -> Callable[[dict[str, Any]], None]:
    """Puts another text where a manifest has one."""

    def change(found: dict[str, Any]) -> None:
        for key in keys[:-1]:
            found = found[key]
        assert keys[-1] in found
        found[keys[-1]] = "0" * 64

    return change


@pytest.mark.slow
class TestAsOnTheScreen:
    SPI = "standardized_precipitation_index"

    def test_an_indicator_fitted_on_some_years_in_another_standard(self, tmp_path: Path) -> None:
        region = load_region("mid_atlantic")
        usual, other = finding(region, self.SPI), finding(region, self.SPI, "nidis", (1991, 2020))
        places = tuple(other.measured.values.dropna().index[:2])
        asked = Request(region.id, "sheet", places=places, theme=self.SPI, standard="nidis", reference=(1991, 2020))
        manifest = write_report(asked, tmp_path / "spi.pdf", pictures=False)[-1]
        numbers = read_numbers(manifest.parent / NUMBERS)
        printed = numbers[numbers["what"] == self.SPI].set_index("location_id")
        seen = measured(region, self.SPI, reference=(1991, 2020)).values.reindex(printed.index)
        assert np.array_equal(printed["value"], seen, equal_nan=True)
        assert (seen - usual.measured.values.reindex(printed.index)).abs().max() > 0
        assert printed["class"].fillna("").tolist() == other.labels.reindex(printed.index).fillna("").tolist()
        assert printed["class"].fillna("").tolist() != usual.labels.reindex(printed.index).fillna("").tolist()
        assert set(printed["standard"]) == {"nidis"}
        assert read_manifest(manifest).request == asked
        assert again(manifest).equal

    def test_the_method_names_the_standard_and_the_years_and_the_link_leads_back(self) -> None:
        asked = Request("mid_atlantic", "map", theme=self.SPI, standard="none", reference=(1991, 2020))
        (document,) = make_report(asked).documents
        (facts, *_) = (b for b in document.pages[0].blocks() if isinstance(b, Facts))
        assert ("Reference period", "1991–2020") in facts.rows
        assert ("Standard", "None: the classes are made from the values themselves.") in facts.rows
        (link,) = (b for b in document.pages[0].blocks() if isinstance(b, Link))
        assert "water_standard=none" in link.address and "water_reference=1991-2020" in link.address

    def test_the_chart_of_a_sheet_is_fitted_on_the_same_years(self) -> None:
        region = load_region("mid_atlantic")
        place = str(finding(region, self.SPI).ranked().index[0])
        calls: list[tuple[int, int]] = []
        asked = Request(region.id, "sheet", places=(place,), theme=self.SPI, reference=(1991, 2020))
        (document,) = make_report(asked, lambda done, of: calls.append((done, of))).documents
        captions = [b.caption for b in document.pages[0].blocks() if isinstance(b, Figure)]
        assert any("29 years (1991 to 2019)" in caption for caption in captions)
        assert calls[-1] == (1, 1)

    def test_a_series_leads_back_to_its_step_and_time(self) -> None:
        theme = "usgs_discharge_2017.discharge_m3_per_s"
        asked = Request("mid_atlantic", "map", theme=theme, time="2017-03-01T00:00:00")
        (document,) = make_report(asked).documents
        (link,) = (b for b in document.pages[0].blocks() if isinstance(b, Link))
        assert "step=1+day&time=2017-03-01T00%3A00%3A00" in link.address

    def test_an_older_manifest_says_nothing_of_it(self, forged: Callable[..., Path]) -> None:
        def older(found: dict[str, Any]) -> None:
            for key in ("standard", "reference", "step", "time"):
                del found["request"][key]

        assert read_manifest(forged(older)).request == ASKED

    @pytest.mark.parametrize("reference", [[1991], [2020, 1991], [1, 2, 3], "1991-2020", [True, 2020]])
    def test_a_reference_that_is_none(self, forged: Callable[..., Path], reference: object) -> None:
        with pytest.raises(AlmanacError) as caught:
            read_manifest(forged(lambda found: found["request"].update(reference=reference)))
        assert len(caught.value.sentences) == 2


class TestWhatIsInTheBundle:
    def test_the_numbers_are_those_printed_with_every_digit(self, bundle: Path) -> None:
        printed = make_report(ASKED).numbers
        written = read_numbers(bundle / NUMBERS)
        assert len(printed) > 20
        for name in NUMBER_COLUMNS:
            if name in QUANTITIES:
                assert np.array_equal(written[name], printed[name].astype(float), equal_nan=True)
            else:
                assert written[name].fillna("").tolist() == printed[name].astype(object).fillna("").tolist()

    def test_any_double_survives(self, tmp_path: Path) -> None:
        bits = np.random.default_rng(5).integers(0, 2**63, 20_000, dtype=np.int64)
        values = bits.view(float)
        values = values[np.isfinite(values)]
        table = pd.DataFrame({"value": values}).reindex(columns=list(NUMBER_COLUMNS))
        (tmp_path / NUMBERS).write_bytes(numbers_bytes(table))
        assert np.array_equal(read_numbers(tmp_path / NUMBERS)["value"], values)

    def test_the_points_of_the_charts_are_there(self, bundle: Path) -> None:
        points, printed = read_series(bundle / SERIES), make_report(ASKED).series
        assert len(points) == len(printed) > 20
        assert np.array_equal(points["value"], printed["value"].astype(float), equal_nan=True)
        assert points["time"].str.endswith("Z").all()

    def test_the_geopackage_says_the_same_at_the_same_places(self, bundle: Path) -> None:
        report = make_report(ASKED)
        places = gpd.read_file(bundle / "map.gpkg", layer="places").set_index("location_id")
        assert places.crs.to_epsg() == 4326 and len(places) == len(report.theme.layer)
        assert np.array_equal(places["value"], report.theme.values.astype(float), equal_nan=True)
        assert places["class_number"].isna().equals(places["value"].isna())
        assert places["class_number"].max() <= len(report.theme.classes)
        assert set(places["unit"]) == {report.theme.unit} and set(places["period"]) == {report.theme.period}
        at = gpd.read_file(bundle / "map.gpkg", layer="numbers")
        assert np.array_equal(at["value"], report.numbers["value"].astype(float), equal_nan=True)
        assert at["what"].tolist() == report.numbers["what"].tolist()
        assert at.within(places.geometry.reindex(at["location_id"]), align=False).all()

    def test_the_manifest_has_the_checksum_of_every_file(self, bundle: Path) -> None:
        manifest = read_manifest(bundle / MANIFEST)
        there = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()} - {MANIFEST}
        assert there | {"traffic.pdf"} == set(manifest.files)
        for name, found in manifest.files.items():
            content = (bundle.parent if name.endswith(".pdf") else bundle) / name
            assert hashlib.sha256(content.read_bytes()).hexdigest() == found
        assert {"ncdot_traffic", "us_counties"} <= set(manifest.datasets)
        assert manifest.numbers == len(read_numbers(bundle / NUMBERS))
        assert manifest.request == ASKED

    def test_drawings_are_xml_and_pictures_have_300_dots_per_inch(self, bundle: Path) -> None:
        drawings = sorted((bundle / "figures").glob("*.svg"))
        figures = {f.name: f for d in make_report(ASKED).documents for f in d.figures().values()}
        assert len(drawings) >= len(figures)
        for drawing in drawings:
            assert ElementTree.parse(drawing).getroot().tag == "{http://www.w3.org/2000/svg}svg"
            picture = drawing.with_suffix(".png").read_bytes()
            assert picture.startswith(b"\x89PNG")
            if drawing.stem in figures:
                across, down = struct.unpack(">II", picture[16:24])
                figure = figures[drawing.stem]
                assert abs(across - figure.width / 25.4 * 300) <= 1 and abs(down - figure.height / 25.4 * 300) <= 1

    def test_the_readme_names_every_kind_of_file_in_every_language(self, tmp_path: Path, world: World) -> None:
        for code in languages():
            made = write_report(Request(world.region, "sheet", language=code), tmp_path / f"{code}.pdf")[-1].parent
            text = (made / "README.txt").read_text(encoding="utf-8-sig")
            for name in (NUMBERS, SERIES, "map.gpkg", "figures/*.svg", "figures/*.png", MANIFEST):
                assert name in text
            assert ("every number printed" in text) == (code == "en")

    def test_nothing_is_drawn_twice_and_no_picture_is_made_unasked(self, tmp_path: Path, world: World) -> None:
        made = write_report(Request(world.region, "sheet"), tmp_path / "a.pdf", pictures=False)[-1].parent
        drawings = [p.read_bytes() for p in (made / "figures").iterdir()]
        assert len(set(drawings)) == len(drawings) and not list(made.rglob("*.png"))
        assert drawn_as_png({}) == {}


class TestAgain:
    def test_the_same_comes_out_as_the_same(self, bundle: Path) -> None:
        result = again(bundle / MANIFEST)
        assert result.equal and result.table.empty and list(result.table.columns) == list(COLUMNS)
        assert result.n == len(read_numbers(bundle / NUMBERS)) and not result.written

    def test_it_is_written_again_where_that_is_wanted(self, bundle: Path, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []
        result = again(bundle / MANIFEST, tmp_path / "new.pdf", lambda done, of: told.append((done, of)))
        assert result.equal and told[-1] == (3, 3)
        assert result.written == (tmp_path / "new.pdf", tmp_path / "new.bundle" / MANIFEST)
        assert (tmp_path / "new.bundle" / NUMBERS).read_bytes() == (bundle / NUMBERS).read_bytes()
        assert list((tmp_path / "new.bundle" / "figures").glob("*.png"))

    @pytest.mark.parametrize(
        ("changed", "number", "cause"),
        [
            (other("datasets", "ncdot_traffic", "sha256"), INDICATOR, "data"),
            (other("datasets", "ncdot_traffic", "sha256"), FORECAST, "data"),
            (other("datasets", "us_counties", "sha256"), FORECAST, "data"),
            (lambda found: found["datasets"]["ncdot_traffic"].update(appended=3), INDICATOR, "data"),
            (lambda found: found["datasets"].pop("ncdot_traffic"), INDICATOR, "data"),
            (other("code", "method"), INDICATOR, "method"),
            (other("packages", "scipy"), INDICATOR, "method"),
            (other("code", "model"), FORECAST, "model"),
            (other("packages", "numpy"), FORECAST, "model"),
            (other("code", "model"), INDICATOR, "unknown"),
            (other("code", "method"), FORECAST, "unknown"),
            (other("packages", "typst"), INDICATOR, "unknown"),
            (other("datasets", "census_population", "sha256"), INDICATOR, "unknown"),
        ],
    )
    def test_a_number_that_differs_has_its_cause(
        self, forged: Callable[..., Path], changed: Callable[..., None], number: Callable[[str], str], cause: str
    ) -> None:
        result = again(forged(changed, number))
        assert not result.equal
        row = result.table.set_index("field").loc["value"]
        assert row["location_id"] == "37183" and row["cause"] == cause and row["change"] == "changed"
        assert row["before"] == pytest.approx(row["after"] / 1000)
        assert row["name"] == "Wake County, NC"
        assert set(result.table["cause"]) == {cause}

    def test_what_is_gone_and_what_is_new_is_told(self, forged: Callable[..., Path]) -> None:
        def without_and_with(text: str) -> str:
            lines = text.split("\n")
            there = next(line for line in lines if "land_area_km2" in line)
            lines[lines.index(there)] = there.replace("land_area_km2", "sea_area_km2")
            return "\n".join(lines)

        table = again(forged(numbers=without_and_with)).table.set_index("change")
        assert table.loc["gone", "what"] == "us_counties.sea_area_km2" and pd.isna(table.loc["gone", "after"])
        assert table.loc["new", "what"] == "us_counties.land_area_km2" and pd.isna(table.loc["new", "before"])
        assert len(table) == 2 and table.loc["gone", "before"] == table.loc["new", "after"]
        assert set(table["cause"]) == {"unknown"}

    def test_what_another_report_prints_is_a_matter_of_method(self, forged: Callable[..., Path]) -> None:
        def less(text: str) -> str:
            return "\n".join(line for line in text.split("\n") if "land_area_km2" not in line)

        table = again(forged(other("code", "report"), less)).table
        assert set(table["change"]) == {"new"} and set(table["cause"]) == {"method"} and len(table) == 3

    def test_data_that_really_changed_are_the_cause(self, bundle: Path, copied: World) -> None:
        assert again(bundle / MANIFEST).equal
        panel = pd.read_parquet(copied.file("ncdot_traffic"))
        last = panel.index[panel["location_id"] == "37063"][-1]
        panel.loc[last, "traffic_veh_per_day"] += 1
        panel.to_parquet(copied.file("ncdot_traffic"), index=False)
        copied.seal("ncdot_traffic")
        result = again(bundle / MANIFEST)
        assert not result.equal and result.datasets == ("ncdot_traffic",)
        assert set(result.table["cause"]) == {"data"} and set(result.table["location_id"]) == {"37063"}
        values = result.table[
            (result.table["field"] == "value") & result.table["time"].astype(str).str.startswith("2016")
        ]
        assert (values["after"] - values["before"] == 1).all() and len(values) == 2, "the number and the chart's point"
        assert "ncdot_traffic" in again_words(result)

    def test_a_name_with_a_formula_is_guarded_and_the_report_still_the_same(self, world: World, tmp_path: Path) -> None:
        layer = gpd.read_parquet(world.file("gauges"))
        layer.loc[layer.index[0], "name"] = FORMULA
        layer.to_parquet(world.file("gauges"))
        world.seal("gauges")
        manifest = write_report(Request(world.region, "sheet"), tmp_path / "a.pdf", pictures=False)[-1]
        text = (manifest.parent / NUMBERS).read_text(encoding="utf-8-sig")
        assert "'=HYPERLINK" in text and ',"=' not in text and '""<' in text.replace("'", "")
        assert FORMULA in gpd.read_file(manifest.parent / "map.gpkg", layer="places")["name"].tolist()
        for drawing in (manifest.parent / "figures").glob("*.svg"):
            ElementTree.parse(drawing)
        assert again(manifest).equal

    def test_the_logo_goes_along(self, world: World, tmp_path: Path) -> None:
        logo = tmp_path / "office" / "logo of ours.svg"
        logo.parent.mkdir()
        logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>', encoding="utf-8")
        asked = Request(world.region, "sheet", logo=logo, issuer="Office")
        made = write_report(asked, tmp_path / "a.pdf", pictures=False)[-1].parent
        logo.unlink()
        moved = made.rename(tmp_path / "office" / "elsewhere")
        manifest = read_manifest(moved / MANIFEST)
        assert manifest.request.logo == moved / "logo.svg"
        assert str(tmp_path) not in (moved / MANIFEST).read_text(encoding="utf-8")
        assert again(moved / MANIFEST).equal
        (moved / "logo.svg").write_text("<svg/>", encoding="utf-8")
        with pytest.raises(AlmanacError, match=r"logo\.svg was changed"):
            read_manifest(moved / MANIFEST)


class TestRefusals:
    def test_numbers_that_were_changed(self, bundle: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(bundle, tmp_path / "copy")
        (copy / NUMBERS).write_text(INDICATOR((copy / NUMBERS).read_text(encoding="utf-8")), encoding="utf-8")
        with pytest.raises(AlmanacError, match=r"numbers\.csv was changed"):
            again(copy / MANIFEST)
        (copy / NUMBERS).unlink()
        with pytest.raises(AlmanacError, match=r"numbers\.csv of the bundle cannot be read"):
            again(copy / MANIFEST)

    def test_data_that_are_gone_are_named(self, forged: Callable[..., Path]) -> None:
        def older(found: dict[str, Any]) -> None:
            found["datasets"]["toll_roads"] = found["datasets"]["ncdot_traffic"]

        with pytest.raises(AlmanacError, match=r"toll_roads.*is gone from the region mid_atlantic"):
            again(forged(older))

    def test_a_file_of_data_that_is_gone_is_named(self, world: World, tmp_path: Path) -> None:
        manifest = write_report(Request(world.region, "sheet"), tmp_path / "a.pdf", pictures=False)[-1]
        world.file("river_daily").unlink()
        with pytest.raises(AlmanacError, match=r"river_daily\.parquet.*absent"):
            again(manifest)
        shutil.rmtree(world.regions / world.region)
        settings.cache_clear()
        with pytest.raises(AlmanacError):
            again(manifest)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda found: found.clear(), "request"),
            (lambda found: found.pop("files"), "lacks the key “files”"),
            (lambda found: found.update(more=1), "unknown key “more”"),
            (lambda found: found.update(files=[1]), "files"),
            (lambda found: found.update(files={NUMBERS: 7}), "files"),
            (lambda found: found.update(files={}), r"names no file numbers\.csv"),
            (lambda found: found.update(numbers="23"), "numbers"),
            (lambda found: found.update(numbers=True), "numbers"),
            (lambda found: found.update(parameters={"seed": 0.5}), "parameters"),
            (lambda found: found.update(datasets={"us_counties": []}), "us_counties"),
            (lambda found: found["datasets"]["us_counties"].pop("sha256"), "sha256"),
            (lambda found: found.update(printed="yesterday"), "printed"),
            (lambda found: found.update(request=None), "request"),
            (lambda found: found["request"].update(logo=5), "logo"),
            (lambda found: found["request"].update(places="37183"), "places"),
            (lambda found: found["request"].update(places=["nowhere"]), "has no place “nowhere”"),
            (lambda found: found["request"].update(theme="traffic_grwoth"), "no theme “traffic_grwoth”"),
            (lambda found: found["request"].update(region="atlantis"), "no region “atlantis”"),
            (lambda found: found["request"].update(region="../mid_atlantic"), "no region"),
            (lambda found: found["request"].update(kind="poster"), "poster"),
            (lambda found: found["request"].update(language="fr"), "fr"),
            (lambda found: found["request"].update(logo="/etc/hostname"), "lies outside the bundle"),
            (lambda found: found["request"].update(logo="../traffic.pdf"), "lies outside the bundle"),
            (lambda found: found["request"].update(logo="logo.png"), r"names no file logo\.png"),
            (lambda found: found["files"].update({"figures/../../x": "0"}), "lies outside the bundle"),
            (lambda found: found["files"].update({"C:\\x": "0"}), "lies outside the bundle"),
            (lambda found: found["files"].update({"": "0"}), "lies outside the bundle"),
        ],
    )
    def test_a_manifest_of_ill_will(
        self, forged: Callable[..., Path], change: Callable[[dict[str, Any]], object], told: str
    ) -> None:
        with pytest.raises(AlmanacError, match=told) as refused:
            again(forged(change))
        assert refused.value.hint.endswith((".", "?"))

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[1]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": "\\ud800"}', b"9" * 5_000],
        ids=["empty", "half", "a list", "null", "no text", "deep", "half a sign", "a large number"],
    )
    def test_what_is_no_manifest(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / MANIFEST).write_bytes(content)
        with pytest.raises(AlmanacError):
            read_manifest(tmp_path / MANIFEST)

    def test_no_file_and_a_folder(self, tmp_path: Path) -> None:
        for path in (tmp_path / MANIFEST, tmp_path):
            with pytest.raises(AlmanacError, match="cannot be read"):
                read_manifest(path)

    def test_a_link_that_leads_out_of_the_bundle(self, forged: Callable[..., Path]) -> None:
        manifest = forged()
        outside = manifest.parent.parent / "outside.csv"
        (manifest.parent / NUMBERS).rename(outside)
        (manifest.parent / NUMBERS).symlink_to(outside)
        with pytest.raises(AlmanacError, match="was changed"):
            again(manifest)

    @pytest.mark.parametrize("text", ["", "value\n1\n", "\x00", 'a"b\n'])
    def test_numbers_that_are_no_table_of_numbers(self, forged: Callable[..., Path], text: str) -> None:
        with pytest.raises(AlmanacError, match=r"numbers\.csv of the bundle"):
            again(forged(numbers=lambda _: text))

    def test_a_word_for_a_number(self, forged: Callable[..., Path]) -> None:
        with pytest.raises(AlmanacError, match=r"numbers\.csv of the bundle"):
            again(forged(numbers=lambda text: text.replace(",2162.15,", ",much,")))


class TestWords:
    @pytest.fixture(params=["en", "zh-Hans", "zh-Hant"])
    def spoken(self, request: pytest.FixtureRequest) -> Any:
        use_language(request.param)
        yield request.param
        use_language("en")

    def test_every_outcome_is_said_in_every_language(self, spoken: str) -> None:
        rows = pd.DataFrame({"cause": ["data", "data", "model", "method", "unknown"]})
        same = again_words(Again(True, rows[:0], 23, (), ()))
        words = again_words(Again(False, rows, 23, ("ncdot_traffic",), ()))
        assert "23" in same and "{" not in same + words
        assert "5" in words and "2" in words and "ncdot_traffic" in words
        assert ("report" in same and "report" in words) == (spoken == "en")
