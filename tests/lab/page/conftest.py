"""The lab's page on disk."""

import pytest


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page on disk."""
    from closedbook.lab.page import write_page

    path = tmp_path_factory.mktemp("page") / "lab.html"
    write_page(path)
    return path.as_uri()
