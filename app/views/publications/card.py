"""The provenance of what an analyst published, and the decisions about it."""

from __future__ import annotations

import streamlit as st

from app.publication_words import provenance_facts, standing_of
from app.text import language, t
from app.widgets import errors_shown, fragment, plain, remember
from geodata.dataset import Dataset
from geodata.publication import approve, attachment, withdraw
from geodata.region import Region
from geodata.settings import settings


def show_standing(region: Region, dataset: Dataset) -> None:
    """Says above a number that it is an analyst's result, and leads to its provenance."""
    publication = dataset.publication
    if publication is None:
        return
    st.info(plain(standing_of(publication)), icon=":material/edit_note:")
    st.page_link(
        st.session_state["pages"]["data"],
        label=t("How this result came about"),
        icon=":material/fact_check:",
        query_params={"dataset": dataset.id, "scope": "region", "region": region.id, "lang": language()},
    )


def draw_provenance(dataset: Dataset) -> None:
    """Draws the provenance card of a published dataset, its files, and where one approves or withdraws it."""
    publication = dataset.publication
    if publication is None:
        return
    (st.info if publication.approved is None else st.success)(
        plain(standing_of(publication)), icon=":material/edit_note:"
    )
    st.subheader(t("How this result came about"))
    with errors_shown():
        facts = [t("{label}: {text}", label=f"**{plain(a)}**", text=plain(b)) for a, b in provenance_facts(dataset)]
        st.markdown("\n".join(f"- {fact}" for fact in facts))
    st.caption(t("The files that go with it, the code as it was run among them:"))
    with st.container(horizontal=True):
        for name in publication.attachments:
            with errors_shown():
                st.download_button(
                    name,
                    attachment(dataset, name),
                    file_name=name,
                    on_click="ignore",
                    key=f"attached-{dataset.id}-{name}",
                )
    _decide(dataset)


@fragment
def _decide(dataset: Dataset) -> None:
    """Approving and withdrawing: both are kept with the name of who decided."""
    publication = dataset.publication
    assert publication is not None
    # Of another edition nothing that was typed for this one is meant.
    key = f"{dataset.id}-{publication.edition}"
    with st.expander(t("Approve or withdraw this result"), icon=":material/gavel:"):
        st.caption(
            t(
                "Approved, it loses its mark on every page. Withdrawn, it disappears from every page; its files and "
                "the reason are kept. There are no accounts: whoever can open this dashboard can decide."
            )
        )
        name = st.text_input(t("Your name"), key=f"by-{key}", max_chars=100)
        reason = st.text_input(t("Reason, if you withdraw it"), key=f"why-{key}", max_chars=500)
        at_approve, at_withdraw = st.columns(2)
        with errors_shown():
            folder = settings().publications
            if publication.approved is None and at_approve.button(t("Approve"), key=f"approve-{key}", width="stretch"):
                approve(folder, dataset, name)
                st.rerun()
            if at_withdraw.button(t("Withdraw"), key=f"withdraw-{key}", width="stretch"):
                withdraw(folder, dataset, name, reason)
                remember("dataset", None)
                st.rerun()
