"""The catalogue: what data there are, how good they are, and each of them to look into and to take away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import geopandas as gpd
import pandas as pd
import streamlit as st

from analytics.classes import class_breaks
from app.charts import completeness_figure
from app.dataset_words import (
    column_title,
    coverage_words,
    dataset_facts,
    dataset_title,
    inventory_words,
    length_words,
    licence_words,
    size_words,
    theme_words,
)
from app.export import EXCEL_ROWS, csv_bytes, csv_size, parquet_bytes, source_text
from app.map import map_view
from app.text import message, number, percent, said, t, tn, together
from app.view import Context, View
from app.views.publications.card import draw_provenance, draw_withdrawn, show_decision
from app.widgets import choose, errors_shown, fragment, plain, remember, remembered, show_error, show_place_link
from geodata.catalog import Catalog, open_catalog
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError
from geodata.inventory import Inventory, age, condition, coverage, inventory, worst_covered
from geodata.profile import ColumnProfile
from geodata.region import Region, load_region

PREVIEW_ROWS = 100
WORST = 10
# In percent: nearly nothing, gaps, usable, nearly whole, whole.
COMPLETENESS = (0.0, 50.0, 80.0, 95.0, 100.0)


def draw(context: Context) -> None:
    """Draws the page."""
    catalog = open_catalog()
    st.title(t("What data do we have, and how good are they?"))
    at_words, at_scope = st.columns([3, 2], vertical_alignment="bottom")
    with at_scope:
        scope = choose(
            "scope",
            t("Where"),
            {"region": t("This region"), "all": t("All regions")},
            default="region",
            kind="segments",
        )
    with at_words:
        words = _words()
    region = None if scope == "all" else context.region.id
    found = catalog.search(words, region=region, also=_titles(catalog))
    show_decision()
    here = [d for d in catalog.values() if region in (None, d.region)]
    _answer(
        inventory(d for d in here if d.publication is None), inventory(d for d in here if d.publication is not None)
    )
    for error in catalog.broken.values():
        show_error(error)
    if not found:
        st.info(t("No dataset matches “{words}”. Use fewer or other words.", words=plain(words)))
        return
    _results(found, scope)
    opened = _opened(catalog, found, context.region)
    draw_withdrawn(region)
    home = context.region if opened.region == context.region.id else load_region(opened.region)
    _dataset(opened, home)


def _words() -> str:
    """The search box; what stands in it is kept in the address, so that a link repeats the search."""
    asked = remembered("q") or ""
    if st.session_state.get("widget:q") != asked:
        st.session_state["widget:q"] = asked

    def changed() -> None:
        remember("q", st.session_state["widget:q"] or None)
        # What was open before the search gives way to the best match.
        remember("dataset", None)

    st.text_input(
        t("Search by words: subject, producer, place or column"),
        key="widget:q",
        on_change=changed,
        placeholder=t("for example: river, rain, traffic"),
        max_chars=200,
    )
    return asked


def _titles(catalog: Catalog) -> dict[str, Sequence[str]]:
    """The words of each dataset in the reader's language, so that they are found too."""
    return {d.id: (said(d.title), *(said(c.title) for c in d.columns.values())) for d in catalog.values()}


def _answer(observed: Inventory, published: Inventory) -> None:
    words = [inventory_words(observed)]
    if published.datasets:
        words.append(
            tn(
                "Beside them there is {n} result of an analyst.",
                "Beside them there are {n} results of analysts.",
                len(published.datasets),
            )
        )
    st.markdown(plain(together(words)))
    for error in (*observed.damaged.values(), *published.damaged.values()):
        show_error(error)


def _results(found: Sequence[Dataset], scope: str) -> None:
    """What was found, a row for each; a click opens one."""
    key = f"results-{scope}-{remembered('q') or ''}"

    def clicked() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            remember("dataset", found[rows[0]].id)

    today = date.today()
    conditions = [condition(open_catalog(), d.id) for d in found]
    rows = {
        t("Dataset"): [dataset_title(d) for d in found],
        t("From"): [d.observed_from for d in found],
        t("To"): [d.observed_to for d in found],
        t("Age in years"): [age(d, today).days / 365.25 for d in found],
        t("Places"): [None if c is None else c.places for c in conditions],
        t("Complete"): [None if c is None else c.completeness for c in conditions],
        t("Step"): [said(d.step) for d in found],
        t("Licence"): [licence_words(d) for d in found],
        t("Theme"): [theme_words(d.theme) for d in found],
        t("Producer"): [d.producer for d in found],
    }
    if scope == "all":
        rows[t("Region")] = [_region_title(d.region) for d in found]
    st.caption(
        tn(
            "{n} dataset found; click on its row to open it.",
            "{n} datasets found; click on a row to open it.",
            len(found),
        )
    )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key=key,
        on_select=clicked,
        selection_mode="single-row",
        height=min(38 + 35 * len(found), 388),
        placeholder="–",
        column_config={
            t("Dataset"): st.column_config.TextColumn(width="large"),
            t("Age in years"): st.column_config.NumberColumn(
                format="%.1f", help=t("Years from the last observation to today.")
            ),
            t("Places"): st.column_config.NumberColumn(format="localized"),
            t("Complete"): st.column_config.NumberColumn(
                format="percent",
                help=t("The share of the values due, at all its places and times, that are there."),
            ),
            t("Licence"): st.column_config.TextColumn(width="medium"),
        },
    )


def _opened(catalog: Catalog, found: Sequence[Dataset], region: Region) -> Dataset:
    """The dataset that is looked into: the one asked for, else what the region opens on, else the best match."""
    options = {d.id: dataset_title(d) for d in found}
    asked = remembered("dataset")
    if asked is not None and asked in catalog and asked not in options:
        options[asked] = dataset_title(catalog[asked])
    opening = region.opens_on.partition(".")[0]
    searching = remembered("q") is not None
    default = opening if opening in options and not searching else found[0].id
    return catalog[choose("dataset", t("Dataset"), options, default=default)]


def _dataset(dataset: Dataset, region: Region) -> None:
    st.header(plain(dataset_title(dataset)))
    st.markdown(plain(said(dataset.summary) if dataset.publication is None else dataset.summary))
    draw_provenance(dataset)
    at_facts, at_flaws = st.columns(2, gap="large")
    with at_facts:
        st.subheader(t("Where it comes from"))
        st.markdown(
            "\n".join(
                "- " + t("{label}: {text}", label=f"**{plain(label)}**", text=plain(fact))
                for label, fact in dataset_facts(dataset)
            )
        )
    with at_flaws:
        st.subheader(t("Known flaws"))
        st.markdown("\n".join(f"- {plain(said(flaw))}" for flaw in dataset.flaws) or t("None is known."))
    with errors_shown():
        table = region.table(dataset.id) if dataset.theme != "basemap" else dataset.load()
        if dataset.kind == "panel" and dataset.timeless:
            table = table.drop(columns="time")  # there only because every panel has one
        _statistics(dataset)
        _coverage(dataset, region)
        _preview(dataset, table)
        _downloads(dataset, table)


def _statistics(dataset: Dataset) -> None:
    """The automatic statistics of the columns and of the times."""
    found = open_catalog().profile(dataset.id)
    if not found.columns:
        return
    st.subheader(t("Automatic statistics"))
    words = [
        t(
            "{rows} of {places}.",
            rows=tn("{n} row", "{n} rows", found.rows),
            places=tn("{n} place", "{n} places", found.locations),
        )
    ]
    if found.times is not None:
        times = found.times
        if times.step_share == 1:
            words.append(t("Each row follows the one before at the same step, {step}.", step=said(times.step_found)))
        elif dataset.step not in {"once", "irregular"} and math.isfinite(times.step_share):
            words.append(
                t(
                    "{share} of the rows follow the one before at the step found, {step}.",
                    share=percent(times.step_share, decimals=1),
                    step=said(times.step_found),
                )
            )
        words.append(
            t("No row repeats a place and time.")
            if not times.duplicates
            else tn("{n} row repeats a place and time.", "{n} rows repeat a place and time.", times.duplicates)
        )
    outside = sum(column.outside for column in found.columns)
    words.append(
        t("Nobody has stated what would be plausible.")
        if not any(_limited(column) for column in dataset.columns.values())
        else t("No value lies outside the limits of what is plausible.")
        if not outside
        else tn(
            "{n} value lies outside the limits of what is plausible.",
            "{n} values lie outside the limits of what is plausible.",
            outside,
        )
    )
    st.markdown(plain(together(words)))
    st.dataframe(pd.DataFrame([_column_row(dataset.column(c.name), c) for c in found.columns]), hide_index=True)
    st.caption(plain(t("An outlier is a value {rule}.", rule=said(found.outlier_rule))))


def _limited(column: Column) -> bool:
    return math.isfinite(column.minimum) or math.isfinite(column.maximum)


def _column_row(column: Column, found: ColumnProfile) -> dict[str, str]:
    return {
        t("Column"): column_title(column),
        t("Lowest"): number(found.minimum),
        t("Middle"): number(found.median),
        t("Highest"): number(found.maximum),
        t("Missing"): number(found.missing, decimals=0),
        t("Complete"): percent(min(found.completeness, found.share_present), decimals=1),
        t("Outliers"): number(found.outliers, decimals=0),
        t("Plausible"): t("{low} to {high}", low=number(column.minimum), high=number(column.maximum))
        if _limited(column)
        else t("not stated"),
        t("Outside"): number(found.outside, decimals=0),
        t("Mean"): number(found.mean),
        t("5% lie below"): number(found.p05),
        t("5% lie above"): number(found.p95),
        t("Zeros"): number(found.zeros, decimals=0),
        t("Negative"): number(found.negative, decimals=0),
        t("Name in the file"): column.name,
    }


@fragment
def _coverage(dataset: Dataset, region: Region) -> None:
    """Where the places with data are, and how complete each of them is."""
    if not dataset.columns or dataset.theme == "basemap":
        return
    st.subheader(t("Where there are data, and how complete"))
    catalog = open_catalog()
    column = _covered_column(dataset)
    shares = coverage(catalog, dataset.id, column)
    st.markdown(plain(coverage_words(dataset, shares)))
    if dataset.id in {d.id for d in region.mappable()}:
        state = map_view(
            region.layer_of(dataset),
            shares * 100,
            classes=class_breaks(shares * 100, method="given", breaks=COMPLETENESS),
            title=t("Share of the values due that are there"),
            unit="%",
            basemap=region.base(),
            key=f"coverage-{dataset.id}",
        )
        show_place_link(region, state.selected)
    else:
        st.info(t("The places of this dataset have no position, so no map shows them."))
    worst = worst_covered(catalog, dataset.id, WORST, column) if dataset.kind == "panel" else []
    if not worst:
        return
    at_histogram, at_worst = st.columns(2, gap="large")
    with at_histogram:
        st.markdown(f"**{plain(t('How many places are how complete'))}**")
        st.plotly_chart(completeness_figure(shares), key=f"completeness-{dataset.id}")
    with at_worst:
        st.markdown(f"**{plain(t('The least complete places'))}**")
        places = region.places()
        rows = {
            t("Place"): [str(places["name"].get(place, place)) for place, _, _ in worst],
            t("Complete"): [percent(share, decimals=1) for _, share, _ in worst],
        }
        if column is None:
            rows[t("Longest gap")] = [length_words(pd.Timedelta(days=gap)) if gap > 0 else "–" for _, _, gap in worst]
        st.dataframe(pd.DataFrame(rows), hide_index=True)


def _covered_column(dataset: Dataset) -> str | None:
    """The column whose coverage is shown; none means all of them together."""
    if len(dataset.columns) == 1 or dataset.step == "irregular":
        return None
    options = {"all": t("All columns together"), **{c.name: said(c.title) for c in dataset.columns.values()}}
    if remembered("coverage") not in options:  # it was of the dataset that was open before
        remember("coverage", None)
    chosen = choose("coverage", t("Of which column"), options, default="all")
    return None if chosen == "all" else chosen


def _region_title(region_id: str) -> str:
    """The name of a region; one that is broken goes by its id."""
    try:
        return said(load_region(region_id).name)
    except AlmanacError:
        return region_id


def _preview(dataset: Dataset, table: pd.DataFrame | gpd.GeoDataFrame) -> None:
    st.subheader(t("The first rows"))
    names = [c for c in table.columns if c != "geometry"]
    st.dataframe(pd.DataFrame(table[names].head(PREVIEW_ROWS)), hide_index=dataset.kind == "panel", height=250)
    st.caption(
        t(
            "{shown} of {n} rows. Times are the start of the interval, in UTC.",
            shown=number(min(PREVIEW_ROWS, len(table)), decimals=0),
            n=number(len(table), decimals=0),
        )
        if dataset.kind == "panel" and not dataset.timeless
        else t(
            "{shown} of {n} rows, without their geometry.",
            shown=number(min(PREVIEW_ROWS, len(table)), decimals=0),
            n=number(len(table), decimals=0),
        )
    )


@fragment
def _downloads(dataset: Dataset, table: pd.DataFrame | gpd.GeoDataFrame) -> None:
    """Files to take away; each is made only when its button is pressed."""
    st.subheader(t("Take it away"))
    at_csv, at_parquet, at_source = st.columns(3)
    at_csv.download_button(
        t("CSV for spreadsheets (about {size})", size=size_words(_csv_size(dataset, table))),
        lambda: csv_bytes(table),
        file_name=f"{dataset.id}.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )
    at_parquet.download_button(
        t("Parquet as stored ({size})", size=size_words(dataset.path.stat().st_size)),
        lambda: parquet_bytes(dataset, table),
        file_name=f"{dataset.id}.parquet",
        mime="application/vnd.apache.parquet",
        icon=":material/database:",
        on_click="ignore",
        width="stretch",
    )
    at_source.download_button(
        t("Source, licence and flaws (text)"),
        source_text(dataset),
        file_name=f"{dataset.id}.txt",
        mime="text/plain",
        icon=":material/description:",
        on_click="ignore",
        width="stretch",
    )
    st.caption(
        t(
            "In the CSV, text that a spreadsheet would take for a formula begins with an apostrophe. "
            "Send the text file along with the table: it carries the source and the licence."
        )
    )
    if len(table) >= EXCEL_ROWS:
        st.warning(
            t(
                "The table has {n} rows; Excel opens at most {most}. Use Parquet, or a database.",
                n=number(len(table), decimals=0),
                most=number(EXCEL_ROWS, decimals=0),
            )
        )


@st.cache_data(max_entries=200, show_spinner=False, hash_funcs={Dataset: lambda d: d.sha256})
def _csv_size(dataset: Dataset, _table: pd.DataFrame) -> int:
    return csv_size(_table)


VIEW = View(id="data", title=message("Data"), order=12, icon=":material/database:", draw=draw)
