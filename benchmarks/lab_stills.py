"""Draw what the lab's page shows without JavaScript, by the page itself in a Chromium.

    python benchmarks/lab_stills.py

writes stills.json next to the page's other parts; a test compares it with what the page draws today.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import closedbook.lab.page


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "lab.html"
        closedbook.lab.page.write_page(path)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(reduced_motion="reduce")
        page.goto(path.as_uri())
        drawn = page.evaluate("JSON.stringify(stills(), null, 1)")
        browser.close()
    Path(closedbook.lab.page.__file__).with_name("stills.json").write_text(drawn + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
