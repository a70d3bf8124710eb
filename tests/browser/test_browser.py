"""How the tests' own browser is found and installed; needs none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from geodata.errors import AlmanacError
from tests.browser import browser


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any browser; returns the only folder on its PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.delenv("ALMANAC_BROWSER", raising=False)
    monkeypatch.setattr(browser, "MAC", ())
    return programs


def test_the_first_browser_that_starts_is_taken(empty: Path) -> None:
    assert browser.find_browser() is None
    # Ubuntu puts a script here that only asks to install a snap.
    program(empty / "chromium", "echo 'Command requires the chromium snap to be installed.' >&2; exit 1")
    program(empty / "chromium-browser", "echo 'some other program 1.0'")
    chrome = program(empty / "google-chrome", "echo 'Google Chrome 141.0'")
    assert browser.find_browser() == chrome


def test_the_browser_named_is_taken_or_refused_in_two_sentences(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(empty / "chromium", "echo 'Chromium 141.0'")
    mine = program(tmp_path / "mine" / "browser", "echo 'Chromium 140.0'")
    monkeypatch.setenv("ALMANAC_BROWSER", str(mine))
    assert browser.find_browser() == mine
    monkeypatch.setenv("ALMANAC_BROWSER", str(tmp_path / "absent"))
    with pytest.raises(AlmanacError, match="does not start as a browser") as caught:
        browser.find_browser()
    assert "unset" in caught.value.hint


def test_the_systems_packages_come_before_playwrights_own(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(command: list[str]) -> bool:
        ran.append(" ".join(command))
        program(empty / "chromium", "echo 'Chromium 141.0'")
        return True

    monkeypatch.setattr(browser, "_run", run)
    monkeypatch.setattr(browser, "_is_root", lambda: True)
    program(empty / "apt-get", "exit 1")
    assert browser.install_browser() == empty / "chromium"
    assert len(ran) == 1
    assert "apt-get install -y --no-install-recommends chromium" in ran[0]
    # Once there is one, nothing is installed.
    assert browser.install_browser() == empty / "chromium"
    assert len(ran) == 1


def test_where_none_can_be_installed_the_command_says_so(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def run(command: list[str]) -> bool:
        ran.append(" ".join(command))
        return False

    monkeypatch.setattr(browser, "_run", run)
    monkeypatch.setattr(browser, "_is_root", lambda: False)
    program(empty / "apt-get", "exit 0")
    assert browser.main() == 2
    assert [command.split(" -m ")[-1] for command in ran] == ["playwright install chromium"]
    said = capsys.readouterr().err
    assert "The tests need a Chromium or Chrome browser, and none was found" in said
    assert "ALMANAC_BROWSER=" in said


def test_a_machine_that_cannot_draw_chinese_is_noticed(empty: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("fonts are listed with fontconfig on Linux only")
    assert not browser.has_chinese_font()
    program(empty / "fc-list", "exit 0")
    assert not browser.has_chinese_font()
    program(empty / "fc-list", "echo 'Noto Sans CJK SC'")
    assert browser.has_chinese_font()
