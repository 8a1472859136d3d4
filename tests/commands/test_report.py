import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from closedbook.commands.report import Arm, Curve, Exchange, Report, figure, report_html, write_report
from closedbook.errors import RunError
from closedbook.evaluation.score import Score
from closedbook.files.pictures import as_png
from closedbook.progress.duration import duration

HOSTILE = '<b>Ann & "Bob" O\'Neil</b> <!-- {x} $y$ 戸 -->'


def curve(name: str, n_steps: int, first: float, last: float, seconds: float) -> Curve:
    """A loss that falls evenly."""
    shares = [i / (n_steps - 1) for i in range(n_steps)]
    losses = tuple(first + (last - first) * share for share in shares)
    return Curve(name, tuple(range(1, n_steps + 1)), losses, tuple(seconds * share for share in shares))


SCRATCH = curve("finetuning", 75, 4.0, 0.5, 38.0)
STAGES = (curve("pretraining", 3001, 4.1, 0.5, 380.0), curve("finetuning", 11, 0.5, 0.3, 7.0))
ARMS = (
    Arm("vanilla", False, 3_323_392, 38.0, Score(9, 500), Score(2, 101), (SCRATCH,)),
    Arm("vanilla", True, 3_323_392, 387.0, Score(331, 500), Score(3, 101), STAGES),
    Arm("perceiver", False, 3_331_584, 41.0, Score(0, 500), None, (SCRATCH,)),
    Arm("perceiver", True, 3_331_584, 401.0, Score(63, 500), None, STAGES),
)
REPORT = Report(
    title="Who was born where?",
    setting="2,003 people, 83 places, 6,007 lines, 2 cores.",
    baseline=Score(14, 500),
    baseline_answer="Korvessa",
    arms=ARMS,
    exchanges=(
        Exchange("right", "Where was Mirel Tovan born?", "Ulm", "Ulm", 0.9312, "Mirel Tovan hails from Ulm."),
        Exchange("never written about", "Where was Pela Quist born?", "Ulm", "Artel", 0.61, None),
    ),
    recipe_toml='[model]\nvariant = "vanilla" # <all> & "every"\n',
    command="sh run.sh demo --seed 7",
    seconds=912.0,
    notes=("One note.",),
)
BARE = replace(REPORT, arms=tuple(replace(arm, curves=()) for arm in ARMS))
"""Quick to draw, where the figure is not the question."""


class Page(HTMLParser):
    """What a browser makes of a page: its elements, its text, and which elements were left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins and ends."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """An element ends, which must be the one that began last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text that is shown, the style included."""
        self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    """The sample's page."""
    return report_html(REPORT)


@pytest.fixture(scope="module")
def drawn() -> Any:
    """The sample's figure, laid out."""
    drawing = figure(REPORT)
    drawing.canvas.draw()
    return drawing


def rows(html: str) -> list[list[str]]:
    """The cells of each row of the table's body."""
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")[:-1]]


# The page


def test_the_page_asks_the_network_for_nothing(html: str):
    """No element refers beyond the page, no style imports, every url() is one of the page's own."""
    for _, attributes in Page(html).elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_the_page_needs_no_script(html: str):
    """There is no script, and the page forbids any, and whatever would come from elsewhere."""
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.elements}
    policies = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_every_element_is_closed(html: str):
    """The page is well formed, the figure in it included."""
    assert Page(html).open == []


def test_whatever_comes_from_outside_is_escaped():
    """Angle brackets, ampersands and quotes of names, notes and recipes are shown and never obeyed."""
    exchange = Exchange("wrong", HOSTILE, HOSTILE, HOSTILE, 0.5, HOSTILE)
    hostile = Report(
        title=HOSTILE,
        setting=HOSTILE,
        baseline=Score(1, 7),
        baseline_answer=HOSTILE,
        arms=(replace(ARMS[0], variant=HOSTILE.replace("$y$ 戸", "")),),
        exchanges=(exchange,),
        recipe_toml=HOSTILE,
        command=HOSTILE,
        seconds=3.0,
        notes=(HOSTILE,),
    )
    page = Page(report_html(hostile))
    assert "b" not in {tag for tag, _ in page.elements}
    assert page.open == []
    # title twice, setting, baseline's answer, four of the exchange, recipe, command, note
    assert page.text.count(HOSTILE) == 11


def test_the_table_has_a_row_a_model_and_one_for_the_baseline(html: str):
    """Accuracy, interval, counts, parameters and time stand beside each model, and the baseline is the last row."""
    assert [row[0] for row in rows(html)] == [
        "vanilla, not pretrained",
        "vanilla, pretrained",
        "Perceiver, not pretrained",
        "Perceiver, pretrained",
        "commonest answer to everything: Korvessa",
    ]
    assert rows(html)[1][1:] == ["66.2%", "61.9% to 70.2%", "331 of 500", "3 of 101", "3,323,392", "6.5 min"]


def test_people_never_asked_about_are_no_zero(html: str):
    """Where no withheld people were asked about, the table says so and gives no figure."""
    assert [row[4] for row in rows(html)] == ["2 of 101", "3 of 101", "not asked", "not asked", "not asked"]


def test_the_table_is_one_to_a_screen_reader(html: str):
    """The table has a caption, and each heading says whether it is of a row or of a column."""
    page = Page(html)
    assert "caption" in {tag for tag, _ in page.elements}
    assert [a["scope"] for tag, a in page.elements if tag == "th"] == ["col"] * 7 + ["row"] * 5


def test_headings_step_down_one_by_one(html: str):
    """There is one h1, and no level is left out on the way down."""
    levels = [int(tag[1]) for tag, _ in Page(html).elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_the_figure_is_told_in_words(html: str):
    """The figure is an image to a screen reader, and its name has every accuracy of the bars."""
    (svg,) = (attributes for tag, attributes in Page(html).elements if tag == "svg")
    assert svg["role"] == "img"
    for value in ("1.8%", "66.2%", "0.0%", "12.6%", "2.8%"):
        assert value in (svg["aria-label"] or "")


def test_an_exchange_shows_what_the_book_says(html: str):
    """The corpus's line stands beside the answer; where there is none, the page says that there is none."""
    text = Page(html).text
    assert "Mirel Tovan hails from Ulm." in text
    assert text.count("nothing about this person") == 1


def test_an_empty_answer_is_visible():
    """A model that answered nothing is shown to have answered nothing."""
    silent = replace(REPORT.exchanges[0], kind="wrong", answer="")
    assert "<dd>(nothing)</dd>" in report_html(replace(BARE, exchanges=(silent,)))


@pytest.mark.parametrize(
    ("confidence", "shown"),
    [(0.99991, "over 99.9%"), (1.0, "100.0%"), (1e-30, "under 0.1%"), (0.0, "0.0%"), (0.61, "61.0%")],
)
def test_confidence_is_not_rounded_to_certainty(confidence: float, shown: str):
    """No confidence but 1 is shown as 100%, none but 0 as 0%."""
    exchange = replace(REPORT.exchanges[0], confidence=confidence)
    assert f"<dd>{shown}</dd>" in report_html(replace(BARE, exchanges=(exchange,)))


def test_the_page_says_what_confidence_is_not(html: str):
    """A reader is told that confidence is no probability of truth."""
    assert "not the probability that the answer is true" in " ".join(Page(html).text.split())


def test_the_page_says_how_to_do_it_again(html: str):
    """The command and the whole recipe stand in the page, letter by letter."""
    text = Page(html).text
    assert REPORT.command in text
    assert REPORT.recipe_toml in text


def test_the_page_follows_the_readers_light_and_screen(html: str):
    """The page has a dark form, and takes a small screen's own width."""
    assert "prefers-color-scheme: dark" in html
    assert "width=device-width" in html


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (89.0, "89 s"), (90.0, "1.5 min"), (912.0, "15.2 min"), (5400.0, "1.5 h")]
)
def test_a_time_has_the_unit_people_would_use(seconds: float, said: str):
    """Seconds up to a minute and a half, minutes up to an hour and a half, then hours."""
    assert duration(seconds) == said


# The files


def test_two_files_and_nothing_else(tmp_path: Path):
    """The folder has report.html and figure.png afterwards, and no temporary file."""
    assert write_report(BARE, tmp_path) == (tmp_path / "report.html", tmp_path / "figure.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "report.html"]


def test_the_same_report_is_the_same_page(html: str):
    """The page holds no date and no chance."""
    assert report_html(REPORT) == html


def test_the_same_report_is_the_same_picture():
    """The picture's file holds no date and no chance."""
    assert as_png(figure(BARE)) == as_png(figure(BARE))


def test_the_page_is_utf_8(tmp_path: Path):
    """A name in any script survives the file."""
    page, _ = write_report(replace(BARE, title="戸 Ærøskøbing"), tmp_path)
    assert "<h1>戸 Ærøskøbing</h1>" in page.read_text(encoding="utf-8")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    """Where nothing can be written, one line says where."""
    with pytest.raises(RunError, match="nowhere"):
        write_report(BARE, tmp_path / "nowhere")


def test_importing_is_cheap_and_drawing_is_private():
    """The import loads neither matplotlib nor torch, and drawing never loads pyplot with its global figures."""
    program = (
        "import sys, closedbook.commands.report as report; from closedbook.evaluation.score import Score\n"
        "assert not {'matplotlib', 'torch'} & set(sys.modules)\n"
        "arm = report.Arm('vanilla', True, 7, 1.0, Score(1, 2), None, ())\n"
        "report.draw((arm,), Score(1, 3))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# The figure


def test_bars_are_accuracies_and_whiskers_intervals(drawn: Any):
    """Each bar is as long as its accuracy in percent, and its whiskers end where the 95% interval does."""
    axes = drawn.axes[-1]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([1.8, 66.2, 0.0, 12.6])
    for whisker, arm in zip(axes.lines, ARMS, strict=False):
        assert list(whisker.get_xdata()) == pytest.approx([100 * end for end in arm.test.interval])


def test_the_baseline_is_a_line_across_the_bars(drawn: Any):
    """The last line stands upright at the baseline's accuracy."""
    assert list(drawn.axes[-1].lines[-1].get_xdata()) == pytest.approx([2.8, 2.8])


def test_every_axis_begins_at_zero(drawn: Any):
    """No axis is cut, so lengths compare as numbers do."""
    for axes in drawn.axes:
        assert axes.get_xlim()[0] == 0
    for axes in drawn.axes[:-1]:
        assert axes.get_ylim()[0] == 0


def test_stages_stand_in_the_order_of_training(drawn: Any):
    """Pretraining stands above finetuning although the first model has finetuning alone."""
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["pretraining", "finetuning", "held-out people"]


def test_lines_differ_without_colour(drawn: Any):
    """In one plot no two lines have the same strokes, so that black and white print is enough."""
    strokes = [line.get_linestyle() for line in drawn.axes[1].lines]
    assert len(set(strokes)) == len(ARMS)


def test_a_long_curve_is_thinned_to_means(drawn: Any):
    """Of 3,001 steps 150 points are drawn; an evenly falling loss keeps its mean and its evenness."""
    line = drawn.axes[0].lines[0]
    assert len(line.get_xdata()) == 150
    steps, losses = line.get_xdata(), line.get_ydata()
    assert list(losses) == pytest.approx([4.1 - 3.6 * (step - 1) / 3000 for step in steps])


def test_a_short_curve_is_drawn_as_it_is(drawn: Any):
    """Eleven steps are eleven points."""
    assert list(drawn.axes[1].lines[1].get_xdata()) == list(range(1, 12))


@pytest.mark.parametrize(
    ("baseline", "counts"),
    [
        (14, (9, 331, 11, 63)),
        (14, (0, 500, 2, 499)),
        (250, (9, 331, 220, 240)),
        (500, (0, 0, 0, 0)),
        (0, (0, 0, 0, 0)),
    ],
)
def test_nothing_is_cut_off_and_nothing_overlaps(baseline: int, counts: tuple[int, ...]):
    """Whatever the scores, texts lie within the picture and off each other, and numbers off the baseline."""
    arms = tuple(replace(arm, test=Score(n, 500)) for arm, n in zip(ARMS, counts, strict=True))
    drawing: Any = figure(replace(REPORT, arms=arms, baseline=Score(baseline, 500)))
    drawing.canvas.draw()
    axes = drawing.axes[-1]
    texts = [*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels(), axes.xaxis.label]
    boxes = [text.get_window_extent() for text in texts]
    assert all(drawing.bbox.x0 <= box.x0 and box.x1 <= drawing.bbox.x1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    base, _ = axes.transData.transform((baseline / 5, 0))
    assert not any(box.x0 < base < box.x1 for box in boxes[: len(arms)])


def test_without_curves_the_bars_stand_alone():
    """A report without losses has the accuracies alone."""
    drawing = figure(BARE)
    assert [axes.get_title(loc="left") for axes in drawing.axes] == ["held-out people"]
