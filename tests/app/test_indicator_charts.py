"""Figures of indicators: every mark is a number of the table, and nothing is drawn where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analytics.against_normal import against_normal, yearly
from analytics.finding import Finding, finding
from analytics.measure import measured
from app.indicator_charts import normal_figure, ranking_figure, trend_figure
from app.text import use_language
from geodata.region import Region, load_region


@pytest.fixture(scope="module")
def atlantic() -> Region:
    use_language("en")
    return load_region("mid_atlantic")


@pytest.fixture(scope="module")
def growth(atlantic: Region) -> Finding:
    return finding(atlantic, "traffic_growth", "")


class TestRanking:
    def test_the_first_stands_on_top_with_its_limits(self, atlantic: Region, growth: Finding) -> None:
        ranked = growth.ranked().head(5)
        names = atlantic.places()["name"]
        figure = ranking_figure(growth, names, most=5)
        marks = figure.data[0]
        assert list(marks.x) == ranked["value"].tolist()[::-1]
        assert list(marks.y) == [0, 1, 2, 3, 4]
        labels = [label.replace("<br>", " ") for label in figure.layout.yaxis.ticktext]
        assert labels == [names[place] for place in ranked.index[::-1]]
        upper = np.array(marks.x) + np.array(marks.error_x.array)
        lower = np.array(marks.x) - np.array(marks.error_x.arrayminus)
        np.testing.assert_allclose(upper, ranked["high"][::-1])
        np.testing.assert_allclose(lower, ranked["low"][::-1])

    def test_the_other_end(self, atlantic: Region, growth: Finding) -> None:
        figure = ranking_figure(growth, atlantic.places()["name"], most=3, other_end=True)
        assert figure.data[0].x[-1] == growth.measured.values.min()

    def test_no_limits_are_drawn_where_there_are_none(self, atlantic: Region) -> None:
        figure = ranking_figure(finding(atlantic, "flashiness"), atlantic.places()["name"])
        assert figure.data[0].error_x.array is None and len(figure.data[0].x) == 12

    def test_two_places_of_one_name_are_two_rows_and_no_name_is_markup(self, growth: Finding) -> None:
        names = pd.Series("<b>Same & long enough that it has to be broken</b>", index=growth.measured.values.index)
        figure = ranking_figure(growth, names, most=4)
        assert len(set(figure.data[0].y)) == 4
        assert all("<b>" not in label for label in (*figure.layout.yaxis.ticktext, *figure.data[0].text))

    def test_colours_and_marks_are_those_of_the_classes(self, atlantic: Region) -> None:
        found = finding(atlantic, "streamflow_percentile", "usgs_nwd")
        marks = ranking_figure(found, atlantic.places()["name"]).data[0]
        ranked = found.ranked().iloc[::-1]
        assert found.standard is not None
        order = found.standard.classes["streamflow_percentile"].labels
        wanted = [found.classes.palette[order.index(label)] for label in found.labels[ranked.index]]
        assert list(marks.marker.color) == wanted
        assert len(set(marks.marker.symbol)) == len(set(wanted)) > 1

    def test_the_chosen_place_is_marked_only_where_it_is_shown(self, atlantic: Region, growth: Finding) -> None:
        names = atlantic.places()["name"]
        first, last = growth.ranked().index[[0, -1]]
        assert len(ranking_figure(growth, names, selected=str(first)).layout.shapes) == 1
        assert not ranking_figure(growth, names, selected=str(last)).layout.shapes


class TestNormal:
    def test_the_series_and_the_middle_are_drawn_as_they_are(self, atlantic: Region) -> None:
        normal = against_normal(atlantic, measured(atlantic, "flashiness"), "01632000")
        assert normal is not None
        figure = normal_figure(normal, column=normal.column)
        observed = next(trace for trace in figure.data if trace.name == "observed")
        np.testing.assert_array_equal(observed.y, normal.series["value"])
        assert observed.connectgaps is False
        middle = next(trace for trace in figure.data if trace.name == "middle of all years")
        np.testing.assert_array_equal(middle.y, normal.band["p50"])

    def test_a_band_without_percentiles_is_not_drawn_and_a_gap_parts_it(self, atlantic: Region) -> None:
        normal = against_normal(atlantic, measured(atlantic, "flashiness"), "01632000")
        assert normal is not None
        assert normal.band["p05"].isna().all()  # ten or eleven years have no fifth percentile
        names = [trace.name for trace in normal_figure(normal, column=normal.column).data if trace.fill == "toself"]
        assert not [name for name in names if name.startswith("5th")]
        band = normal.band.copy()
        band.loc[300:305, ["p25", "p75"]] = np.nan
        figure = normal_figure(replace(normal, band=band), column=normal.column)
        pieces = [t for t in figure.data if t.fill == "toself" and t.name.startswith("25th")]
        assert len(pieces) >= 2 and sum(bool(t.showlegend) for t in pieces) == 1
        gap = set(band["time"][300:306])
        assert not gap & {pd.Timestamp(x) for t in pieces for x in t.x}

    def test_provisional_values_are_marked(self, atlantic: Region) -> None:
        normal = against_normal(atlantic, measured(atlantic, "flashiness"), "01632000")
        assert normal is not None
        assert not [t for t in normal_figure(normal, column=normal.column).data if t.name == "provisional"]
        series = normal.series.assign(provisional=normal.series.index >= len(normal.series) - 7)
        figure = normal_figure(replace(normal, series=series), column=normal.column)
        (marks,) = (t for t in figure.data if t.name == "provisional")
        np.testing.assert_array_equal(marks.y, series["value"].tail(7))


class TestTrend:
    def test_the_line_is_dashed_where_it_is_not_sure(self, atlantic: Region) -> None:
        found = measured(atlantic, "traffic_growth")
        dashes = set()
        for place in found.table.index[:12]:
            by_year = yearly(atlantic, found, str(place))
            assert by_year is not None and by_year.trend is not None
            values, line = trend_figure(by_year, column=by_year.column).data
            np.testing.assert_array_equal(values.y, by_year.values)
            assert list(line.x) == [by_year.years[0], by_year.years[-1]]
            assert (line.line.dash, line.name) == (
                ("solid", "trend") if by_year.trend.sure else ("dash", "trend, not sure")
            )
            dashes.add(line.line.dash)
        assert len(dashes) == 2

    def test_without_a_trend_there_is_no_line(self, atlantic: Region) -> None:
        by_year = yearly(atlantic, measured(atlantic, "traffic_growth"), "37001")
        assert by_year is not None
        short = replace(by_year, trend=None)
        assert len(trend_figure(short, column=by_year.column).data) == 1
