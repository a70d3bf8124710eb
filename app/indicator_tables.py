"""Indicators as tables: every place with its evidence, standards side by side, and what a region lacks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pandas as pd

from analytics.finding import Finding, Lacking
from analytics.indicator import Indicator
from analytics.standard import Comparison, Standard
from app.indicator_words import (
    SHORT_GRADES,
    chosen_unit,
    class_words,
    completeness_share,
    meaning,
    reason_words,
    short_title,
    unit_words,
    value_words,
    vintage_words,
)
from app.sentences import chance_number
from app.text import number, percent, said, t
from geodata.region import Region


def table_words(region: Region, found: Finding) -> pd.DataFrame:
    """Every place with its value, class and evidence, the worst first, those without a value last, as a table."""
    table = found.measured.table
    ranked = found.ranked()
    table = pd.concat([ranked, table[table["value"].isna()]])
    names = region.places()["name"]
    labels = found.labels.reindex(table.index)
    columns: dict[str, list[object]] = {
        t("Place"): [str(names.get(place, place)) for place in table.index],
        chosen_unit(found.indicator): table["value"].round(6).to_list(),
    }
    if table["low"].notna().any():
        columns[t("Lower limit, 95%")] = table["low"].round(6).to_list()
        columns[t("Upper limit, 95%")] = table["high"].round(6).to_list()
    if table["p_value"].notna().any():
        columns[t("p-value")] = [chance_number(p) if pd.notna(p) else "" for p in table["p_value"]]
    if found.standard is not None:
        columns[t("Class")] = [said(str(label)) if pd.notna(label) else "" for label in labels]
    columns |= {
        t("Values used"): table["n"].to_list(),
        t("Completeness"): [completeness_share(row) for _, row in table.iterrows()],
        t("Observed"): [vintage_words(row) for _, row in table.iterrows()],
        t("Provisional"): [percent(share) if share > 0 else "" for share in table["provisional"]],
        t("Note"): [reason_words(found.indicator, row) if row["reason"] else "" for _, row in table.iterrows()],
    }
    return pd.DataFrame(columns)


def lacking_words(missing: Sequence[Lacking]) -> pd.DataFrame:
    """The indicators that a region has no data for, and what each needs, as a table."""
    return pd.DataFrame(
        {
            t("Indicator"): [short_title(m.indicator) for m in missing],
            t("What it says"): [meaning(m.indicator) for m in missing],
            t("Columns it needs"): [", ".join(m.needs) for m in missing],
        }
    )


def disagreements_table(region: Region, indicator: Indicator, result: Comparison) -> pd.DataFrame:
    """The places on which the standards disagree, and what each calls them."""
    names = region.places()["name"]
    rows = result.disagreed.sort_values("value")
    columns: dict[str, list[object]] = {
        t("Place"): [str(names.get(place, place)) for place in rows.index],
        chosen_unit(indicator): rows["value"].round(6).to_list(),
    }
    for standard in result.standards:
        columns[said(standard.title)] = [said(str(label)) for label in rows[standard.id]]
    return pd.DataFrame(columns)


def breaks_words(standard: Standard, indicator: Indicator) -> dict[str, list[str]]:
    """The classes of a standard, from the lowest values to the highest, as columns of a table."""
    classes = standard.classes[indicator.id]
    edges = [number(edge, digits=4) for edge in classes.breaks]
    left = classes.closed == "left"
    first = t("below {high}", high=edges[0]) if left else t("{high} or less", high=edges[0])
    last = t("{low} or more", low=edges[-1]) if left else t("above {low}", low=edges[-1])
    middle = [t("{low} to {high}", low=low, high=high) for low, high in itertools.pairwise(edges)]
    symbol = unit_words(indicator)
    return {
        t("Class"): [said(label) for label in classes.labels],
        (f"{t('Values')} ({symbol})" if symbol else t("Values")): [first, *middle, last],
        t("A concern"): [t("yes") if label in classes.concern else "" for label in classes.labels],
    }


def place_table(found: Sequence[Finding], location_id: str) -> pd.DataFrame:
    """Every indicator of one place, with its class, vintage and grade of evidence, as a table."""
    rows = [(f, f.measured.table.loc[location_id]) for f in found]
    return pd.DataFrame(
        {
            t("Indicator"): [short_title(f.indicator) for f, _ in rows],
            t("Value"): [
                value_words(f.indicator, row) if not row["reason"] else reason_words(f.indicator, row)
                for f, row in rows
            ],
            t("Class"): [class_words(f, location_id) for f, _ in rows],
            t("Standard"): [said(f.standard.title) if f.standard is not None else "" for f, _ in rows],
            t("Observed"): [vintage_words(row) for _, row in rows],
            t("Completeness"): [completeness_share(row) for _, row in rows],
            t("Grade of evidence"): [said(SHORT_GRADES[f.indicator.evidence.grade]) for f, _ in rows],
        }
    )
