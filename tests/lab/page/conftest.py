"""A real Chromium for the tests of the page, which are skipped where there is none."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for each file of tests, closed before other tests fork processes."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on this machine: on Debian and Ubuntu, apt install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("playwright is not installed: pip install playwright, without its browsers")
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page on disk."""
    from closedbook.lab.page import write_page

    path = tmp_path_factory.mktemp("page") / "lab.html"
    write_page(path)
    return path.as_uri()


@pytest.fixture
def visit(chromium: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Open the page with a hash and browser options; any request, console message or error fails the test."""
    contexts: list[Any] = []
    faults: list[str] = []

    def visit(state: str = "", **settings: Any) -> Any:
        context = chromium.new_context(**{"reduced_motion": "reduce", "offline": True} | settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)  # a busy machine needs more than five seconds to open the page
        page.on("console", lambda message: faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("request", lambda request: request.url.split("#")[0] == address or faults.append(request.url))
        page.goto(address + state)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []
