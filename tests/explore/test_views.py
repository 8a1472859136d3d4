"""The page of a run in a real Chromium: what it draws is what its engine says, for all keyboards, screens and links."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

QUESTION = "Where was Flo Gray born?"
OF_KIND = {"vanilla": QUESTION, "perceiver": QUESTION, "course": QUESTION, "chinese": "刘一方在哪里出生？"}

HEADS = """() => {
  const { now } = explorer.answers;
  const steps = [...now.questionSteps, ...now.letters.slice(1, explorer.state.letter + 1).map((one) => one.step)];
  const own = (step) => step.attention.filter((one) => one.block === explorer.state.block);
  const place = (key) => key.latent ?? 1000 + key.at;
  const engine = own(steps.findLast((step) => own(step).length)).map(({ keys, weights }) =>
    [...keys.keys()].sort((i, j) => place(keys[i]) - place(keys[j])).map((i) => weights[i]));
  const drawn = [...document.querySelectorAll(".head")].map((head) => ({
    heights: [...head.querySelectorAll(".rise i")].map((bar) => bar.getBoundingClientRect().height),
    signs: [...head.querySelectorAll(".sign")].map((sign) => sign.textContent).join(""),
    first: head.querySelector("li").textContent,
  }));
  return { engine, drawn };
}"""
"""Each head's attention weights at the chosen letter, as the engine has them and as they are drawn."""


ANSWER = "answerTo(explorer.model, explorer.state.question, {}, [...explorer.model.idsOf(explorer.state.begun)])"
"""The engine's answer to the question, with the letters that the reader chose."""

HEIGHTS = "(bars) => [...document.querySelectorAll(bars)].map((bar) => bar.getBoundingClientRect().height)"
PLACE_OF_MARK = """() => {
  const [mark, all] = [".mark", ".columns"].map((one) => document.querySelector(one).getBoundingClientRect());
  return (mark.x + mark.width / 2 - all.x) / all.width;
}"""
OUTSIDE = """() => [...document.querySelectorAll("main *:not(.unseen)")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.outerHTML.slice(0, 80))"""


def asked(question: str = QUESTION, **state: object) -> str:
    """The hash of a question that was answered after a guess."""
    return f"#q={quote_plus(question)}&guess=knows" + "".join(f"&{name}={value}" for name, value in state.items())


def ask(page: Any, question: str) -> None:
    """Ask another question, and guess that the model knows."""
    page.evaluate("(question) => { explorer.set({ question }); explorer.set({ guess: 'knows' }); }", question)


def text(page: Any, selector: str) -> str:
    """The text of an element."""
    return str(page.locator(selector).text_content())


def shares(page: Any, bars: str) -> list[float]:
    """The lengths of bars, as shares of what they lie in."""
    share = "(bar) => bar.getBoundingClientRect().width / bar.parentElement.clientWidth"
    found: list[float] = page.evaluate(f"(bars) => [...document.querySelectorAll(bars)].map({share})", bars)
    return found


def state(page: Any) -> dict[str, Any]:
    """The state of the page."""
    found: dict[str, Any] = page.evaluate("explorer.state")
    return found


def hash_of(page: Any) -> str:
    """The hash of the address, after it has been written."""
    page.wait_for_timeout(350)
    return str(page.evaluate("location.hash"))


def near(value: float) -> Any:
    """Equal to within half a pixel of a bar."""
    return pytest.approx(value, abs=0.02)


def test_answer_bar_and_mark_are_the_engines(visit: Callable[..., Any]) -> None:
    """The words, the bar's length, the percentage, the mark's position, and the histograms' columns."""
    page = visit("vanilla", asked())
    answer = page.evaluate(f"({{ inWords, probability, mark }} = {ANSWER}, {{ inWords, probability, mark }})")
    assert text(page, "#answer .says") == answer["inWords"]
    assert shares(page, "#answer .bar i") == [near(answer["probability"])]
    assert text(page, "#answer .measure strong") == page.evaluate("(p) => percent(p)", answer["probability"])
    assert page.evaluate(PLACE_OF_MARK) == near(answer["mark"])
    for name in ("known", "strangers"):
        counts = page.evaluate("(name) => explorer.book.histograms[name]", name)
        heights = page.evaluate(HEIGHTS, f"i.{name}")
        assert sum(counts) > 0
        assert [height / max(heights) for height in heights] == [near(count / max(counts)) for count in counts]


def test_parts_are_as_short_as_modules() -> None:
    """A script or style sheet has at most 300 lines, and a line at most 120 characters."""
    folder = Path(str(files("closedbook.explore.page")))
    parts = [*folder.glob("*.css"), *folder.glob("*/*.js")]
    assert len(parts) > 15
    for part in parts:
        lines = part.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 300, part.name
        assert max(map(len, lines)) <= 120, part.name


def test_page_names_no_folder_of_the_machine_that_made_it(page_of: Callable[..., Path]) -> None:
    """Its command has names and no paths, since people share the page."""
    page = page_of("vanilla")
    html = page.read_text(encoding="utf-8")
    assert f"closedbook explore vanilla --out {page.name} --pairs dev.tsv --text" in html
    assert str(page.parent) not in html


@pytest.mark.parametrize("kind", OF_KIND)
def test_bars_of_each_head_are_its_attention_weights_on_320_pixels(visit: Callable[..., Any], kind: str) -> None:
    """Relative to the head's largest weight, which the first number says; nothing scrolls sideways."""
    page = visit(kind, asked(OF_KIND[kind], letter=2), viewport={"width": 320, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(OUTSIDE) == []
    for block in range(page.evaluate("explorer.book.nBlocks")):
        page.evaluate("(block) => explorer.set({ block })", block)
        heads = page.evaluate(HEADS)
        assert len(heads["drawn"]) == len(heads["engine"]) == 2
        for drawn, weights in zip(heads["drawn"], heads["engine"], strict=True):
            most = max(drawn["heights"])
            assert most > 20
            assert [height / most for height in drawn["heights"]] == [near(weight / max(weights)) for weight in weights]
            assert drawn["first"].startswith(page.evaluate("(p) => percent(p)", max(weights)))
            assert OF_KIND[kind].replace(" ", "␣").startswith(drawn["signs"][:4])


def test_rows_of_the_tables_are_told_in_words(visit: Callable[..., Any]) -> None:
    """A word of the text is there, another one is unknown from a letter on, and a title has a row of its own."""
    page = visit("vanilla", asked("Where was Flo Grey born?"))
    assert "Flo: yes; Grey: unknown from the e on; born: yes" in text(page, "#rows")
    assert "No row for a whole name" in text(page, "#rows")
    ask(page, QUESTION)
    assert "Rows for whole names: Flo Gray." in text(page, "#rows")
    ask(page, "Where was <b>Quux</b> born?")  # what was typed is text
    assert "<b>" in text(page, "#answer .asked")
    assert page.locator("#answer b, #rows b").count() == 0
    page = visit("chinese", asked(OF_KIND["chinese"]))
    assert "刘一方在: yes; 哪里: unknown from the 哪 on; 出生: yes" in text(page, "#rows")
    assert "no lookup tables" in text(visit("course", asked()), "#rows")


@pytest.mark.parametrize("kind", ["vanilla", "course"])
def test_link_restores_what_was_seen(visit: Callable[..., Any], kind: str) -> None:
    """Question, guess, chosen letter, chosen head and beta, and the same answers; only tables have a switch."""
    page = visit(kind, asked(OF_KIND[kind]))
    page.locator("#reading .letters button").nth(1).click()
    page.locator("[data-head='1.1'], [data-head='0.1']").last.uncheck()
    page.locator("#beta").press("ArrowRight")
    if page.locator("#tables").count():
        page.locator("#tables").uncheck()
    assert page.locator("#tables").count() == (kind != "course")
    again = visit(kind, hash_of(page))
    assert state(again) == state(page)
    assert state(page)["beta"] == 1.1
    assert state(page)["letter"] == 1
    assert len(state(page)["off"]) == 1
    for selector in ("#compared", "#reading-now", "#candidates", "#heads"):
        assert text(again, selector) == text(page, selector)


def test_unknown_and_inherited_names_in_a_link_are_ignored(visit: Callable[..., Any]) -> None:
    """The page is as without them."""
    plain = {"question": "", "guess": "", "letter": 0, "begun": "", "block": 0, "tables": True, "beta": 1, "off": []}
    page = visit(
        "vanilla",
        "#constructor=1&__proto__=2&guess=constructor&letter=toString&block=77&beta=NaN&off=constructor,9.9&begun=__",
    )
    assert state(page) == plain
    assert page.locator("#guess button").first.is_disabled()
    page = visit("vanilla", asked(letter=999, beta=-1, tables="constructor", block=0))
    assert state(page) | {"letter": 0} == plain | {"question": QUESTION, "guess": "knows"}
    assert text(page, "#reading [aria-checked=true] span") == text(page, "#reading .letters button:last-child span")


def test_keyboard_alone_asks_guesses_and_steps(visit: Callable[..., Any]) -> None:
    """The answer is hidden until the guess; then the focus is on it, and arrow keys step through the letters."""
    page = visit("vanilla")
    page.locator("#question").focus()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    assert text(page, "#answer").startswith("The answer comes here")
    assert not page.locator("#heads").is_visible()
    assert page.evaluate("document.activeElement.dataset.guess") == "knows"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "answer"
    assert page.locator("[data-guess=not]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Tab")
    last = page.evaluate("explorer.answers.now.letters.length") - 1
    for key, letter in (("ArrowRight", 1), ("End", last), ("ArrowRight", last), ("ArrowUp", last - 1), ("Home", 0)):
        page.keyboard.press(key)
        chosen = page.evaluate("document.activeElement.dataset.i")
        assert (chosen, state(page)["letter"]) == (str(letter), letter)
        written = page.evaluate("explorer.inWords(explorer.answers.now.letters[explorer.state.letter])")
        assert written in text(page, "#reading-now")


def test_guesses_are_counted_once_a_question(visit: Callable[..., Any]) -> None:
    """Where the page knows the answer, and not for a question of the reader's own."""
    page = visit("vanilla")
    for _ in range(2):
        page.locator("#question").fill(
            page.evaluate("explorer.book.template.replace('{}', explorer.book.strangers[0])")
        )
        page.locator("#asking button").click()
        page.locator("[data-guess=not]").click()
    assert text(page, "#tally") == "Your guesses: 1 of 1 right."
    page.locator("[data-draw=stranger]").click()
    page.locator("[data-guess=knows]").click()
    assert text(page, "#tally") == "Your guesses: 1 of 2 right."
    assert "Your guess was wrong." in text(page, "#answer")


def test_answer_that_the_page_cannot_check_is_not_counted(visit: Callable[..., Any]) -> None:
    """The reader's own question to a run that never says that it does not know, and was not calibrated."""
    page = visit("course", asked("Where was Ann?"))
    assert "not counted" in text(page, "#answer")
    assert "the model's own probability" in text(page, "#answer")
    ask(page, QUESTION)
    assert "not counted" not in text(page, "#answer")
    ask(page, f"  {QUESTION}")
    assert "not counted" not in text(page, "#answer")


@pytest.mark.parametrize("kind", ["vanilla", "course"])
def test_question_that_cannot_be_asked_ends_in_a_sentence(visit: Callable[..., Any], kind: str) -> None:
    """Too long, or with characters that a closed vocabulary lacks; no guess is asked for, and the next one works."""
    page = visit(kind)
    page.locator("#question").fill(f"Where was {'x' * 70} born?" if kind == "vanilla" else "Where was 王 born?")
    page.keyboard.press("Enter")
    assert len(text(page, "#fault")) > 20
    assert page.locator("[data-guess=knows]").is_disabled()
    page.locator("#question").fill(QUESTION)
    page.keyboard.press("Enter")
    assert text(page, "#fault") == ""
    page.locator("[data-guess=knows]").click()
    assert page.locator("#heads").is_visible()


def test_answer_goes_on_from_the_letter_that_the_reader_chose(visit: Callable[..., Any]) -> None:
    """The bars are the probabilities; the rest is written by the model; there is a way back."""
    page = visit("vanilla", asked(letter=2))
    own = page.evaluate("explorer.answers.plain.letters.map((one) => one.text)")
    top = page.evaluate("explorer.answers.now.letters[1].top.map((one) => one.p)")
    assert shares(page, "#candidates .bar i") == [near(p) for p in top]
    choice = page.locator("#candidates button").last
    chosen = choice.get_attribute("data-text")
    choice.click()
    assert state(page)["begun"] == own[0] + chosen
    letters = page.evaluate("explorer.answers.now.letters.map((one) => one.text)")
    assert letters[:2] == [own[0], chosen]
    assert letters == page.evaluate(f"{ANSWER}.letters.map((one) => one.text)")
    page.locator("#back").press("Enter")
    assert page.evaluate("explorer.answers.now.letters.map((one) => one.text)") == own
    assert page.locator("#back").is_disabled()


def test_many_questions_are_counted_as_the_engine_answers_them(visit: Callable[..., Any]) -> None:
    """With the switches as they are; the other bar is PyTorch's."""
    page = visit("vanilla", asked(beta=3, off="0.0"))
    page.locator("#trial-run").click()
    page.wait_for_selector("#trial-run:enabled")
    right, before, n = page.evaluate(
        """() => {
          const { questions } = explorer.book;
          const given = questions.map((one) => answerTo(explorer.model, one.question, { beta: 3, off: ["0.0"] }));
          return [questions.filter((one, i) => one.answer === given[i].text).length,
            questions.filter((one) => one.answer === one.predicted).length, questions.length];
        }"""
    )
    assert text(page, ".trial:first-child strong") == f"{before} of {n}"
    assert text(page, ".trial:last-child strong") == f"{right} of {n}"
    assert text(page, "#trial-state").startswith(f"Done: {right} right")


def test_line_that_states_it_is_shown_if_the_text_is_inside(visit: Callable[..., Any]) -> None:
    """Otherwise the page says how to make one with the text."""
    page = visit("vanilla", asked())
    assert "Flo Gray was born in Ulm" in text(page, "#found-lines")
    assert "the whole text" in text(page, "#warning")
    page = visit("vanilla", asked(), with_text=False)
    assert "--text" in text(page, "#found-lines")
    assert "Ulm" not in text(page, "#found-lines")
