"""The command: the page that it writes, the questions in it, and what it says where it cannot."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from closedbook.explore.write import explore
from closedbook.storage.run import open_run
from closedbook.storage.sums import write_summed

Book = dict[str, Any]


def book_in(page: Path) -> Book:
    """The JSON that a page has of its run."""
    found = re.search(r'<script type="application/json" id="book">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


@pytest.fixture
def explored(closedbook: Callable[..., Any], tmp_path: Path) -> Callable[..., Book]:
    """Write the page of a run, with more words; the JSON in it, and the lines that were printed."""

    def explored(run: Path, *words: object) -> Book:
        page = tmp_path / "page.html"
        outcome = closedbook("explore", run, "--out", page, *words)
        assert (outcome.status, outcome.err) == (0, "")
        return book_in(page) | {"printed": outcome.out}

    return explored


def test_page_says_how_large_it_is_and_who_can_read_what(runs: Path, explored: Callable[..., Book]) -> None:
    """With and without the text."""
    without = explored(runs / "finetuned")
    assert re.search(r"page.html: 0\.\d\d MB; open it in a browser", without["printed"])
    assert without["warning"] in without["printed"]
    assert "weights" in without["warning"]
    assert "whole text" in explored(runs / "finetuned", "--text")["warning"]


def test_questions_are_of_the_file_that_is_given(runs: Path, files: Path, explored: Callable[..., Book]) -> None:
    """With its answers, if it has them."""
    given = explored(runs / "finetuned", "--pairs", files / "dev.tsv")
    expected = [("Where was Flo Gray born?", "Ulm"), ("Where was Gus Hall born?", "Rom")]
    assert [(one["question"], one["answer"]) for one in given["questions"]] == expected
    assert given["questionsFrom"] == "questions of dev.tsv"
    alone = explored(runs / "finetuned", "--pairs", files / "questions.txt")
    assert [(one["question"], one["answer"]) for one in alone["questions"]] == [(q, None) for q, _ in expected]


@pytest.mark.parametrize(
    ("options", "source", "n"),
    [
        ((), "training questions, pairs.tsv", 5),
        (("--dev", "dev.tsv"), "dev questions, dev.tsv", 2),
        (("--validation-split", 0.4), "questions of pairs.tsv that were held out of training", 2),
    ],
    ids=lambda given: str(given),
)
def test_without_a_file_questions_are_those_that_the_run_did_not_train_on(
    options: tuple[str, ...],
    source: str,
    n: int,
    closedbook: Callable[..., Any],
    runs: Path,
    files: Path,
    explored: Callable[..., Book],
    tmp_path: Path,
) -> None:
    """Dev pairs, or held-out pairs; else the training pairs, which is said."""
    run = tmp_path / "run"
    words = [files / word if word == "dev.tsv" else word for word in options]
    recipe = ("--recipe", files / "tiny.toml")
    done = closedbook("finetune", files / "pairs.tsv", "--from", runs / "pretrained", "--out", run, *recipe, *words)
    assert done.status == 0
    book = explored(run)
    assert (book["questionsFrom"], len(book["questions"])) == (source, n)
    n_characters = sum(map(len, (files / "corpus.txt").read_text().splitlines()))
    n_pairs = 3 if "--validation-split" in options else 5
    assert book["counts"] == {"documents": 8, "titles": 7, "characters": n_characters, "pairs": n_pairs, "edits": 0}


def test_strangers_are_no_titles_and_people_are(runs: Path, explored: Callable[..., Book], files: Path) -> None:
    """Their names are made of what titles have; each can stand in the template."""
    book = explored(runs / "finetuned")
    titles = {line.partition(".")[0] for line in (files / "corpus.txt").read_text().splitlines()}
    assert set(book["people"]) <= titles
    assert len(book["people"]) == 7
    assert book["template"] == "Where was {} born?"
    assert book["strangers"]
    assert not set(book["strangers"]) & titles
    assert len(set(book["strangers"])) == len(book["strangers"])
    assert sum(book["histograms"]["known"]) == 5
    assert sum(book["histograms"]["strangers"]) == len(book["strangers"])


def test_a_run_whose_files_are_gone_asks_about_its_titles(
    run_of: Callable[[str], Path], explored: Callable[..., Book], tmp_path: Path
) -> None:
    """Without questions, the weights are compared on people whom the run's vocabulary has."""
    run = tmp_path / "run"
    run.mkdir()
    for name in ("recipe.toml", "model.safetensors"):
        (run / name).write_bytes((run_of("vanilla") / name).read_bytes())
    facts = json.loads((run_of("vanilla") / "run.json").read_text(encoding="utf-8"))
    facts["sources"] = {name: source | {"path": f"/gone/{name}"} for name, source in facts["sources"].items()}
    write_summed(run / "run.json", json.dumps(facts).encode())
    book = explored(run)
    assert (book["questions"], book["questionsFrom"]) == ([], "no questions: the run's files are not where they were")
    assert set(book["people"]) == {"Ann Bell", "Bo Carr", "Cy Dunn", "Di Eck", "Ed Foss", "Flo Gray"}
    assert sum(book["histograms"]["known"]) == 6


def test_what_cannot_be_written_is_said_in_a_line(closedbook: Callable[..., Any], runs: Path, tmp_path: Path) -> None:
    """No run, an unfinished one, a folder for a page, no folder for it, a file of questions that is at fault."""
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    for name in ("recipe.toml", "run.json"):
        (unfinished / name).write_bytes((runs / "finetuned" / name).read_bytes())
    faulty = tmp_path / "faulty.tsv"
    faulty.write_text("Where?\tUlm\tRom\n")
    run, page = runs / "finetuned", tmp_path / "page.html"
    for words, said in {
        (tmp_path / "nothing", "--out", page): "no such run",
        (unfinished, "--out", page): "has not ended",
        (run, "--out", tmp_path): "this is a folder",
        (run, "--out", tmp_path / "no" / "page.html"): "existing folder is needed",
        (run, "--out", page, "--pairs", tmp_path / "no.tsv"): "no such file",
        (run, "--out", page, "--pairs", faulty): "faulty.tsv",
    }.items():
        outcome = closedbook("explore", *words)
        assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert said in outcome.err
        assert not page.exists()


def test_a_text_that_has_changed_is_not_put_into_the_page(
    closedbook: Callable[..., Any], files: Path, tmp_path: Path
) -> None:
    """--text needs the text that the run learned."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_bytes((files / "corpus.txt").read_bytes())
    run, page = tmp_path / "run", tmp_path / "page.html"
    recipe = ("--recipe", files / "tiny.toml")
    assert closedbook("pretrain", corpus, "--out", run, *recipe).status == 0
    corpus.write_text("Ann Bell. Another text .\n")
    outcome = closedbook("explore", run, "--out", page, "--text")
    assert (outcome.status, outcome.out) == (2, "")
    assert "gone or has changed" in outcome.err


def test_data_cannot_end_the_element_that_holds_it(closedbook: Callable[..., Any], runs: Path, tmp_path: Path) -> None:
    """A question with a tag in it is in the page as text."""
    questions = tmp_path / "questions.txt"
    questions.write_text("Where was </script><b>Ann</b> <!-- born?\n")
    page = tmp_path / "page.html"
    assert closedbook("explore", runs / "finetuned", "--out", page, "--pairs", questions).status == 0
    assert book_in(page)["questions"][0]["question"] == "Where was </script><b>Ann</b> <!-- born?"


def test_page_of_an_edited_run_says_so(
    run_of: Callable[[str], Path], opened: Callable[..., Any], tmp_path: Path
) -> None:
    """Whoever reads it would else take what was changed for what the text says."""
    run = shutil.copytree(run_of("vanilla"), tmp_path / "run")
    write_summed(run / "edits.json", b'{"format": 1, "edits": [{"changes": [], "weights": [], "others": [0, 0]}]}')
    save_file({"none": torch.zeros(1)}, run / "former.safetensors")
    explore(open_run(run), tmp_path / "page.html")
    page = opened((tmp_path / "page.html").as_uri(), "")
    page.wait_for_selector("html.ready")
    assert str(page.locator("#model").text_content()).endswith("; then 1 edit changed what it says.")
