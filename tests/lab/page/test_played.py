"""The playable page played with, in a real Chromium: by keyboard and mouse, on small screens, without JavaScript."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from closedbook.lab import averaging
from closedbook.lab.logit_normal import Share

GUESSES = {
    "copying": "near",
    "averaging": "half",
    "noise": "both",
    "fragility": "ends",
    "heads": "tenth",
    "projections": "itself",
    "positions": "nothing",
}
"""Of each scene the guess that is right."""
ALL_REVEALED = "#at=&" + "&".join(f"{scene}.guess={guess}" for scene, guess in GUESSES.items())

Presses = list[tuple[str, str, int]]
SOLUTIONS: dict[str, Presses] = {
    "copying": [('[aria-label="query q"]', "Shift+ArrowLeft", 6), ('[aria-label="query q"]', "ArrowUp", 9)],
    "averaging": [('[aria-label="query q"]', "Shift+ArrowRight", 4), ('[aria-label="query q"]', "Shift+ArrowUp", 6)],
    "noise": [("[name=power]", "ArrowLeft", 15), ('[aria-label="place on the map"]', "ArrowRight", 10)],
    "fragility": [
        ("[name=beta]", "ArrowRight", 24),
        ('[aria-label="key a, along its direction"]', "ArrowRight", 1),
        ('[aria-label="key a, along its direction"]', "ArrowLeft", 9),
    ],
    "heads": [("[name=heads]", "ArrowRight", 1)],
    "projections": [
        ("[name=look1]", "ArrowDown", 3),
        ("[name=look2]", "ArrowDown", 4),
        ("[name=keep0]", "ArrowDown", 1),
        ("[name=keep2]", "ArrowDown", 2),
        ("[name=keep3]", "ArrowDown", 1),
        ("[name=loudness]", "ArrowRight", 4),
    ],
    "positions": [("[name=kind]:checked", "ArrowDown", 3), ("[name=shift]", "ArrowRight", 5)],
}
"""Of each challenge a solution by keyboard, to the last press: what has the focus, which key, how often."""


def play(page: Any, scene: str, presses: Presses) -> None:
    """Press keys in a scene."""
    for target, key, times in presses:
        page.locator(f"#{scene} {target}").focus()
        for _ in range(times):
            page.keyboard.press(key)


def told(page: Any, scene: str) -> str:
    """What the scene's challenge says of its state, aloud to a screen reader as well."""
    return str(page.locator(f"#{scene} .challenge [role=status]").text_content())


def state(page: Any) -> dict[str, Any]:
    """The state of every scene."""
    found: dict[str, Any] = page.evaluate(
        "Object.fromEntries([...scenes.values()].map(({ name, state, guess }) => [name, { ...state, guess }]))"
    )
    return found


def settled(page: Any) -> str:
    """The address's hash, after it was written."""
    page.wait_for_timeout(350)
    return str(page.evaluate("location.hash"))


@pytest.mark.parametrize("scene", GUESSES)
def test_each_scene_is_guessed_and_its_challenge_solved_by_keyboard(visit: Callable[..., Any], scene: str) -> None:
    """No answer before a guess; no challenge is solved at the start; each is noticed when it is."""
    page = visit()
    assert not page.locator(f"#{scene} .answer").is_visible()
    assert not page.locator(f"#{scene} .play").is_visible()
    page.locator(f"#{scene} button[type=submit]").focus()
    page.keyboard.press("Enter")
    assert "first" in page.locator(f"#{scene} .nudge").text_content()
    assert not page.locator(f"#{scene} .answer").is_visible()
    page.locator(f"#{scene} input[value={GUESSES[scene]}]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert page.locator(f"#{scene} .answer").is_visible()
    assert page.locator(f"#{scene} .play").is_visible()
    assert page.locator(f"#{scene} .verdict").text_content() == "You predicted it."
    assert page.evaluate("document.activeElement.className") == "answer"
    assert told(page, scene) == "Not solved yet."
    *early, (target, key, times) = SOLUTIONS[scene]
    play(page, scene, [*early, (target, key, times - 1)])
    assert told(page, scene) == "Not solved yet."
    play(page, scene, [(target, key, 1)])
    assert told(page, scene).startswith("Solved. ")
    assert "is-solved" in str(page.locator(f"#{scene}").get_attribute("class"))
    page.locator(f"#{scene} [data-do=over]").press("Enter")
    assert not page.locator(f"#{scene} .answer").is_visible()
    assert told(page, scene) == "Not solved yet."


def test_a_wrong_guess_is_shown_the_right_one(visit: Callable[..., Any]) -> None:
    """Kindly."""
    page = visit()
    page.locator("#fragility input[value=bell]").check()
    page.locator("#fragility button[type=submit]").click()
    assert "otherwise" in page.locator("#fragility .verdict").text_content()
    assert page.locator("#fragility label.right input").get_attribute("value") == "ends"


def test_one_head_cannot_solve_what_two_can(visit: Callable[..., Any]) -> None:
    """Whatever beta, at eight keys: either the variance is too great, or too much leaks."""
    page = visit(ALL_REVEALED)
    page.locator("#heads [name=beta]").press("Home")
    for _ in range(48):
        page.keyboard.press("ArrowRight")
    assert told(page, "heads") == "Not solved yet."
    assert state(page)["heads"]["beta"] == 24


def test_vectors_are_dragged_and_everything_moves_at_once(visit: Callable[..., Any]) -> None:
    """By mouse: the query on to key a, key b away; sliders, pictures and numbers follow."""
    page = visit(ALL_REVEALED)

    def drag(name: str, x: float, y: float) -> None:
        page.locator("#copying svg[data-picture=keys]").scroll_into_view_if_needed()
        box = page.locator("#copying svg[data-picture=keys]").bounding_box()
        handle = page.locator(f'#copying [aria-label="{name}"] .ring').bounding_box()
        page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + x * box["width"] / 320, box["y"] + y * box["height"] / 320, steps=5)
        page.mouse.up()

    before = [page.locator(f"#copying svg[data-picture={name}] .layer").inner_html() for name in ("values", "curve")]
    drag("query q", 160 + 105 * 1.25 / 16 * 9, 160)
    assert state(page)["copying"]["beta"] == pytest.approx(9, abs=0.25)
    assert state(page)["copying"]["angle"] == pytest.approx(0, abs=1)
    assert page.locator("#copying [name=beta]").input_value().startswith("9")
    assert told(page, "copying").startswith("Solved.")
    after = [page.locator(f"#copying svg[data-picture={name}] .layer").inner_html() for name in ("values", "curve")]
    assert all(old != new for old, new in zip(before, after, strict=True))
    margin = float(page.locator("#copying [data-n=margin]").text_content())
    drag("key f", 160 - 100, 160 + 60)
    drag("key b", 160 - 100, 160 - 60)
    assert float(page.locator("#copying [data-n=margin]").text_content()) > margin
    assert re.fullmatch(r"0,\d+,0,0,-\d+,0", state(page)["copying"]["turns"])


def test_what_is_shown_is_what_python_says(visit: Callable[..., Any]) -> None:
    """Sliders moved on the page, and the numbers beside the pictures read off."""
    page = visit(ALL_REVEALED)
    for beta in (0.5, 7.5, 24.0):
        page.locator("#fragility [name=beta]").fill(str(beta))
        assert page.locator("#fragility [data-n=variance]").text_content() == f"{Share(beta**2 / 2).variance:.3f}"
    for n in (3, 20):
        page.locator("#averaging [name=n]").fill(str(n))
        needed = averaging.beta_needed(n, 2, 0.01 * math.sqrt(1 / 2 + 1 / (n - 2)))
        assert page.locator("#averaging [data-n=needed]").text_content() == f"{needed:.2f}"


def test_another_draw_is_another_and_the_same_again(visit: Callable[..., Any]) -> None:
    """The seed is part of the state."""
    page = visit(ALL_REVEALED)
    counted = page.locator("#fragility [data-n=counted]")
    first = counted.text_content()
    page.locator("#fragility [data-do=again]").click()
    second = counted.text_content()
    page.locator("#fragility [name=seed]").fill("1")
    assert counted.text_content() == first != second


def test_a_link_brings_another_person_to_the_same_place(visit: Callable[..., Any]) -> None:
    """All that was changed, guessed and dragged is in the address; the scene last touched is in sight."""
    page = visit(ALL_REVEALED)
    for scene, presses in SOLUTIONS.items():
        play(page, scene, presses)
    play(page, "copying", [('[aria-label="key d"]', "ArrowUp", 3)])
    play(page, "heads", [("[name=n]", "ArrowLeft", 1)])
    link = settled(page)
    assert link.startswith("#at=heads&")
    other = visit(link)
    assert state(other) == state(page)
    assert state(other)["copying"]["turns"] == "0,0,6,0,0,0"
    assert other.locator("#heads .play").is_visible()
    top = other.evaluate("document.getElementById('heads').getBoundingClientRect().top")
    assert -1 < top < 100
    # the same in a window that is open already
    page.goto(page.url.split("#")[0] + "#at=fragility&fragility.guess=flat&fragility.beta=9.5")
    page.wait_for_function("scenes.get('fragility').state.beta === 9.5")
    assert state(page)["fragility"]["guess"] == "flat"
    assert state(page)["heads"]["guess"] == ""


def test_a_link_with_nonsense_in_it_is_read_as_far_as_it_makes_sense(visit: Callable[..., Any]) -> None:
    """Numbers are clamped, unknown names passed over; nothing of it becomes part of the page."""
    page = visit(
        "#at=nowhere&heads.beta=1e9&heads.heads=many&heads.guess=<b>&copying.turns=<svg>&copying.n=-3&x.y=z&"
        "positions.kind=none'&projections.look1=9&noise.power=&averaging.x=NaN&toString.guess=near&fragility.eps=0.21"
    )
    found = state(page)
    assert (found["heads"]["beta"], found["heads"]["heads"], found["heads"]["guess"]) == (24, 1, "")
    assert (found["copying"]["turns"], found["copying"]["n"]) == ("", 2)
    assert (found["positions"]["kind"], found["projections"]["look1"]) == ("none", -1)
    assert (found["noise"]["power"], found["averaging"]["x"], found["fragility"]["eps"]) == (-2, 3, 0.2)


def test_the_keyboard_alone_reaches_everything_and_is_never_trapped(visit: Callable[..., Any]) -> None:
    """Tab goes through every link, control, handle and button, in order, and out at the end; all have names."""
    page = visit(ALL_REVEALED)
    everything = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, .handle')].filter((one, i) => {
          one.dataset.place = i;
          const first = one.type !== 'radio' || one.checked;
          return first && !one.matches(':disabled') && one.getClientRects().length;
        }).map((one) => one.dataset.place)"""
    )
    reached = []
    for _ in range(len(everything) + 20):
        page.keyboard.press("Tab")
        place = page.evaluate("document.activeElement.dataset.place ?? document.activeElement.tagName")
        if place == "BODY":
            break
        reached.append(place)
    assert place == "BODY"
    assert [place for place in reached if place in everything] == everything
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
def test_a_small_screen_needs_no_sideways_scroll(visit: Callable[..., Any], scheme: str, javascript: bool) -> None:
    """At 360 pixels nothing sticks out, but for long formulas, which scroll by themselves."""
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
    """Text stands out from its ground by 4.5 to 1 at least, in either scheme."""
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
    ground = {}
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme)
        ground[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert page.evaluate(contrast) >= 4.5, scheme
    assert ground["light"] != ground["dark"]


def test_nothing_moves_by_itself_for_those_who_want_no_motion(visit: Callable[..., Any]) -> None:
    """Otherwise the answer fades in."""
    for motion, name in (("reduce", "none"), ("no-preference", "appear")):
        page = visit(ALL_REVEALED, reduced_motion=motion)
        assert page.locator("#copying .play").evaluate("(play) => getComputedStyle(play).animationName") == name


def test_without_javascript_all_of_it_can_be_read(visit: Callable[..., Any]) -> None:
    """Answers, formulas, pictures and numbers stand there, and no control that would do nothing."""
    page = visit(java_script_enabled=False)
    for scene in GUESSES:
        section = page.locator(f"#{scene}")
        for part in (".idea", ".formula math >> nth=0", ".answer", ".numbers", ".solved"):
            assert section.locator(part).is_visible(), (scene, part)
        assert section.locator("figure svg .layer > *").count() > 10
        assert section.locator("button:visible, input:visible, select:visible").count() == 0
    assert page.locator("noscript").is_visible()


def test_the_numbers_without_javascript_are_those_with_it(visit: Callable[..., Any]) -> None:
    """Each scene says for what its still pictures are drawn."""
    still = visit(java_script_enabled=False)
    read = "(scene) => [...scene.querySelectorAll('[data-n]')].map((one) => [one.dataset.n, one.textContent])"
    drawn = {scene: str(still.locator(f"#{scene}").get_attribute("data-drawn")) for scene in GUESSES}
    parts = [f"{scene}.{part}" for scene in GUESSES for part in drawn[scene].split("&")]
    page = visit(f"{ALL_REVEALED}&{'&'.join(parts)}")
    for scene in GUESSES:
        assert still.locator(f"#{scene}").evaluate(read) == page.locator(f"#{scene}").evaluate(read)
