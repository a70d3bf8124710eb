"""The browser of the tests and the benchmarks: found on this machine, or installed.

`python -m tests.browser.browser` (part of `make test` and `make bench`) installs what is missing: a
browser, and a font with Chinese characters, without which pages in Chinese are pictures of empty boxes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from geodata.errors import AlmanacError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# They draw without a graphics card, and keep the browser itself from calling home: tests count every request.
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
INSTALL_LIMIT_S = 600


def find_browser() -> Path | None:
    """The browser to use: `ALMANAC_BROWSER`, a Chromium or Chrome on the PATH, or Playwright's own."""
    chosen = os.environ.get("ALMANAC_BROWSER")
    if chosen:
        if not works(Path(chosen)):
            raise AlmanacError(
                f"ALMANAC_BROWSER names {chosen}, which does not start as a browser.",
                hint="Name the program file of a Chromium or Chrome, or unset it to have one found.",
            )
        return Path(chosen)
    candidates = [Path(path) for path in map(shutil.which, NAMES) if path]
    candidates += [Path(path) for path in MAC]
    found = next((path for path in candidates if works(path)), None)
    if found is not None:
        return found
    # In a thread of its own: two Playwrights cannot run in one, and the tests' own may be running.
    with ThreadPoolExecutor(1) as aside:
        bundled = aside.submit(_playwrights_own).result()
    return bundled if works(bundled) else None


def _playwrights_own() -> Path:
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def works(path: Path) -> bool:
    """Whether the file starts as a browser: some systems put a script there that asks for a snap."""
    if not path.is_file():
        return False
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.startswith(("Chromium", "Google Chrome"))


def launch(playwright: Playwright, *extra: str, headless: bool = True) -> Browser:
    """A running browser that draws in software and asks nothing of the network by itself.

    Parameters
    ----------
    playwright : from `sync_playwright()`
    extra : further flags, for example "--disable-gpu" or "--disable-3d-apis" for a browser without WebGL
    """
    path = find_browser()
    if path is None:
        raise no_browser()
    # Chromium refuses its own sandbox to root.
    flags = [*FLAGS, *extra, *(["--no-sandbox"] if _is_root() else [])]
    return playwright.chromium.launch(executable_path=path, args=flags, headless=headless)


def no_browser(why: str = "") -> AlmanacError:
    """What to tell when there is none and none can be installed."""
    return AlmanacError(
        "The tests need a Chromium or Chrome browser, and none was found" + (f" ({why})." if why else "."),
        hint="Install Chromium from your system's packages, or name one: ALMANAC_BROWSER=/path/to/chrome.",
    )


def install_browser() -> Path:
    """Finds a browser, or installs one: from the system's packages where allowed, else Playwright's own."""
    tried = []
    for way in (None, _with_apt("chromium"), [sys.executable, "-m", "playwright", "install", "chromium"]):
        if way is not None:
            print(f"No browser yet; running: {' '.join(way[-4:])}", file=sys.stderr)
            if not _run(way):
                tried.append(f"“{' '.join(way[-3:])}” failed")
                continue
        found = find_browser()
        if found is not None:
            return found
    raise no_browser(", ".join(tried))


def has_chinese_font() -> bool:
    """Whether this machine can draw Chinese; taken as given where fonts are not listed with fontconfig."""
    if sys.platform != "linux":
        return True
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def install_chinese_font() -> bool:
    """Installs a font with Chinese characters where that is allowed; returns whether there is one now."""
    if has_chinese_font():
        return True
    way = _with_apt("fonts-noto-cjk", "fontconfig")
    if way is not None:
        print("No font with Chinese characters yet; installing fonts-noto-cjk", file=sys.stderr)
        _run(way)
    return has_chinese_font()


def _with_apt(*packages: str) -> list[str] | None:
    if shutil.which("apt-get") is None or not _is_root():
        return None
    install = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
    return ["sh", "-c", f"apt-get update -qq; {install} {' '.join(packages)}"]


def _run(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            timeout=INSTALL_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def main() -> int:
    """Installs what is missing; 2 when the tests cannot run."""
    try:
        install_browser()
    except AlmanacError as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return 2
    if not install_chinese_font():
        print(
            "No font with Chinese characters was found: pages in Chinese will be pictures of empty boxes. "
            "Install one, for example fonts-noto-cjk.",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
