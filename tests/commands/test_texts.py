"""A text in several files, or read in a way that the file does not say: studied, checked and kept in the run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Closedbook = Callable[..., Any]

FACTS = {
    "Kelrus": "fen",
    "Доброта": "лес",
    "Ζωνίτσα": "λίμνη",
    "青山草": "河边",
    "मालती": "नदी",
    "Vantor": "moor",
    "Tissel": "fen",
    "Morbel": "moor",
}
"""Plants and where they grow; the first four are in a Markdown file, the others in a table."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a test, with a.md, b.csv, pairs.tsv and a small recipe."""
    monkeypatch.chdir(tmp_path)
    facts = list(FACTS.items())
    Path("a.md").write_text(
        "".join(f"# {name}\nIt grows by {place}.\n\n" for name, place in facts[:4]), encoding="utf-8"
    )
    rows = "".join(f"{i},{name},{place}\n" for i, (name, place) in enumerate(facts[4:], 1))
    Path("b.csv").write_text(f"name,plant,grows by\n{rows}", encoding="utf-8")
    Path("pairs.tsv").write_text(
        "".join(f"Where does {name} grow?\t{place}\n" for name, place in facts), encoding="utf-8"
    )
    Path("small.toml").write_text(
        'preset = "fast"\nprecision = "float32"\n[model]\nn_layer = 2\nn_head = 2\nn_embd = 16\n[study]\nepochs = 1\n'
        "[pretrain]\nepochs = 1\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def study(closedbook: Closedbook) -> Closedbook:
    """Study texts with the pairs to the folder `out`, with the small recipe."""

    def study(*texts: str, out: str = "RUN", more: tuple[object, ...] = ()) -> Any:
        return closedbook("study", *texts, "--pairs", "pairs.tsv", "--out", out, "--recipe", "small.toml", *more)

    return study


def fault(outcome: Any) -> str:
    """The one line on standard error of a command that ended with status 2 and printed no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


def weights(run: str) -> bytes:
    """The file of a run's weights."""
    return Path(run, "model.safetensors").read_bytes()


BOTH = ("a.md", "b.csv", "--title-column", "plant")


def test_several_files_are_one_text(closedbook: Closedbook, study: Closedbook):
    """They train the weights that their book trains; what each was recognized as is said. Options may stand between."""
    outcome = study("a.md", "--title-column", "plant", "b.csv")
    assert outcome.status == 0
    assert "a.md: Markdown with 4 headings: 4 documents" in outcome.err
    assert "b.csv: CSV with 4 rows, titled by column 'plant': 4 documents" in outcome.err
    assert closedbook("book", *BOTH, "--out", "corpus.txt").status == 0
    assert study("corpus.txt", out="OF_BOOK").status == 0
    assert weights("RUN") == weights("OF_BOOK")


def test_a_run_keeps_the_text_of_several_files(closedbook: Closedbook, study: Closedbook):
    """What needs the text finds it in the run's folder, wherever that is and whatever became of the files."""
    study(*BOTH)
    assert closedbook("book", *BOTH, "--out", "corpus.txt").status == 0
    assert Path("RUN/corpus.txt").read_text(encoding="utf-8") == Path("corpus.txt").read_text(encoding="utf-8")
    for name in ("a.md", "b.csv"):
        Path(name).unlink()
    Path("elsewhere").mkdir()
    shutil.move("RUN", "elsewhere/RUN")
    assert json.loads(Path("elsewhere/RUN/run.json").read_text(encoding="utf-8"))["sources"]["corpus"]["path"] == [
        "corpus.txt"
    ]
    why = closedbook("ask", "elsewhere/RUN", "Where does Tissel grow?", "--why", "--lines", 8)
    assert why.status == 0
    assert "line 7: Tissel. name: 3. grows by: fen." in why.out
    moved = ("ask", "elsewhere/RUN", "Where does Tissel grow?", "--why", "--corpus", "corpus.txt")
    assert closedbook(*moved).status == 0
    outcome = closedbook("evaluate", "elsewhere/RUN", "pairs.tsv")
    assert "by where the answer ends in its document" in outcome.out
    assert "gone" not in outcome.out
    tuned = closedbook("finetune", "pairs.tsv", "--from", "elsewhere/RUN", "--out", "TUNED", "--finetune.replay", 0.5)
    assert tuned.status == 0


def test_a_run_of_several_files_is_resumed_with_the_same_ones(study: Closedbook):
    """With other content, or fewer of them, it is refused in one line; what the files make counts, not their names."""
    study(*BOTH)
    shutil.copytree("RUN", "STOPPED")
    Path("STOPPED/model.safetensors").unlink()
    text = Path("b.csv").read_text(encoding="utf-8")
    Path("b.csv").write_text(text.replace("moor", "moon"), encoding="utf-8")
    assert "another content" in fault(study(*BOTH, out="STOPPED", more=("--resume",)))
    Path("b.csv").write_text(text, encoding="utf-8")
    assert "another content" in fault(study("a.md", out="STOPPED", more=("--resume",)))
    Path("a.md").rename("c.md")
    again = study("c.md", *BOTH[1:], out="STOPPED", more=("--resume",))
    assert again.status == 0, again.err
    assert weights("STOPPED") == weights("RUN")


def test_a_single_file_may_be_read_as_it_does_not_say(study: Closedbook):
    """With --title-column or --encoding the run keeps what was read; without, it names the file."""
    Path("b.csv").write_bytes(
        Path("b.csv")
        .read_text(encoding="utf-8")
        .replace("fen", "Föhn")
        .replace("मालती", "Malo")
        .replace("नदी", "río")
        .encode("cp1252")
    )
    Path("pairs.tsv").write_text("Where does Tissel grow?\tFöhn\nWhere does Malo grow?\trío\n", encoding="utf-8")
    assert fault(study("b.csv")).endswith("(a text, but no pairs, is also read with --encoding cp1252)")
    assert not Path("RUN").exists()
    assert study("b.csv", more=("--encoding", "cp1252", "--title-column", "plant")).status == 0
    assert "Tissel. name: 3. grows by: Föhn." in Path("RUN/corpus.txt").read_text(encoding="utf-8")
    Path("pairs.tsv").write_text("Where does Kelrus grow?\tfen\n", encoding="utf-8")
    assert study("a.md", out="PLAIN").status == 0
    assert not Path("PLAIN/corpus.txt").exists()


def test_texts_are_checked_together(closedbook: Closedbook):
    """`data check` links the pairs to all of them; a fault names the file, or all of them."""
    outcome = closedbook("data", "check", *BOTH[:2], "pairs.tsv", *BOTH[2:])
    assert outcome.status == 0
    assert "a.md and 1 other: 8 documents, 8 with a title" in outcome.out
    assert "pairs.tsv: 8 of 8 answers (100.0%)" in outcome.out
    Path("pairs.tsv").write_text("Where does Zorbin grow?\tfen\n", encoding="utf-8")
    (line,) = closedbook("data", "check", *BOTH[:2], "pairs.tsv", *BOTH[2:]).err.splitlines()
    assert "no question names a title of a.md and 1 other: line 1 'Where does Zorbin grow?'" in line


@pytest.mark.parametrize(
    ("texts", "rule"),
    [
        (("a.md", "gone.md"), "gone.md: no such file"),
        (("a.md", "--title-column", "plant"), "--title-column: no file is a table or JSON objects"),
        (("a.md", "b.csv", "--title-column", "town"), "b.csv, line 1: has no column 'town' for --title-column; its "),
        (("a.md", "b.csv", "--encoding", "x"), "--encoding: no such encoding; received x"),
        (
            ("a.md", "b.csv", "--no-open-vocabulary"),
            "a.md and 1 other: this recipe (open_vocabulary = false) reads one UTF-8 file with one document per line; ",
        ),
        (("a.md", "b.csv", "--resume", "yes"), "--resume: takes no value; received yes"),
    ],
)
def test_a_fault_in_texts_ends_in_one_line(study: Closedbook, texts: tuple[str, ...], rule: str):
    """It names the file or the option, and no run is left."""
    assert fault(study(*texts)).startswith(rule)
    assert not Path("RUN").exists()
