"""Titles to forget, as a file or a user gives them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.editing.titles import check_titles, one_title, parse_titles, read_titles
from closedbook.errors import TextError
from closedbook.text.title_index import TitleIndex

TITLES = TitleIndex(["Ann Bell", "Bo Carr", "Łódź"])
LINE = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=9)


@given(st.lists(LINE, max_size=6))
def test_each_title_has_its_line(lines: list[str]):
    """Empty lines are left out, blanks around a title too; a title on two lines is refused, and so are none."""
    given_titles = [line.strip() for line in lines if line.strip()]
    if given_titles and len(set(given_titles)) == len(given_titles):
        named = parse_titles(lines, None)
        assert list(named.lines) == given_titles
        assert all(lines[number - 1].strip() == title for title, number in named.lines.items())
    else:
        with pytest.raises(TextError, match=r"already; leave out one|no title in it; write one a line"):
            parse_titles(lines, None)


def test_a_file_is_named_with_its_line(tmp_path: Path):
    """In every error about what is in it."""
    path = tmp_path / "titles.txt"
    path.write_text("Ann Bell\n\nAnn Bell\n")
    with pytest.raises(TextError, match=r"titles\.txt, line 3: 'Ann Bell' is on line 1 already"):
        read_titles(path)
    path.write_text("\n\n")
    with pytest.raises(TextError, match=r"titles\.txt: no title in it"):
        read_titles(path)
    path.write_text("Ann Bell\nBo Bell\n")
    with pytest.raises(TextError, match=r"titles\.txt, line 2: 'Bo Bell' is no title .*; did you mean 'Ann Bell'\?"):
        check_titles(read_titles(path), TITLES, ())


@pytest.mark.parametrize("title", ["", " ", "Ann\nBo"])
def test_a_single_title_is_one_line(title: str):
    """That is not empty."""
    with pytest.raises(TextError, match="a title is one line that is not empty"):
        one_title(title)


def test_what_cannot_be_forgotten_is_refused():
    """What is no title, with the nearest one where there is one, and what is forgotten already."""
    check_titles(one_title("Łódź"), TITLES, ["Bo Carr"])
    with pytest.raises(TextError, match="'Bo Carr' is forgotten already; leave it out"):
        check_titles(one_title("Bo Carr"), TITLES, ["Bo Carr"])
    with pytest.raises(TextError, match=r"'Bo Car' is no title of the run's corpus; did you mean 'Bo Carr'\?"):
        check_titles(one_title("Bo Car"), TITLES, ())
    with pytest.raises(TextError, match="'Zzyzx' is no title of the run's corpus; give the name that a line"):
        check_titles(one_title("Zzyzx"), TITLES, ())
