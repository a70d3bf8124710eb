"""The provenance of what an analyst published, and the decisions about it."""

from __future__ import annotations

import streamlit as st

from app.dataset_words import dataset_title
from app.export import zipped
from app.publication_words import provenance_facts, standing_of, withdrawal_words
from app.text import language, listed, t, tn
from app.widgets import errors_shown, fragment, plain, remember
from geodata.dataset import Dataset
from geodata.publication import Publication, approve, withdraw, withdrawn
from geodata.region import Region
from geodata.settings import settings


def show_standing(region: Region, dataset: Dataset) -> None:
    """Says above a number that it is an analyst's result and how it was made, and leads to its provenance."""
    publication = dataset.publication
    if publication is None:
        return
    _standing(publication)
    st.caption(plain(dataset.summary))
    st.page_link(
        st.session_state["pages"]["data"],
        label=t("How this result came about"),
        icon=":material/fact_check:",
        query_params={"dataset": dataset.id, "scope": "region", "region": region.id, "lang": language()},
    )


def _standing(publication: Publication) -> None:
    box = st.info if publication.approved is None else st.success
    box(plain(standing_of(publication)), icon=":material/edit_note:")


def draw_provenance(dataset: Dataset) -> None:
    """Draws the provenance card of a published dataset, its files, and where one approves or withdraws it."""
    publication = dataset.publication
    if publication is None:
        return
    _standing(publication)
    st.subheader(t("How this result came about"))
    with errors_shown():
        facts = [t("{label}: {text}", label=f"**{plain(a)}**", text=plain(b)) for a, b in provenance_facts(dataset)]
        st.markdown("\n".join(f"- {fact}" for fact in facts))
    with errors_shown():
        st.download_button(
            t("The code as it was run, and all that goes with it (ZIP)"),
            zipped(dataset),
            file_name=f"{dataset.id}.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            key=f"attached-{dataset.id}",
        )
        st.caption(plain(t("In it: {names}.", names=listed(publication.attachments))))
    _decide(dataset)


@fragment
def _decide(dataset: Dataset) -> None:
    """Approving and withdrawing, apart from each other: both are kept with the name of who decided."""
    publication = dataset.publication
    assert publication is not None
    # Of another edition nothing that was typed for this one is meant.
    key, folder = f"{dataset.id}-{publication.edition}", settings().publications
    title = dataset_title(dataset)
    if publication.approved is None:
        with st.expander(t("Approve this result"), icon=":material/verified:"):
            st.caption(
                t(
                    "Approved, it loses its mark on every page. There are no accounts: whoever can open this dashboard "
                    "can decide, and the name is kept."
                )
            )
            if not publication.as_saved:
                st.warning(t("What was run is not what the notebook’s file held: others may not get the same."))
            name = st.text_input(t("Your name"), key=f"by-{key}", max_chars=100)
            with errors_shown():
                if st.button(t("Approve"), key=f"approve-{key}"):
                    approve(folder, dataset, name)
                    _told(t("“{title}” is approved.", title=dataset.title))
    with st.expander(t("Withdraw this result"), icon=":material/undo:"):
        st.caption(t("Withdrawn, it disappears from every page. Its files, the reason and the name are kept."))
        name = st.text_input(t("Your name"), key=f"out-{key}", max_chars=100)
        reason = st.text_input(t("Why"), key=f"why-{key}", max_chars=500)
        with errors_shown():
            if st.button(t("Withdraw"), key=f"withdraw-{key}"):
                withdraw(folder, dataset, name, reason)
                remember("dataset", None)
                _told(t("“{title}” is withdrawn and gone from every page.", title=title))


def _told(sentence: str) -> None:
    """Draws the page anew with what was decided above it."""
    st.session_state["decided"] = sentence
    st.rerun()


def show_decision() -> None:
    """Says once what was just approved or withdrawn."""
    decided = st.session_state.pop("decided", None)
    if decided is not None:
        st.success(plain(decided), icon=":material/check:")


def draw_withdrawn(region: str | None) -> None:
    """Lists what was withdrawn, with who did so and why; of one region, or of all."""
    gone = [one for one in withdrawn(settings().publications) if region in (None, one.region)]
    if not gone:
        return
    label = tn("{n} withdrawn result", "{n} withdrawn results", len(gone))
    with st.expander(label, icon=":material/undo:"):
        st.markdown("\n".join(f"- {plain(withdrawal_words(one))}" for one in gone))
