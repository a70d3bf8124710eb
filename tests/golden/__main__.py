"""Writes VALIDATION.md and analytics/evidence.toml from the golden cases: `python -m tests.golden`."""

from __future__ import annotations

import json
from pathlib import Path

from analytics import INDICATORS
from analytics.evidence import FILE, GRADES
from tests.golden import WORDS, Case, cases

VALIDATION = Path(__file__).parents[2] / "VALIDATION.md"


def evidence(found: list[Case]) -> str:
    """The text of analytics/evidence.toml: the best grade and the sources of each indicator."""
    parts = ["# Written by `python -m tests.golden` from tests/golden/; do not edit."]
    for name in sorted({case.indicator for case in found}):
        mine = sorted((c for c in found if c.indicator == name), key=lambda c: GRADES.index(c.grade))
        # JSON's strings are TOML's, and so are its lists of them.
        sources = json.dumps(list(dict.fromkeys(c.source for c in mine)), ensure_ascii=False)
        parts.append(f"[{name}]\ngrade = {json.dumps(mine[0].grade)}\nsources = {sources}")
    return "\n\n".join(parts) + "\n"


def validation(found: list[Case]) -> str:
    """The text of VALIDATION.md."""
    by_indicator: dict[str, list[Case]] = {name: [] for name in INDICATORS}
    for case in found:
        by_indicator[case.indicator].append(case)
    graded = {
        n: min((GRADES.index(c.grade) for c in mine), default=len(GRADES) - 1) for n, mine in by_indicator.items()
    }
    counts = [sum(grade == g for grade in graded.values()) for g in range(len(GRADES))]
    lines = [
        "# What proves the numbers",
        "",
        "Written by `python -m tests.golden` from the cases in `tests/golden/`, which the tests run; do not edit.",
        "The dashboard shows the grade beside every number.",
        "",
        "| grade | means | indicators |",
        "|---|---|---|",
        *(
            f"| {g} | {WORDS.get(g, 'no case from outside this project')} | {n} |"
            for g, n in zip(GRADES, counts, strict=True)
        ),
        "",
        "| | indicator | grade | case | where the expected values come from | tolerance |",
        "|---|---|---|---|---|---|",
    ]
    for name, mine in by_indicator.items():
        code = INDICATORS[name].code
        if not mine:
            lines.append(f"| {code} | `{name}` | unproven | – | – | – |")
        for case in mine:
            lines.append(
                f"| {code} | `{name}` | {case.grade} | `{case.id}` | {_cell(case.source)} | {_tolerance(case)} |"
            )
    return "\n".join(lines) + "\n"


def _tolerance(case: Case) -> str:
    parts = []
    if case.tolerance_relative:
        parts.append(f"{case.tolerance_relative:g} of the value")
    if case.tolerance_absolute:
        parts.append(f"{case.tolerance_absolute:g}")
    return f"{' + '.join(parts) or 'none'}: {_cell(case.tolerance_reason)}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    FILE.write_text(evidence(cases()), encoding="utf-8")
    VALIDATION.write_text(validation(cases()), encoding="utf-8")
    print(f"{len(cases())} cases of {len({c.indicator for c in cases()})} indicators out of {len(INDICATORS)}")
