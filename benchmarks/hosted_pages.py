"""Join the hosted pages anew: docs/explore/index.html, with the data that it has, and docs/lab/lab.html.

    python benchmarks/hosted_pages.py            # after a change of what the pages are made of
    python benchmarks/hosted_pages.py --still    # and draw docs/explore.png, in a Chromium

A test fails where they are not what this writes. The model in docs/explore/index.html was made by

    closedbook world people --people 300 --world.n-places 32 --world.attributes birthplace
    closedbook study people/corpus.txt --pairs people/train.tsv --out runs/invented-people --budget 0.7
    closedbook explore runs/invented-people --pairs people/test.tsv --text --out docs/explore/index.html
"""

import argparse
import io
import shutil
from pathlib import Path

from closedbook.explore.write import page_html
from closedbook.lab import page as lab

DOCS = Path(__file__).parents[1] / "docs"
EXPLORE, LAB = DOCS / "explore" / "index.html", DOCS / "lab" / "lab.html"
_BEGIN, _END = '<script type="application/json" id="book">', "</script>"
_N_ELEMENTS = 3
_STILL = "#q=Where+was+Polten+Pusun+born%3F&guess=knows&letter=1"
_N_COLORS = 64


def book_in(html: str) -> str:
    """The elements of the book in a page."""
    begin = html.index(_BEGIN)
    end = begin
    for _ in range(_N_ELEMENTS):
        end = html.index(_END, end) + len(_END)
    return html[begin:end]


def pages() -> dict[Path, str]:
    """What each hosted page should be."""
    return {EXPLORE: page_html(book_in(EXPLORE.read_text(encoding="utf-8"))), LAB: lab.page_html()}


def still() -> bytes:
    """The top of the hosted page after an answer, as a PNG of few colors."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=1.2, color_scheme="light")
        page.goto(EXPLORE.as_uri() + _STILL)
        page.wait_for_selector("html.ready")
        top, bottom = (page.locator(one).first.bounding_box() for one in ("#ask-title", "#histograms"))
        assert top is not None
        assert bottom is not None
        y = top["y"] - 24
        clip = {"x": 0, "y": y, "width": 1000, "height": bottom["y"] + bottom["height"] + 24 - y}
        drawn = page.screenshot(full_page=True, clip=clip)
        browser.close()
    few = Image.open(io.BytesIO(drawn)).convert("RGB").quantize(_N_COLORS, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    few.save(packed, "png", optimize=True)
    return packed.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--still", action="store_true", help="draw docs/explore.png too")
    draws = parser.parse_args().still
    for path, html in pages().items():
        path.write_text(html, encoding="utf-8")
    if draws:
        (DOCS / "explore.png").write_bytes(still())


if __name__ == "__main__":
    main()
