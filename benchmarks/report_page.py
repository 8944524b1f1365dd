"""What a report's page costs a browser: size, requests, console, and the time until it is drawn.

    python -m benchmarks.report_page REPORT.html [--times 3]

Opens the page in headless Chromium, each time in a new process, and prints one line of JSON:
seconds by the clock until what is in sight is drawn, and all of it; processor seconds of the page's
own process, which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from rheobase.golden import RheobaseError

_STATES = ("sight", "yes")


def measured(path: Path) -> dict[str, Any]:
    """One opening of the page at ``path``."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise RheobaseError("chromium: not found, must be installed (apt-get install chromium)")
    said: list[str] = []
    asked: list[str] = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.resolve().as_uri(), wait_until="commit")
        page.wait_for_selector("html[data-drawn=yes]", state="attached", timeout=300_000)
        marks = {
            state: page.evaluate(f"performance.getEntriesByName('drawn-{state}')[0].startTime")
            for state in _STATES
        }
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        renderers = [one for one in processes["processInfo"] if one["type"] == "renderer"]
        browser.close()
    return {
        "sight_s": round(marks["sight"] / 1000, 2),
        "drawn_s": round(marks["yes"] / 1000, 2),
        "cpu_s": round(max(one["cpuTime"] for one in renderers), 2),
        "requests": len([url for url in asked if not url.startswith("file:")]),
        "console": len(said),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    size = arguments.report.stat().st_size
    for _ in range(arguments.times):
        load = round(os.getloadavg()[0], 1)
        print(json.dumps({"bytes": size, "load": load, **measured(arguments.report)}), flush=True)


if __name__ == "__main__":
    main()
