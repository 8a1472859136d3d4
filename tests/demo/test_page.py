import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from closedbook.demo.figure import accuracies, draw, histograms
from closedbook.demo.losses import draw_losses, losses_in_words
from closedbook.demo.page import report_html, write_report
from closedbook.demo.results import Arm, Curve, Exchange, Report, Rival, Scores
from closedbook.errors import RunError
from closedbook.evaluation.confidence import Confidence
from closedbook.evaluation.score import Score
from closedbook.figures.pictures import as_png
from closedbook.figures.style import SMALLEST_TEXT, smallest_text

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
    held_out=(RIGHT,),
    unknown=(UNKNOWN, replace(UNKNOWN, question="Where was Asa Norr born?", probability=0.99991)),
    confidence=CALIBRATED,
    recipe_toml='[model]\nvariant = "vanilla" # <all> & "every"\n',
    command="sh run.sh demo --seed 7",
    seconds=912.0,
)
BARE = replace(REPORT, arms=tuple(replace(arm, curves=()) for arm in ARMS))
"""Quick to draw, where the losses are not what is tested."""


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
def curves() -> Any:
    """The losses of the sample, laid out."""
    drawing = draw_losses(ARMS)
    drawing.canvas.draw()
    return drawing


@pytest.fixture(scope="module")
def drawn() -> Any:
    """The bars of the sample, laid out."""
    drawing = accuracies(REPORT)
    drawing.canvas.draw()
    return drawing


def rows(html: str) -> list[list[str]]:
    """The cells of each row of the last table's body, that of all scores."""
    body = html[html.rindex("<tbody>") : html.rindex("</tbody>")]
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
        held_out=(exchange,),
        unknown=(exchange,),
        confidence=Confidence((0.5,), (False,), ("known",), False),
        recipe_toml=HOSTILE,
        command=HOSTILE,
        seconds=3.0,
    )
    page = Page(report_html(hostile))
    assert "b" not in {tag for tag, _ in page.elements}
    assert page.open == []
    # title twice, people, method, majority, asked four times, four of each exchange, three of the table, and two below
    assert page.text.count(HOSTILE) == 22


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
    table = html[html.index("<tbody>") :]
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
    assert scopes == ["col"] * 4 + ["row"] * 2 + ["col"] * 9 + ["row"] * 6


def test_headings_step_down_one_by_one(html: str):
    """There is one h1, and no level is left out on the way down."""
    levels = [int(tag[1]) for tag, _ in Page(html).elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_the_figures_are_described_in_words(html: str):
    """Figures are images to a screen reader; their names have every accuracy, and how many people are known."""
    bars, confidence, losses = (attributes for tag, attributes in Page(html).elements if tag == "svg")
    assert bars["role"] == confidence["role"] == losses["role"] == "img"
    for value in ("1.8%", "66.2%", "50.0%", "0.0%", "12.6%", "8.0%", "96.0%", "2.8%"):
        assert value in (bars["aria-label"] or "")
    assert confidence["aria-label"] == (
        "Two histograms of the probability of answers. 1 people in the book: right 1; median probability 93.1%. "
        "2 people nobody wrote about: says: unknown 2; median probability 80.5%."
    )


def test_bars_and_answers_come_before_everything_else(html: str):
    """A reader sees the accuracies first, then answers, then the table and how the models were trained."""
    marks = ("<h1>", "<svg", "Mirel Tovan", "All figures", "What was trained", "Pretraining: masks.", "Do it again")
    places = [html.index(mark) for mark in marks]
    assert places == sorted(places)


def test_the_first_paragraph_says_what_came_out():
    """How many people are known with and without pretraining, and how many unknown ones are said to be unknown."""
    assert REPORT.outcome() == (
        "Asked about 1 people whom it has read about, in questions that it was not trained on, a tiny transformer "
        "(vanilla, pretrained) gives 1 right answers with the book closed; not pretrained, 9. It says that "
        "it does not know 2 of 2 people nobody wrote about."
    )


def test_the_shown_answers_are_in_the_middle_of_their_kind():
    """Two right, one wrong and two unknown people, by probability neither the first nor the last of their kind."""
    right = [replace(RIGHT, probability=p) for p in (0.99, 0.1, 0.6, 0.5)]
    wrong = [replace(RIGHT, kind="wrong", probability=p) for p in (0.2, 0.9, 0.4)]
    unknown = [replace(UNKNOWN, probability=p) for p in (0.01, 0.03, 0.02, 0.9)]
    shown = replace(REPORT, held_out=(*right, *wrong), unknown=tuple(unknown)).shown
    assert [(one.kind, one.probability) for one in shown] == [
        ("right", 0.5),
        ("right", 0.6),
        ("wrong", 0.4),
        ("never written about", 0.02),
        ("never written about", 0.03),
    ]


def test_a_model_without_a_wrong_answer_shows_none():
    """One right answer and two unknown people are all that the sample has."""
    assert [one.kind for one in REPORT.shown] == ["right", "never written about", "never written about"]


def test_an_exchange_shows_what_the_book_says(html: str):
    """The book's line is next to the answer; where there is none, the page says so."""
    text = Page(html).text
    assert "Mirel Tovan hails from Ulm." in text
    assert text.count("nothing about this person") == 2


def test_an_empty_answer_is_visible():
    """A model that answered nothing is shown to have answered nothing."""
    silent = replace(RIGHT, kind="wrong", answer="")
    assert "<dd>(nothing)</dd>" in report_html(replace(BARE, held_out=(silent,)))


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.99991, "over 99.9%"), (1.0, "100.0%"), (1e-30, "under 0.1%"), (0.0, "0.0%"), (0.61, "61.0%")],
)
def test_a_probability_is_not_rounded_to_certainty(probability: float, shown: str):
    """No probability but 1 is shown as 100%, none but 0 as 0%."""
    exchange = replace(RIGHT, probability=probability)
    assert f"<dd>{shown}</dd>" in report_html(replace(BARE, held_out=(exchange,)))


def test_the_page_says_what_a_probability_is(html: str):
    """Whether it is calibrated, how far it comes true, and of how many people the model says that it read nothing."""
    text = " ".join(Page(html).text.split())
    assert "learned from training pairs that were held out" in text
    assert "differ by 4.3% on average (ECE). They tell right answers from wrong ones with an AUROC of 1.000." in text
    assert "says of 2 of the 2 unknown people that it read nothing about them" in text
    assert (
        "Of its 1 right answers about held-out people it takes 0 for unknown; their median probability is 93.1%" in text
    )


def test_without_calibration_a_probability_is_the_models_own():
    """The page and the histograms say that it is not the probability of being true."""
    report = replace(BARE, confidence=replace(CALIBRATED, is_calibrated=False))
    assert "not that of its being true" in " ".join(Page(report_html(report)).text.split())
    assert histograms(report).axes[-1].get_xlabel() == "probability that the model gives its answer (%)"
    assert histograms(BARE).axes[-1].get_xlabel() == "probability that the answer is right (%)"


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
    assert as_png(draw(BARE)) == as_png(draw(BARE))


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
        "import sys, closedbook.demo.losses, closedbook.demo.figure; from closedbook.demo.results import *\n"
        "assert not {'matplotlib', 'torch'} & set(sys.modules)\n"
        "scores = Scores(Score(1, 2), Score(1, 2), Score(1, 2)); curve = Curve('finetuning', (1,), (2.0,), (3.0,))\n"
        "closedbook.demo.losses.draw_losses((Arm('vanilla', True, 7, 0, 1.0, scores, (curve,)),))\n"
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


def test_every_axis_begins_at_zero(drawn: Any, curves: Any):
    """No axis is cut, so lengths compare as numbers do."""
    assert drawn.axes[0].get_xlim()[0] == 0
    for axes in (*curves.axes, *histograms(REPORT).axes):
        assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0)


def test_the_histograms_count_every_person_once():
    """Bars of right, wrong and missing answers are stacked, in 20 intervals of the probability; 100% is in the last."""
    right = [replace(RIGHT, probability=p) for p in (1.0, 0.99, 0.96, 0.51)]
    wrong = [replace(RIGHT, kind="wrong", probability=p) for p in (0.52, 0.0)]
    drawing = histograms(replace(REPORT, held_out=(*right, *wrong)))
    above, below = drawing.axes
    assert above.get_title(loc="left") == "6 people in the book"
    assert below.get_title(loc="left") == "2 people nobody wrote about"
    stacks = [
        [(bar.get_x(), bar.get_y(), bar.get_height()) for bar in bars if bar.get_height()] for bars in above.containers
    ]
    assert stacks == [[(50, 0, 1), (95, 0, 3)], [(0, 0, 1), (50, 1, 1)]]
    assert [text.get_text() for text in above.get_legend().get_texts()] == ["right (4)", "wrong (2)"]
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["says: unknown (2)"]


def test_an_answer_about_an_unknown_person_is_drawn_as_wrong():
    """Whatever a model says about somebody nobody wrote about is made up."""
    _, below = histograms(replace(REPORT, unknown=(replace(UNKNOWN, state="known"),))).axes
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["wrong (1)"]


def test_the_picture_has_bars_and_both_histograms():
    """figure.png has the accuracies on the left and the histograms on the right."""
    titles = [axes.get_title(loc="left") for axes in draw(REPORT).axes]
    assert titles == ["Right answers about held-out people", "1 people in the book", "2 people nobody wrote about"]


@pytest.mark.parametrize("figure", [draw, accuracies, histograms])
def test_the_text_of_a_figure_can_be_read_where_a_forge_shows_it(figure: Callable[[Report], Any]):
    """At 830 pixels no text is less than 9 pixels high."""
    assert smallest_text(figure(REPORT)) >= SMALLEST_TEXT
    assert smallest_text(draw_losses(ARMS)) >= SMALLEST_TEXT


def test_stages_are_in_the_order_of_training(curves: Any):
    """Pretraining is above finetuning although the first model has finetuning alone."""
    assert [axes.get_title(loc="left") for axes in curves.axes] == ["pretraining", "finetuning"]


def test_lines_differ_without_colour(curves: Any):
    """In one plot no two lines have the same strokes, so that black and white print is enough."""
    strokes = [line.get_linestyle() for line in curves.axes[1].lines]
    assert len(set(strokes)) == len(ARMS)


def test_a_long_curve_is_averaged_to_fewer_points(curves: Any):
    """3,001 steps become 150 points; an evenly falling loss keeps its mean and its evenness."""
    line = curves.axes[0].lines[0]
    assert len(line.get_xdata()) == 150
    steps, losses = line.get_xdata(), line.get_ydata()
    assert list(losses) == pytest.approx([4.1 - 3.6 * (step - 1) / 3000 for step in steps])


def test_a_short_curve_is_drawn_as_it_is(curves: Any):
    """Eleven steps are eleven points."""
    assert list(curves.axes[1].lines[1].get_xdata()) == list(range(1, 12))


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
    drawing: Any = accuracies(replace(REPORT, arms=arms, majority=majority))
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
    (losses,) = draw_losses((arm,)).axes
    training, validation = losses.lines
    assert (training.get_marker(), validation.get_marker()) == ("None", ".")
    assert list(validation.get_xdata()) == [0, 25, 75]
    assert list(validation.get_ydata()) == [4.1, 1.5, 1.75]


def test_losses_are_said_in_words():
    """Where each training loss began and ended, and where that of the dev pairs was lowest."""
    validation = replace(SCRATCH, validation=((0, 4.1), (25, 1.5), (75, 1.75)))
    assert list(losses_in_words((replace(ARMS[0], curves=(validation,)), replace(ARMS[1], curves=(SCRATCH,))))) == [
        "vanilla, not pretrained, finetuning: training loss from 4.00 to 0.50; "
        "dev pairs lowest, 1.50, after step 25, at the end 1.75.",
        "vanilla, pretrained, finetuning: training loss from 4.00 to 0.50.",
    ]


def test_without_curves_no_losses_are_shown():
    """A report without losses has bars and histograms alone."""
    assert report_html(BARE).count("<svg") == 2
