"""What the pictures show, in a real Chromium: nothing leaves its card, and no picture contradicts its caption."""

import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

import closedbook.lab.page

REVEALED = (
    "#at=&copying.turn=1&copying.guess=near&averaging.turn=1&averaging.guess=three&noise.turn=1&noise.guess=both"
    "&fragility.turn=1&fragility.guess=ends&heads.turn=1&heads.guess=tenth&projections.turn=1&projections.guess=itself"
    "&positions.turn=1&positions.guess=nothing"
)
"""Every experiment after a guess, when it is the reader's turn."""

OUTSIDE = """() => [...document.querySelectorAll('figure svg .layer')].flatMap((layer) => {
  layer.closest('details')?.setAttribute('open', '');
  const card = layer.ownerSVGElement.getBoundingClientRect();
  const figure = layer.closest('section').id + ' ' + layer.ownerSVGElement.dataset.figure;
  return [...layer.children].filter((one) => {
    const box = one.getBoundingClientRect();
    return Math.min(box.left - card.left, box.top - card.top, card.right - box.right, card.bottom - box.bottom) < -1;
  }).map((one) => figure + ': ' + one.outerHTML.slice(0, 100));
})"""
"""Everything drawn outside the picture it belongs to, by more than a pixel."""

EXTREMES = [
    "copying.beta=16&averaging.x=12&averaging.y=12&averaging.n=3&noise.power=0&noise.beta=12&fragility.eps=2"
    "&fragility.beta=24&heads.x1=16&heads.y1=16&heads.x2=0&heads.y2=16&positions.kind=learned&positions.shift=20",
    "copying.beta=16&copying.angle=180&averaging.x=0&averaging.n=20&noise.power=0&noise.beta=0&fragility.eps=-2"
    "&fragility.beta=0.5&heads.x1=0&heads.y1=0&heads.x2=16&heads.y2=0&positions.kind=sinusoid&positions.shift=1&projections.keep1=-1&projections.scale=12",
    "copying.beta=0&copying.n=2&averaging.x=12&averaging.y=0&noise.power=-1&positions.kind=learned&positions.shift=7"
    "&projections.keep0=-1&projections.keep2=-1&projections.keep3=-1",
    "copying.beta=12&copying.angle=90&copying.n=6&noise.power=-5&noise.beta=12&positions.kind=sinusoid&positions.shift=5",
]
"""Ends of sliders, where vectors are longest and noise is largest."""


@pytest.mark.parametrize("extreme", EXTREMES)
def test_nothing_is_drawn_outside_its_card(visit: Callable[..., Any], extreme: str) -> None:
    """Dots, arrows and letters stay inside the picture at the ends of all sliders."""
    assert visit(f"{REVEALED}&{extreme}").evaluate(OUTSIDE) == []


def test_dot_of_the_leak_is_never_above_its_bound(visit: Callable[..., Any]) -> None:
    """For any direction, length and number of keys; where the margin is off the chart there is no dot."""
    page = visit(REVEALED)
    found = page.evaluate("""() => {
      const view = experiments.get('copying');
      const svg = view.section.querySelector('svg[data-figure=curve]');
      const above = [];
      let seen = 0;
      for (const n of [2, 5, 6]) for (const beta of [0, 1, 4, 9, 16]) for (let angle = -180; angle < 180; angle += 15) {
        view.set({ n, beta, angle });
        const dot = svg.querySelector('.layer .fill.c');
        if (!dot) continue;
        seen += 1;
        const [x, y] = [Number(dot.getAttribute('cx')), Number(dot.getAttribute('cy'))];
        const points = [...svg.querySelector('.bound').points];
        const right = points.findIndex((point) => point.x >= x);
        if (right < 1) continue; // the bound has left the chart
        const [one, two] = [points[right - 1], points[right]];
        const bound = one.y + ((two.y - one.y) * (x - one.x)) / (two.x - one.x);
        if (y < bound - 0.1) above.push([n, beta, angle, y, bound]);
      }
      return { above, seen };
    }""")
    assert found["above"] == []
    assert found["seen"] > 150


def test_outputs_of_heads_lie_in_the_shape_that_they_cannot_leave(visit: Callable[..., Any]) -> None:
    """Every centre of a dot is a weighted mean of the values, whichever the draw."""
    page = visit(REVEALED)
    found = page.evaluate("""() => {
      let [seen, outside] = [0, 0];
      for (const svg of document.querySelectorAll('#heads svg:has(.drawn)')) {
        const corners = [...svg.querySelector('.hull').points];
        for (const dot of svg.querySelectorAll('.drawn circle')) {
          const [x, y] = [Number(dot.getAttribute('cx')), Number(dot.getAttribute('cy'))];
          const sides = corners.map((from, i) => {
            const to = corners[(i + 1) % corners.length];
            const [dx, dy] = [to.x - from.x, to.y - from.y];
            return (dx * (y - from.y) - dy * (x - from.x)) / Math.hypot(dx, dy);
          });
          seen += 1;
          if (Math.min(...sides) < -0.05 && Math.max(...sides) > 0.05) outside += 1;
        }
      }
      return { seen, outside };
    }""")
    assert found["seen"] > 10
    assert found["outside"] == 0


def test_targets_of_each_token_lie_in_its_own_frame(visit: Callable[..., Any]) -> None:
    """So that a target below the first axis is not read as one above the second."""
    tokens = visit(REVEALED).locator("#projections [data-token]")
    found = tokens.evaluate_all("""(tokens) => tokens.map((token) => {
      const frame = token.querySelector('.frame').getBoundingClientRect();
      const goals = [...token.querySelectorAll('.goal')].map((goal) => goal.getBoundingClientRect());
      return goals.map((goal) => goal.top >= frame.top && goal.bottom <= frame.bottom);
    })""")
    assert found == [[True] * 4] * 2


def test_leak_in_noise_includes_the_noise(visit: Callable[..., Any]) -> None:
    """At a variance of 0.1 and beta 6 the other keys get 6.4% on average; 0.37% would be without noise."""
    page = visit(f"{REVEALED}&noise.power=-1&noise.beta=6")
    assert page.locator("#noise [data-n=leak]").text_content() == "6.4%"


@pytest.mark.parametrize("inherited", ["constructor", "toString", "__proto__", "hasOwnProperty"])
def test_inherited_names_in_a_link_are_no_state(visit: Callable[..., Any], inherited: str) -> None:
    """They are ignored like every other unknown name, and the page starts."""
    page = visit(f"#at=copying&copying.{inherited}=1&copying.beta=7")
    assert page.evaluate("experiments.get('copying').state.beta") == 7


def test_the_letter_of_the_weights_is_used_for_nothing_else(visit: Callable[..., Any]) -> None:
    """The noise is sigma squared, and the text says once what the assignment calls it."""
    text = " ".join(str(visit().locator("#noise").text_content()).split())
    assert text.count("the assignment’s α") == 1
    assert not re.search("α(?! ?[aib=])", text.replace("the assignment’s α", ""))


@pytest.mark.parametrize("scene", ["averaging", "noise", "fragility"])
def test_beta_is_called_a_length_only_where_it_is_one(visit: Callable[..., Any], scene: str) -> None:
    """With q = beta (a + b), beta is the score of each wanted key; the length of q is beta times the root of two."""
    assert "the length of q" not in re.sub(r"\s+", " ", str(visit().locator(f"#{scene}").text_content()))


def test_pictures_without_javascript_are_those_that_the_page_draws(visit: Callable[..., Any]) -> None:
    """stills.json is up to date; where this fails, run benchmarks/lab_stills.py."""
    drawn = visit().evaluate("stills()")
    assert drawn == json.loads(files(closedbook.lab.page).joinpath("stills.json").read_text(encoding="utf-8"))
