import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from closedbook.demo.page import figure, report_html, write_report
from closedbook.demo.results import Arm, Curve, Exchange, Report, Rival, Scores
from closedbook.errors import RunError
from closedbook.evaluation.confidence import Confidence
from closedbook.evaluation.score import Score
from closedbook.figures.pictures import as_png

HOSTILE = '<b>Ann & "Bob" O\'Neil</b> <!-- {x} $y$ 戸 -->'


def curve(name: str, n_steps: int, first: float, last: float, seconds: float) -> Curve:
    """A loss that falls evenly."""
    shares = [i / (n_steps - 1) for i in range(n_steps)]
    losses = tuple(first + (last - first) * share for share in shares)
    return Curve(name, tuple(range(1, n_steps + 1)), losses, tuple(seconds * share for share in shares))


SCRATCH = curve("finetuning", 75, 4.0, 0.5, 38.0)
STAGES = (curve("pretraining", 3001, 4.1, 0.5, 380.0), curve("finetuning", 11, 0.5, 0.3, 7.0))


def scores(held_out: int, other_wordings: int, made_up: int) -> Scores:
    """Scores of 500 held-out people, in both wordings, and answers about 101 unknown people."""
    return Scores(Score(held_out, 500), Score(other_wordings, 500), Score(made_up, 101))


ARMS = (
    Arm("vanilla", False, 3_323_392, 0, 38.0, scores(9, 7, 2), (SCRATCH,)),
    Arm("vanilla", True, 3_323_392, 2_100_000, 387.0, scores(331, 250, 3), STAGES),
    Arm("perceiver", False, 3_331_584, 0, 41.0, scores(0, 0, 0), (SCRATCH,)),
    Arm("perceiver", True, 3_331_584, 2_100_000, 401.0, scores(63, 40, 1), STAGES),
)
RIGHT = Exchange("right", "Where was Mirel Tovan born?", "Ulm", "Ulm", 0.9312, "known", "Mirel Tovan hails from Ulm.")
UNKNOWN = Exchange("never written about", "Where was Pela Quist born?", "Ulm", "Artel", 0.61, "never read", None)
CALIBRATED = Confidence((0.93, 0.02, 0.04), (True, False, False), ("known", "never read", "never read"), True)
REPORT = Report(
    title="Who was born where?",
    people="2,003 people, 83 places.",
    method=("Pretraining: masks.", "So the setting is guided."),
    arms=ARMS,
    reader=Rival("open-book reader, book open", scores(480, 480, 0)),
    majority=Rival("majority baseline, 'Korvessa'", scores(14, 14, 1)),
    asked="vanilla, pretrained",
    exchanges=(RIGHT, UNKNOWN),
    right=(RIGHT,),
    unknown=(UNKNOWN, replace(UNKNOWN, question="Where was Asa Norr born?", probability=0.99991)),
    confidence=CALIBRATED,
    recipe_toml='[model]\nvariant = "vanilla" # <all> & "every"\n',
    command="sh run.sh demo --seed 7",
    seconds=912.0,
)
BARE = replace(REPORT, arms=tuple(replace(arm, curves=()) for arm in ARMS))
"""Quick to draw, where the figure is not what is tested."""


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
    exchange = Exchange("wrong", HOSTILE, HOSTILE, HOSTILE, 0.5, "known", HOSTILE)
    plain = HOSTILE.replace("$y$ 戸", "")  # matplotlib's font lacks the letter
    hostile = Report(
        title=HOSTILE,
        people=HOSTILE,
        method=(HOSTILE,),
        arms=(replace(ARMS[0], variant=plain),),
        reader=Rival(plain, scores(1, 1, 1)),
        majority=Rival(HOSTILE, scores(1, 1, 1)),
        asked=HOSTILE,
        exchanges=(exchange,),
        right=(exchange,),
        unknown=(exchange,),
        confidence=Confidence((0.5,), (False,), ("known",), False),
        recipe_toml=HOSTILE,
        command=HOSTILE,
        seconds=3.0,
    )
    page = Page(report_html(hostile))
    assert "b" not in {tag for tag, _ in page.elements}
    assert page.open == []
    # title twice, people, method, majority, asked twice, four of the exchange, three of the table, recipe, command
    assert page.text.count(HOSTILE) == 16


def test_the_table_has_a_row_per_model_and_one_for_each_rival(html: str):
    """Accuracy, interval, counts, parameters and time are next to each model; reader and majority are the last rows."""
    assert [row[0] for row in rows(html)] == [
        "vanilla, not pretrained",
        "vanilla, pretrained",
        "Perceiver, not pretrained",
        "Perceiver, pretrained",
        "open-book reader, book open",
        "majority baseline, &#x27;Korvessa&#x27;",
    ]
    of_500 = ["331 of 500", "250 of 500"]
    cells = ["66.2%", "61.9% to 70.2%", *of_500, "3 of 101", "3,323,392", "2,100,000", "6.5 min"]
    assert rows(html)[1][1:] == cells
    assert rows(html)[4][-3:] == ["none", "none", "none"]


def test_every_question_about_unknown_people_is_on_the_page(html: str):
    """Question, answer, probability and truth of each are in a table that can be opened."""
    table = html[html.rindex("<tbody>") :]
    assert "<summary>All 2 questions about people nobody wrote about</summary>" in html
    assert (
        ">Where was Pela Quist born?</th><td>unknown: nothing read about Pela Quist</td><td>61.0%</td><td>Artel</td>"
        in table
    )
    assert (
        ">Where was Asa Norr born?</th><td>unknown: nothing read about Asa Norr</td><td>over 99.9%</td><td>Artel</td>"
        in table
    )


def test_the_page_says_how_the_models_were_trained(html: str):
    """Each paragraph of the method is one on the page."""
    for paragraph in REPORT.method:
        assert f"<p>{paragraph}</p>" in html


def test_the_tables_can_be_read_aloud(html: str):
    """Each table has a caption, and each heading says whether it belongs to a row or a column."""
    page = Page(html)
    assert [tag for tag, _ in page.elements].count("caption") == 2
    scopes = [a["scope"] for tag, a in page.elements if tag == "th"]
    assert scopes == ["col"] * 9 + ["row"] * 6 + ["col"] * 4 + ["row"] * 2


def test_headings_step_down_one_by_one(html: str):
    """There is one h1, and no level is left out on the way down."""
    levels = [int(tag[1]) for tag, _ in Page(html).elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_the_figure_is_described_in_words(html: str):
    """The figure is an image to a screen reader, and its name has every accuracy of the bars."""
    svg, _ = (attributes for tag, attributes in Page(html).elements if tag == "svg")
    assert svg["role"] == "img"
    for value in ("1.8%", "66.2%", "50.0%", "0.0%", "12.6%", "8.0%", "96.0%", "2.8%"):
        assert value in (svg["aria-label"] or "")


def test_an_exchange_shows_what_the_book_says(html: str):
    """The book's line is next to the answer; where there is none, the page says so."""
    text = Page(html).text
    assert "Mirel Tovan hails from Ulm." in text
    assert text.count("nothing about this person") == 1


def test_an_empty_answer_is_visible():
    """A model that answered nothing is shown to have answered nothing."""
    silent = replace(REPORT.exchanges[0], kind="wrong", answer="")
    assert "<dd>(nothing)</dd>" in report_html(replace(BARE, exchanges=(silent,)))


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.99991, "over 99.9%"), (1.0, "100.0%"), (1e-30, "under 0.1%"), (0.0, "0.0%"), (0.61, "61.0%")],
)
def test_a_probability_is_not_rounded_to_certainty(probability: float, shown: str):
    """No probability but 1 is shown as 100%, none but 0 as 0%."""
    exchange = replace(REPORT.exchanges[0], probability=probability)
    assert f"<dd>{shown}</dd>" in report_html(replace(BARE, exchanges=(exchange,)))


def test_the_page_says_what_a_probability_is(html: str):
    """Whether it is calibrated, how far it comes true, and of how many people the model says that it read nothing."""
    text = " ".join(Page(html).text.split())
    assert "learned from training pairs that were held out" in text
    assert "differ by 4.3% on average (ECE). They tell right answers from wrong ones with an AUROC of 1.000." in text
    assert "says of 2 of the 2 unknown people that it read nothing about them" in text
    assert (
        "Of its 1 right answers about held-out people it takes 0 for unknown; their median probability is 93.1%" in text
    )


def test_a_calibrated_model_has_its_reliability_drawn(html: str):
    """The second figure's name to a screen reader has the right answers at each probability."""
    _, svg = (attributes for tag, attributes in Page(html).elements if tag == "svg")
    assert (
        svg["aria-label"] == "Right answers by their probability: at 2.0%, 0 of 1; at 4.0%, 0 of 1; at 93.0%, 1 of 1."
    )


def test_without_calibration_a_probability_is_the_models_own():
    """There is no figure of it then, and the page says that it is not the probability of being true."""
    html = report_html(replace(BARE, confidence=replace(CALIBRATED, is_calibrated=False)))
    assert html.count("<svg") == 1
    assert "not that of its being true" in " ".join(Page(html).text.split())


def test_the_page_says_how_to_do_it_again(html: str):
    """The command and the whole recipe stand in the page, letter by letter."""
    text = Page(html).text
    assert REPORT.command in text
    assert REPORT.recipe_toml in text


def test_the_page_follows_the_readers_light_and_screen(html: str):
    """The page has a dark form, and takes a small screen's own width."""
    assert "prefers-color-scheme: dark" in html
    assert "width=device-width" in html


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
        "import sys, closedbook.demo.figure; from closedbook.demo.results import *\n"
        "assert not {'matplotlib', 'torch'} & set(sys.modules)\n"
        "scores = Scores(Score(1, 2), Score(1, 2), Score(1, 2)); rival = Rival('reader', scores)\n"
        "closedbook.demo.figure.draw((Arm('vanilla', True, 7, 0, 1.0, scores, ()),), rival, rival)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# The figure


def test_bars_are_accuracies_and_whiskers_intervals(drawn: Any):
    """Each model has a bar for each wording, as long as its accuracy in percent, with the 95% interval on it."""
    axes = drawn.axes[-1]
    accuracies = [1.8, 1.4, 66.2, 50.0, 0.0, 0.0, 12.6, 8.0, 96.0, 96.0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(accuracies)
    drawn_scores = [one.scores for one in (*ARMS, REPORT.reader)]
    intervals = [score.interval for one in drawn_scores for score in (one.held_out, one.other_wordings)]
    for whisker, interval in zip(axes.lines, intervals, strict=False):
        assert list(whisker.get_xdata()) == pytest.approx([100 * end for end in interval])


def test_the_baseline_is_a_line_across_the_bars(drawn: Any):
    """The last line is vertical, at the baseline's accuracy."""
    assert list(drawn.axes[-1].lines[-1].get_xdata()) == pytest.approx([2.8, 2.8])


def test_every_axis_begins_at_zero(drawn: Any):
    """No axis is cut, so lengths compare as numbers do."""
    for axes in drawn.axes:
        assert axes.get_xlim()[0] == 0
    for axes in drawn.axes[:-1]:
        assert axes.get_ylim()[0] == 0


def test_stages_are_in_the_order_of_training(drawn: Any):
    """Pretraining is above finetuning although the first model has finetuning alone."""
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["pretraining", "finetuning", "held-out people"]


def test_lines_differ_without_colour(drawn: Any):
    """In one plot no two lines have the same strokes, so that black and white print is enough."""
    strokes = [line.get_linestyle() for line in drawn.axes[1].lines]
    assert len(set(strokes)) == len(ARMS)


def test_a_long_curve_is_averaged_to_fewer_points(drawn: Any):
    """3,001 steps become 150 points; an evenly falling loss keeps its mean and its evenness."""
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
    """Whatever the scores, texts are within the picture, apart from each other, and numbers off the baseline."""
    arms = tuple(replace(arm, scores=scores(n, 500 - n, 0)) for arm, n in zip(ARMS, counts, strict=True))
    majority = Rival("", scores(baseline, 0, 0))
    drawing: Any = figure(replace(REPORT, arms=arms, majority=majority))
    drawing.canvas.draw()
    axes = drawing.axes[-1]
    texts = [*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels(), axes.xaxis.label]
    boxes = [text.get_window_extent() for text in texts]
    assert all(drawing.bbox.x0 <= box.x0 and box.x1 <= drawing.bbox.x1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    base, _ = axes.transData.transform((baseline / 5, 0))
    assert not any(box.x0 < base < box.x1 for box in boxes[: 2 * len(arms) + 2])


def test_validation_losses_are_dots_at_their_steps():
    """The loss of dev pairs is drawn as a line of its own with a dot at each evaluation."""
    arm = replace(ARMS[0], curves=(replace(SCRATCH, validation=((0, 4.1), (25, 1.5), (75, 1.75))),))
    losses, *_ = figure(replace(REPORT, arms=(arm,))).axes
    training, validation = losses.lines
    assert (training.get_marker(), validation.get_marker()) == ("None", ".")
    assert list(validation.get_xdata()) == [0, 25, 75]
    assert list(validation.get_ydata()) == [4.1, 1.5, 1.75]


def test_without_curves_the_bars_stand_alone():
    """A report without losses has the accuracies alone."""
    drawing = figure(BARE)
    assert [axes.get_title(loc="left") for axes in drawing.axes] == ["held-out people"]
