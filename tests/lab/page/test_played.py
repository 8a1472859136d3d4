"""The page in use, in a real Chromium: by keyboard and mouse, on small screens, without JavaScript."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from closedbook.lab import averaging
from closedbook.lab.logit_normal import LogitNormal

GUESSES = {
    "copying": "near",
    "averaging": "three",
    "noise": "both",
    "fragility": "ends",
    "heads": "tenth",
    "projections": "itself",
    "positions": "nothing",
}
"""The right guess of each experiment."""
ALL_REVEALED = "#at=&" + "&".join(f"{name}.guess={guess}&{name}.turn=1" for name, guess in GUESSES.items())
"""Every experiment after the right guess, when it is the reader's turn."""

Presses = list[tuple[str, str, int]]
SOLUTIONS: dict[str, Presses] = {
    "copying": [('[aria-label="query q"]', "Shift+ArrowLeft", 6), ('[aria-label="query q"]', "ArrowUp", 9)],
    "averaging": [('[aria-label="query q"]', "Shift+ArrowRight", 4), ('[aria-label="query q"]', "Shift+ArrowUp", 6)],
    "noise": [("[name=power]", "ArrowLeft", 15), ('[aria-label="query q"]', "ArrowRight", 10)],
    "fragility": [
        ("[name=beta]", "ArrowRight", 24),
        ('[aria-label="key a, along its direction"]', "ArrowRight", 1),
        ('[aria-label="key a, along its direction"]', "ArrowLeft", 9),
    ],
    "heads": [('[aria-label="query q 1"]', "ArrowDown", 18), ("[name=x2]", "ArrowLeft", 3)],
    "projections": [
        ("[name=query1]", "ArrowDown", 3),
        ("[name=query2]", "ArrowDown", 4),
        ("[name=keep0]", "ArrowDown", 1),
        ("[name=keep2]", "ArrowDown", 2),
        ("[name=keep3]", "ArrowDown", 1),
        ("[name=scale]", "ArrowRight", 4),
    ],
    "positions": [("[name=kind]:checked", "ArrowDown", 3), ("[name=shift]", "ArrowRight", 5)],
}
"""A solution of each challenge by keyboard, whose last press solves it: what has the focus, which key, how often."""


def play(page: Any, name: str, presses: Presses) -> None:
    """Press keys in an experiment."""
    for target, key, times in presses:
        page.locator(f"#{name} {target}").focus()
        for _ in range(times):
            page.keyboard.press(key)


def status(page: Any, name: str) -> str:
    """The status of the experiment's task, which screen readers announce."""
    return str(page.locator(f"#{name} .task [role=status]").text_content())


def state(page: Any) -> dict[str, Any]:
    """The state of every experiment."""
    found: dict[str, Any] = page.evaluate(
        "Object.fromEntries([...experiments.values()].map(({ name, state, guess }) => [name, { ...state, guess }]))"
    )
    return found


def hash_of(page: Any) -> str:
    """The hash of the address, after it has been written."""
    page.wait_for_timeout(350)
    return str(page.evaluate("location.hash"))


@pytest.mark.parametrize("name", GUESSES)
def test_each_task_can_be_solved_by_keyboard_after_a_guess(visit: Callable[..., Any], name: str) -> None:
    """Guess, the experiment played, the task, and then the formula; the last press solves the task and not before."""
    page = visit()

    def shown() -> list[bool]:
        return [
            page.locator(f"#{name} {part}").is_visible() for part in (".answer", ".shown-note", ".task", ".formula")
        ]

    page.locator(f"#{name} button[type=submit]").focus()
    page.keyboard.press("Enter")
    assert "first" in page.locator(f"#{name} .hint").text_content()
    assert shown() == [False, False, False, False]
    page.locator(f"#{name} input[value={GUESSES[name]}]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert shown() == [True, True, False, False]
    assert page.locator(f"#{name} .verdict").text_content() == "Your guess was right."
    assert page.evaluate("document.activeElement.className") == "answer"
    page.locator(f"#{name} [data-do=turn]").press("Enter")
    assert shown() == [True, False, True, False]
    assert page.evaluate("document.activeElement.className") == "task"
    assert status(page, name) == "Not solved yet."
    *early, (target, key, times) = SOLUTIONS[name]
    play(page, name, [*early, (target, key, times - 1)])
    assert status(page, name) == "Not solved yet."
    play(page, name, [(target, key, 1)])
    assert status(page, name) == "Solved."
    assert shown() == [True, False, True, True]
    assert page.locator(f"#{name} .solved").is_visible()
    assert page.locator(f"nav [data-tick={name}]").is_visible()
    page.locator(f"#{name} [data-do=over]").press("Enter")
    assert shown() == [False, False, False, False]
    assert status(page, name) == "Not solved yet."


def test_wrong_guess_is_shown_the_right_one(visit: Callable[..., Any]) -> None:
    """The right option is marked, and the text says that the reason follows."""
    page = visit()
    page.locator("#fragility input[value=bell]").check()
    page.locator("#fragility button[type=submit]").click()
    assert page.locator("#fragility .verdict").text_content() == "Not this time. Here is why."
    assert page.locator("#fragility label.right input").get_attribute("value") == "ends"


def test_two_equal_queries_cannot_solve_the_task_of_two_heads(visit: Callable[..., Any]) -> None:
    """Two heads that ask for the same are one head: at any size the variance or the others' weight is too large."""
    page = visit(ALL_REVEALED)
    page.evaluate("""() => {
      const heads = experiments.get('heads');
      for (let size = 0; size <= 16; size += 0.5) heads.set({ x1: size, y1: size, x2: size, y2: size });
    }""")
    assert status(page, "heads") == "Not solved yet."


def test_dragging_a_vector_updates_everything(visit: Callable[..., Any]) -> None:
    """The query is dragged onto key a, key b away; sliders, figures and numbers follow."""
    page = visit(ALL_REVEALED)

    def drag(name: str, x: float, y: float) -> None:
        page.locator("#copying svg[data-figure=keys]").scroll_into_view_if_needed()
        box = page.locator("#copying svg[data-figure=keys]").bounding_box()
        handle = page.locator(f'#copying [aria-label="{name}"] .ring').bounding_box()
        page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + x * box["width"] / 320, box["y"] + y * box["height"] / 320, steps=5)
        page.mouse.up()

    before = [page.locator(f"#copying svg[data-figure={name}] .layer").inner_html() for name in ("values", "curve")]
    drag("query q", 160 + 105 / 12 * 9, 160)
    assert state(page)["copying"]["beta"] == pytest.approx(9, abs=0.25)
    assert state(page)["copying"]["angle"] == pytest.approx(0, abs=1)
    assert page.locator("#copying [name=beta]").input_value().startswith("9")
    assert status(page, "copying") == "Solved."
    after = [page.locator(f"#copying svg[data-figure={name}] .layer").inner_html() for name in ("values", "curve")]
    assert all(old != new for old, new in zip(before, after, strict=True))
    margin = float(page.locator("#copying [data-n=margin]").text_content())
    drag("key f", 160 - 100, 160 + 60)
    drag("key b", 160 - 100, 160 - 60)
    assert float(page.locator("#copying [data-n=margin]").text_content()) > margin
    assert re.fullmatch(r"0,\d+,0,0,-\d+,0", state(page)["copying"]["offsets"])


def test_displayed_numbers_equal_pythons(visit: Callable[..., Any]) -> None:
    """After sliders have been moved."""
    page = visit(ALL_REVEALED)
    for beta in (0.5, 7.5, 24.0):
        page.locator("#fragility [name=beta]").fill(str(beta))
        assert page.locator("#fragility [data-n=variance]").text_content() == f"{LogitNormal(beta**2 / 2).variance:.3f}"
    for n in (3, 20):
        page.locator("#averaging [name=n]").fill(str(n))
        needed = averaging.beta_needed(n, 2, 0.01 * math.sqrt(1 / 2 + 1 / (n - 2)))
        assert page.locator("#averaging [data-n=needed]").text_content() == f"{needed:.2f}"


def test_same_seed_gives_the_same_draws(visit: Callable[..., Any]) -> None:
    """Drawing again changes the seed, which has no slider and is part of the link."""
    page = visit(ALL_REVEALED)
    counted = page.locator("#fragility [data-n=counted]")
    first = counted.text_content()
    page.locator("#fragility [data-do=again]").click()
    second = counted.text_content()
    assert first != second
    link = hash_of(page)
    assert "fragility.seed=2" in link
    assert visit(link).locator("#fragility [data-n=counted]").text_content() == second


def test_link_restores_the_whole_state(visit: Callable[..., Any]) -> None:
    """The address has all changes, guesses and drags; the page scrolls to the experiment changed last."""
    page = visit(ALL_REVEALED)
    for name, presses in SOLUTIONS.items():
        play(page, name, presses)
    play(page, "copying", [('[aria-label="key d"]', "ArrowUp", 3)])
    play(page, "heads", [("[name=y2]", "ArrowLeft", 1)])
    link = hash_of(page)
    assert link.startswith("#at=heads&")
    other = visit(link)
    assert state(other) == state(page)
    assert state(other)["copying"]["offsets"] == "0,0,6,0,0,0"
    assert other.locator("#heads .play").is_visible()
    top = other.evaluate("document.getElementById('heads').getBoundingClientRect().top")
    assert -1 < top < 100
    # the same in a window that is already open
    page.goto(page.url.split("#")[0] + "#at=fragility&fragility.guess=flat&fragility.beta=9.5")
    page.wait_for_function("experiments.get('fragility').state.beta === 9.5")
    assert state(page)["fragility"]["guess"] == "flat"
    assert state(page)["heads"]["guess"] == ""


def test_invalid_parts_of_a_link_are_ignored(visit: Callable[..., Any]) -> None:
    """Numbers are clamped and unknown names ignored; nothing of the link becomes markup of the page."""
    page = visit(
        "#at=nowhere&heads.x1=1e9&heads.y1=many&heads.guess=<b>&copying.offsets=<svg>&copying.n=-3&x.y=z&"
        "positions.kind=none'&projections.query1=9&noise.power=&averaging.x=NaN&toString.guess=near&fragility.eps=0.21"
    )
    found = state(page)
    assert (found["heads"]["x1"], found["heads"]["y1"], found["heads"]["guess"]) == (16, 9, "")
    assert (found["copying"]["offsets"], found["copying"]["n"]) == ("", 2)
    assert (found["positions"]["kind"], found["projections"]["query1"]) == ("none", -1)
    assert (found["noise"]["power"], found["averaging"]["x"], found["fragility"]["eps"]) == (-2, 3, 0.2)


def test_keyboard_reaches_everything_and_is_never_trapped(visit: Callable[..., Any]) -> None:
    """Tab goes through every link, control, handle and button in order and leaves at the end; all have names."""
    page = visit(ALL_REVEALED)
    everything = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, summary, .handle')].filter((one, i) => {
          one.dataset.index = i;
          const first = one.type !== 'radio' || one.checked;
          return first && !one.matches(':disabled') && one.getClientRects().length;
        }).map((one) => one.dataset.index)"""
    )
    reached = []
    for _ in range(len(everything) + 20):
        page.keyboard.press("Tab")
        index = page.evaluate("document.activeElement.dataset.index ?? document.activeElement.tagName")
        if index == "BODY":
            break
        reached.append(index)
    assert index == "BODY"
    assert [index for index in reached if index in everything] == everything
    nameless = page.evaluate(
        """[...document.querySelectorAll('input, select, .handle')]
          .filter((one) => !one.labels?.length && !one.getAttribute('aria-label')).length"""
    )
    assert nameless == 0
    page.locator('#copying [aria-label="query q"]').focus()
    page.keyboard.press("ArrowUp")
    ring = page.locator('#copying [aria-label="query q"] .ring')
    assert ring.evaluate("(ring) => getComputedStyle(ring).strokeWidth") == "4px"
    assert page.locator('#copying [aria-label="query q"]').get_attribute("aria-valuetext").startswith("length 4.25")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("javascript", [True, False])
def test_small_screen_needs_no_horizontal_scrolling(visit: Callable[..., Any], scheme: str, javascript: bool) -> None:
    """At 360 pixels only long formulas are wider, and those scroll by themselves."""
    size = {"width": 360, "height": 740}
    page = visit(ALL_REVEALED, viewport=size, color_scheme=scheme, java_script_enabled=javascript)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    out = page.evaluate(
        """[...document.querySelectorAll('main *, header *, footer *')]
          .filter((one) => !one.closest('.formula') && one.getBoundingClientRect().right > 360.5 && !one.closest('svg'))
          .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert out == []


def test_light_and_dark_have_legible_colours(visit: Callable[..., Any]) -> None:
    """The contrast of text to its background is at least 4.5 to 1 in both schemes."""
    contrast = """() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const hex = style.getPropertyValue(name).trim().slice(1);
        const [r, g, b] = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
          .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const pairs = [['--ink', '--paper'], ['--soft-ink', '--paper'], ['--soft-ink', '--faint'], ['--a', '--sheet'],
        ['--b', '--sheet'], ['--q', '--sheet'], ['--good', '--good-paper'], ['--on-button', '--button']];
      return Math.min(...pairs.map(([one, two]) => {
        const [high, low] = [light(one), light(two)].sort((x, y) => y - x);
        return high / low;
      }));
    }"""
    background = {}
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme)
        background[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert page.evaluate(contrast) >= 4.5, scheme
    assert background["light"] != background["dark"]


def test_nothing_is_animated_where_reduced_motion_is_preferred(visit: Callable[..., Any]) -> None:
    """Otherwise the answer fades in."""
    for motion, name in (("reduce", "none"), ("no-preference", "appear")):
        page = visit(ALL_REVEALED, reduced_motion=motion)
        assert page.locator("#copying .play").evaluate("(play) => getComputedStyle(play).animationName") == name


def test_everything_can_be_read_without_javascript(visit: Callable[..., Any]) -> None:
    """Answers, formulas, figures and numbers are shown, and no controls, which would do nothing."""
    page = visit(java_script_enabled=False)
    for name in GUESSES:
        section = page.locator(f"#{name}")
        for part in (".part", ".formula math >> nth=0", ".answer", ".softmax >> nth=0", ".task", ".solved"):
            assert section.locator(part).is_visible(), (name, part)
        assert section.locator("figure svg .layer *").count() > 10
        assert section.locator("button:visible, input:visible, select:visible, output:visible").count() == 0
    assert page.locator("noscript").is_visible()


def test_numbers_without_javascript_equal_those_with_it(visit: Callable[..., Any]) -> None:
    """At the state that each experiment declares for its static figures."""
    static = visit(java_script_enabled=False)
    read = "(section) => [...section.querySelectorAll('[data-n]')].map((one) => [one.dataset.n, one.textContent])"
    states = {name: str(static.locator(f"#{name}").get_attribute("data-static")) for name in GUESSES}
    parts = [f"{name}.{part}" for name in GUESSES for part in states[name].split("&")]
    page = visit(f"{ALL_REVEALED}&{'&'.join(parts)}")
    for name in GUESSES:
        assert static.locator(f"#{name}").evaluate(read) == page.locator(f"#{name}").evaluate(read)
