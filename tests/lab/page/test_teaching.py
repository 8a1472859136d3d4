"""How the page teaches, in a real Chromium: the prediction is played, the goal counts, shapes and words say it too."""

from collections.abc import Callable
from typing import Any

import pytest

SCENES = ("copying", "averaging", "noise", "fragility", "heads", "projections", "positions")
GUESSED = (
    "#at=&copying.guess=near&averaging.guess=three&noise.guess=both&fragility.guess=ends&heads.guess=tenth"
    "&projections.guess=itself&positions.guess=nothing"
)
"""Every experiment after a guess, when the predicted experiment is shown."""
TURN = GUESSED + "".join(f"&{name}.turn=1" for name in SCENES)

PLAYED = {
    "copying": ("#copying [data-n=row]", "= 100% va"),
    "averaging": ("#averaging [data-n=row]", "= 73% va + 27% vb"),
    "fragility": ("#fragility [data-n=variance]", "0.215"),
    "projections": ("#projections [data-n=row2] caption", "token 2, x2 = ua + ud"),
    "positions": ("#positions [data-n=row] caption", "“man bites dog”"),
}
"""What the end of the predicted experiment looks like: where it stands, and its text."""


def text_of(page: Any, where: str) -> str:
    """A text, with plain blanks."""
    return " ".join(str(page.locator(where).text_content()).split())


@pytest.mark.parametrize("name", PLAYED)
def test_what_is_shown_is_what_was_predicted(visit: Callable[..., Any], name: str) -> None:
    """After the guess, and in a link to it."""
    where, text = PLAYED[name]
    assert text in text_of(visit(GUESSED), where)


def test_noise_is_played_to_the_longest_query(visit: Callable[..., Any]) -> None:
    """With the variance that the question names."""
    found = visit(GUESSED).evaluate("experiments.get('noise').state")
    assert (found["beta"], found["power"], found["n"]) == (12, -3, 5)


def test_prediction_about_heads_shows_one_head_and_two(visit: Callable[..., Any]) -> None:
    """Two pictures that differ, and not the queries, which are the task."""
    page = visit(GUESSED)
    one, two = (page.locator(f"#heads svg[data-figure={name}] .layer").inner_html() for name in ("single", "best"))
    assert one != two
    assert page.locator("#heads svg[data-figure=single]").is_visible()
    assert not page.locator("#heads svg[data-figure=keys]").is_visible()
    assert not visit(TURN).locator("#heads svg[data-figure=single]").is_visible()


def test_playing_takes_time_and_can_be_repeated(visit: Callable[..., Any]) -> None:
    """Where motion is welcome, the query grows; in the end its length is what the question says."""
    page = visit(reduced_motion="no-preference")
    page.locator("#copying input[value=near]").check()
    for button in ("button[type=submit]", "[data-do=replay]"):
        lengths = page.evaluate(
            """async (button) => {
              const view = experiments.get('copying');
              const lengths = [];
              view.section.querySelector(button).click();
              do {
                await new Promise(requestAnimationFrame);
                lengths.push(view.state.beta);
              } while (view.progress < 1);
              return lengths;
            }""",
            button,
        )
        assert lengths == sorted(lengths)
        assert (lengths[0] < 12, lengths[-1]) == (True, 12)
        assert len(set(lengths)) > 3
    assert not page.locator('#copying [aria-label="query q"]').is_visible()
    assert page.locator("#copying [name=beta]").is_disabled()


def test_goal_counts_while_one_plays(visit: Callable[..., Any]) -> None:
    """Above the pictures: how far away it is now."""
    page = visit(TURN)
    assert text_of(page, "#copying .live >> nth=1").endswith("now 54.5% away.")
    page.locator("#copying [name=angle]").fill("0")
    assert page.locator("#copying [data-n=goal]").text_content() != "54.5%"
    for name in SCENES:
        above = page.evaluate(
            "(name) => document.querySelector(`#${name} .task`).getBoundingClientRect().bottom"
            " <= document.querySelector(`#${name} .figures`).getBoundingClientRect().top",
            name,
        )
        assert above, name
        assert page.locator(f"#{name} .figures").locator(".target, .goal, .band").count() > 0, name


def test_solved_experiments_keep_their_ticks_on_reload(visit: Callable[..., Any]) -> None:
    """In the list of experiments and in the heading."""
    page = visit(TURN)
    assert page.locator("[data-tick=heads]:visible").count() == 0
    page.evaluate("experiments.get('heads').set({ x1: 12, y1: 0, x2: 0, y2: 12 })")
    assert page.locator("[data-tick=heads]:visible").count() == 2
    page.goto(page.url.split("#")[0])
    page.reload()
    assert page.locator("[data-tick=heads]:visible").count() == 2
    assert page.locator("[data-tick]:visible").count() == 2


def test_page_works_where_nothing_may_be_stored(chromium: Any, address: str) -> None:
    """A browser may forbid storage for files: reading and writing it then raises."""
    context = chromium.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address + TURN)
    page.evaluate("experiments.get('heads').set({ x1: 12, y1: 0, x2: 0, y2: 12 })")
    assert page.locator("[data-tick=heads]:visible").count() == 2
    context.close()
    assert faults == []


def test_each_experiment_names_its_part_of_the_assignment(visit: Callable[..., Any]) -> None:
    """3(a) to 3(e), and that positions are none of it."""
    parts = visit().locator(".part").all_text_contents()
    assert [part.removeprefix("The assignment’s ")[:4] for part in parts[:6]] == [
        "3(a)",
        "3(b)",
        "3(c)",
        "3(c)",
        "3(d)",
        "3(e)",
    ]
    assert parts[6].startswith("Not in the assignment")


def test_a_is_round_and_b_is_square(visit: Callable[..., Any]) -> None:
    """So that they differ without colours: marks in pictures, in tables and in the legend."""
    page = visit(TURN)
    assert page.locator("circle.fill.a").count() > 8
    assert page.locator("rect.fill.b").count() > 8
    corner = "(row) => getComputedStyle(row, '::before').borderRadius"
    corners = [page.locator(f"#averaging .softmax .{key} th").first.evaluate(corner) for key in ("a", "b")]
    assert corners == ["50%", "0px"]
    assert page.locator("circle.fill.b, rect.fill.a, circle.fill.rest").count() == 0


def test_labels_of_pictures_follow_the_state(visit: Callable[..., Any]) -> None:
    """Each picture that a slider changes says so in its label."""
    page = visit(TURN)
    read = """() => Object.fromEntries([...document.querySelectorAll('svg[data-figure]')].map((svg) =>
      [svg.closest('section').id + ' ' + svg.dataset.figure, svg.getAttribute('aria-label')]))"""
    before = page.evaluate(read)
    page.evaluate("""() => {
      const changes = { copying: { angle: 0 }, averaging: { x: 6, y: 6 }, noise: { beta: 5 },
        fragility: { eps: 0.1, beta: 9 }, heads: { x1: 12 },
        projections: { query2: 3 }, positions: { kind: 'learned', shift: 7 } };
      for (const [name, state] of Object.entries(changes)) experiments.get(name).set(state);
    }""")
    after = page.evaluate(read)
    same = {name for name in before if before[name] == after[name]}
    assert same == {"noise values", "heads single", "heads best"}


def test_sliders_stand_with_their_picture_and_numbers_are_few(visit: Callable[..., Any]) -> None:
    """No slider outside a picture's card, none for a seed, and at most three numbers in a list."""
    page = visit(TURN)
    assert page.locator("input[type=range]:not(.words input)").count() > 10
    assert page.locator(".slider:not(figure .slider), [name=seed]").count() == 0
    lists = page.locator(".numbers").evaluate_all("(lists) => lists.map((list) => list.children.length)")
    assert lists
    assert max(lists) <= 3


def test_words_show_percentages_that_follow_the_scores(visit: Callable[..., Any]) -> None:
    """The first experiment begins with words: keys, values, and weights by softmax."""
    page = visit()
    weight = page.locator("#copying [data-n=weight2]")
    assert text_of(page, "#copying .words tfoot").endswith(
        "43% “Mele” + 26% “about a birth” + 16% “asks for a place” + 10% “the question ends” + 6% “in the past”"
    )
    assert weight.text_content() == "42.9%"
    page.locator("#copying [name=word2]").fill("8")
    assert weight.text_content() == "99.7%"


def test_table_of_softmax_has_scores_powers_and_weights(visit: Callable[..., Any]) -> None:
    """At scores of 3, 0.5 and six times 0: as in any book."""
    rows = visit(TURN).locator("#averaging [data-n=row] tbody tr")
    assert [" ".join(row.split()) for row in rows.all_inner_texts()] == [
        "ka 3.00 20 72.4%",
        "kb 0.50 1.6 5.9%",
        "each of 6 0.00 1.0 3.6%",
    ]
