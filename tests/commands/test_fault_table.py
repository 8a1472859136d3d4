"""The table of faults: what a person can get wrong, the line that says so, the exit status, and what is left on disk.

Each row is run in a folder of its own with corpus.txt, pairs.tsv, dev.tsv, tiny.toml and two runs: `pretrained`, and
RUN, which started from it. Afterwards every file has the bytes that it had, and only what the row names is new. In a
line … stands for anything. Locks, signals, checkpoints and memory have tests of their own.
"""

import io
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from closedbook.errors import RecipeError
from closedbook.recipe.keys import flatten
from closedbook.recipe.recipe import STAGES, Recipe
from closedbook.recipe.recipe_file import load_recipe

Closedbook = Callable[..., Any]
Content = str | bytes | None
"""What is written to a file; None makes a folder."""

P = "pretrain corpus.txt --out NEW --recipe tiny.toml"
F = "finetune pairs.tsv --from pretrained --out NEW --recipe tiny.toml"
S = "study corpus.txt --pairs pairs.tsv --out NEW --recipe tiny.toml"
OF_T = {"corpus": "pretrain T --out NEW --recipe tiny.toml", "pairs": F.replace("pairs.tsv", "T")}
ASK = "ask RUN 'Where was Ann Bell born?'"
SEED = f"from 0 to {2**63 - 1} is needed"

WORDS = [
    ("pretrian corpus.txt", "pretrian: no such command; did you mean 'pretrain'? (`closedbook` lists all)"),
    ("xyz", "xyz: no such command; one of demo, book, …, lab is needed (`closedbook` lists all)"),
    ("pretrain", "pretrain: CORPUS and --out RUN are needed; closedbook pretrain --help says what for"),
    ("forget RUN", "forget: --out RUN2 is needed; closedbook forget --help says what for"),
    ("data check corpus.txt", "data: PAIRS is needed; closedbook data --help says what for"),
    ("ask RUN Who is it", "is: one word too many, since ask takes RUN QUESTION; put text with blanks in quotes …"),
    (f"{P} --pretrain.learning-rte 1", "--pretrain.learning-rte: no such option of pretrain; did you mean …?…"),
    (f"{P} --budget 1", "--budget: no such option of pretrain; study has it (…)"),
    (f"{P} --model.n-embd", "--model.n-embd: a whole number is needed; received nothing; write it as in …"),
    (f"{P} --seed x", "--seed: a whole number is needed; received x; write it as in --seed 0"),
    (f"{P} --seed 1e3", "--seed: a whole number is needed; received 1e3; write it as in --seed 0"),
    (f"{P} --pretrain.batch-size 1.5", "--pretrain.batch-size: a whole number is needed; received 1.5; …"),
    (f"{P} --seed -1", f"--seed: {SEED}; received -1"),
    (f"{P} --seed {2**63}", f"--seed: {SEED}; received {2**63}"),
    (f"{P} --epochs 0", "--epochs: 1 or more is needed; received 0"),
    (f"{P} --epochs -3", "--epochs: 1 or more is needed; received -3"),
    (f"{P} --pretrain.weight_decay=nan", "--pretrain.weight_decay: 0 or more is needed; received nan"),
    (f"{P} --pretrain.muon-ratio inf", "--pretrain.muon-ratio: a finite number is needed; received inf"),
    (f"{P} --corruption.span nan", "corruption: weights are 0 or more, and one at least is above 0; received …"),
    (f"{P} --model.n-embd 17", "--model.n-embd: model.n_head: must divide n_embd (17); received 2"),
    (f"{P} --model.block-size 5", "--model.block-size: 9 at least, for a masked string to fit; received 5"),
    (f"{P} --precision float31", "--precision: one of auto, float32, bfloat16 is needed; …; did you mean float32?"),
    (f"{P} --resume yes", "--resume: takes no value; received yes; write --resume alone"),
    (f"{P} --resume", "NEW: no such run to resume; leave --resume off to begin it (…)"),
    (f"{P} --save-every nan", "--save-every: 0 or more seconds are needed; received nan"),
    (f"{P} --out -x", "--out: a value is needed; received -x, which begins as options do; write --out=-x"),
    (f"{P} --pairs ''", "--pairs: the path of a file or folder is needed; received ''; write it as in --pairs FILE"),
    ("pretrain '' --out NEW", "CORPUS: the path of a file or folder is needed; received ''; write it as in CORPUS"),
    ("pretrain corpus.txt --out ''", "--out: the path of a file or folder is needed; received ''; …"),
    (f"{S} --budget 0", "--budget: a finite number above 0 is needed; received 0.0; write it as in --budget 2"),
    (f"{S} --budget -1", "--budget: a finite number above 0 is needed; received -1.0; …"),
    (f"{S} --budget nan", "--budget: a finite number above 0 is needed; received nan; …"),
    (f"{S} --budget inf", "--budget: a finite number above 0 is needed; received inf; …"),
    (f"{S} --budget many", "--budget: a number is needed; received many; write it as in --budget 2"),
    (f"{S} --budget 1 --epochs 3", "--budget: sets the number of steps, so --epochs cannot be given with it; …"),
    (f"{S} --setting guidde", "--setting: one of … is needed; received guidde; did you mean guided?"),
    (
        f"{S} --recipe corse",
        "corse: cannot be read: No such file or directory; give a preset …; did you mean 'course'?",
    ),
    (f"{S} --recipe RUN", "RUN: cannot be read: Is a directory; give a preset (…) or the path of a TOML file"),
    (f"{F} --model.n-layer 3", "--model.n-layer: changes nothing here; options that begin with --finetune do; …"),
    (f"{F} --corpus corpus.txt", "finetune: --from RUN has its own vocabulary, …; leave out --corpus"),
    ("finetune pairs.tsv --out NEW", "finetune: --from RUN gives the weights to start from; …: name one of the two"),
    (f"{ASK} --precision 7", "--precision: a share of right answers above 0 and below 1 is needed; received 7.0; …"),
    (f"{ASK} --precision 0.9", "--precision: this run asked no held-out questions, …; train with calibration_split …"),
    ("ask RUN --why", "ask: --why needs a question; write it, as in ask RUN …"),
    (f"{ASK} --lines 2", "--lines: needs --why; add it, or leave out --lines"),
    ("generate RUN ''", "prompt: at least one character is needed; received none"),
    ("generate RUN x --temperature inf", "--temperature: a finite number, 0 or more, is needed; received inf"),
    ("generate RUN x --top-k 0", "--top-k: 1 or more is needed; received 0; leave it out to draw from all characters"),
    ("generate RUN x --n-characters 0", "--n-characters: 1 or more is needed; received 0"),
    ("world NEW --people 5", "--people: from 100 to 1000000 is needed; received 5"),
    ("world NEW --world.train 2", "--world.train: a share from 0 to 1 is needed; received 2.0"),
    ("lab gone", "EXPERIMENT: one of copying, …, all is needed; received 'gone'"),
    ("lab copying --set n=0", "--set n: from 2 to 512 is needed; received 0"),
    ("lab copying --set n=x", "--set n: a whole number is needed; received 'x'"),
    ("lab copying --set gone=1", "--set gone: copying has no such parameter; samples, …, wanted are known"),
    ("export RUN NEW --format onnx", "--format: one of hf, torch is needed; received onnx"),
    ("inspect RUN --reading-map ''", "--reading-map: one character at least is needed; received none"),
    ("--completion tcsh", "--completion: one of bash, zsh, fish is needed; received tcsh"),
]
"""Words that a command cannot have, and the line."""

PLACES = [
    ("pretrain gone.txt --out NEW", "gone.txt: no such file; check the path"),
    (f"{P} --dev gone.tsv", "gone.tsv: no such file; check the path"),
    ("finetune . --from pretrained --out NEW", ".: is a folder; a text file is needed"),
    ("pretrain corpus.txt --out .", ".: is there already and is no run; choose another --out"),
    ("pretrain corpus.txt --out RUN", "RUN: is there already; it has ended: train on from its weights by finetune …"),
    ("pretrain corpus.txt --out corpus.txt/NEW", "…corpus.txt/NEW: …corpus.txt is a file, and no folder can be made …"),
    ("pretrain corpus.txt --out /proc/NEW", "/proc/NEW: a run cannot be written there: …; …or name another folder"),
    (f"pretrain corpus.txt --out {'n' * 300}", "…n: a run cannot be written there: File name too long; …"),
    ("ask gone Who?", "gone: no such run; `closedbook pretrain CORPUS --out gone` makes one"),
    ("ask corpus.txt Who?", "corpus.txt: is no run (it has no run.json); …"),
    (f"{ASK} --why --corpus gone.txt", "gone.txt: is not there, and --why needs the text …; name by --corpus where …"),
    ("world RUN", "…RUN: the world needs a new or an empty folder and this one is not empty; name another"),
    ("export RUN corpus.txt", "…corpus.txt: an export needs a folder and this is a file; name another"),
    (
        "explore RUN --out gone/p.html",
        "gone/p.html: a file in an existing folder is needed; make gone, or name another",
    ),
    ("explore RUN --out RUN", "RUN: a file is needed, and this is a folder; name one, as in RUN/page.html"),
    ("book corpus.txt --out pairs.tsv", "pairs.tsv: is there already; name another file, or remove it"),
    ("edit RUN --undo --out NEW", "RUN: has no edit to undo; name a run that edit made"),
    ("vanilla_pretrain", "data/wiki.txt: no such file; name yours by --corpus or CLOSEDBOOK_CORPUS"),
]
"""Files and folders that are missing, in the way, or cannot be."""

ASKED = [
    ("ask RUN ' '", 'question: is empty; write one, as in "Where was Ada Byron born?"'),
    (f"ask RUN {'e' * 64}", "'e…': the question needs 66 characters (two for the masks) and the model reads 61; …"),
    ("ask RUN 'Where\nis it?'", r"'Where\nis it?': a question is one line; ask each line by itself"),
    ("ask RUN 'Where \udcff?'", r"'Where \udcff?': the byte 0xff is not UTF-8; write it as UTF-8"),
    ("ask RUN 'Where \ufdd0?'", r"'Where \ufdd0?': U+FDD0 is no character of any language and is kept for …"),
    (
        "forget RUN Nobody --out NEW",
        "'Nobody' is no title of the run's corpus; give the name that a line of it begins with",
    ),
    ("edit RUN 'Where was Nobody born?' Ulm --out NEW", "'Where was Nobody born?': names no title of the run, …"),
    ("edit RUN 'Where was Ann Bell born?' '' --out NEW", "'Where was Ann Bell born?': the answer is empty; write it"),
    ("edit RUN 'Where was Ann Bell born?' --out NEW", "edit: QUESTION needs its new ANSWER after it; received …"),
    (f"edit RUN 'Where was Ann Bell born?' {'e' * 90} --out NEW", "'Where was…: question and answer need 116 …"),
]
"""Questions, titles and answers that a run cannot take."""

NOT_UTF8 = "the file looks like cp1252, and UTF-8 is needed; save it as UTF-8 (…)"
CORPORA: list[tuple[Content, str]] = [
    ("", ": no text in it; a corpus has one document a line"),
    ("\n \r\n\t\n", ": no text in it; a corpus has one document a line"),
    (b"\xef\xbb\xbf", ": no text in it; a corpus has one document a line"),
    (None, ": a folder without a text; name one that has some"),
    (b"Ulm.\nR\xf6m.\n", f", line 2: the byte 0xf6 is not UTF-8; {NOT_UTF8}"),
    (b"Ulm.\n\xed\xa0\x80\n", f", line 2: the byte 0xed is not UTF-8; {NOT_UTF8}"),
    ("Ulm.\n".encode("utf-16"), ", line 1: is UTF-16, and UTF-8 is needed; save it as UTF-8 (…)"),
    (b"Ulm\0 is.\n", ", line 1: has NUL bytes, so it is no text; name a text"),
    (bytes(range(256)), ", line 1: has NUL bytes, so it is no text; name a text"),
    (b"\x89PNG\r\n\x1a\n" + bytes(9), ": is a PNG picture; a text is needed"),
    (b"PK\x03\x04" + bytes(50), ": is a zip archive; unpack it, and name the text that it holds"),
    (b"%PDF-1.4\n%\xe2\xe3\n", ": is a PDF; extract its text first, for instance with pdftotext"),
    (
        "version https://git-lfs.github.com/spec/v1\n",
        ": is a Git LFS pointer, not the text itself; fetch it: git lfs pull",
    ),
    ("<!DOCTYPE html><html></html>", ": is a web page (HTML), not plain text; save the page's text, or …"),
    ("Ulm.\nHa\ufdd0\n", ", line 2: U+FDD0 is no character of any language and is kept for closedbook's own use; …"),
]
"""Files that are no corpus."""

CURE = "; write the question, one tab and the answer"
PAIRS: list[tuple[Content, str]] = [
    ("", ": no question in it; write one a line"),
    ("question\tanswer\n", ": no question in it; write one a line"),
    ("Where?\tUlm\nWhere is Rom?\n", f", line 2: a pair is question<TAB>answer, and this line has no tab{CURE}"),
    ("Where?\tUlm\n\nWhere?\tRom\tUlm\n", ", line 3: a pair is a question and an answer, and this line has 3 cells; …"),
    ("Where?\tUlm\nWhere?\t\n", f", line 2: the answer is empty{CURE}"),
    ("Where?\tUlm\n\tUlm\n", f", line 2: the question is empty{CURE}"),
    (f"Where{'e' * 60}?\tRom\n", ", line 1: question and answer need 71 characters (two for the masks) and …"),
    ("Where?\tUlm\nWhere?\tR\u00f6m\n", ", line 2: '\u00f6' (LATIN SMALL LETTER O WITH DIAERESIS): not in the run's …"),
    ("Where\0?\tUlm\n", ", line 1: has NUL bytes, so it is no text; name a text"),
    (b"\x89PNG\r\n\x1a\n" + bytes(9), ": is a PNG picture; a text is needed"),
    ('{"question":"Where?","answer":"Ulm"\n', ", line …: is no JSON: Expecting ',' delimiter at column …; mend it"),
    ('{"a":"x"}\n{"a":"y"}\n', ", line 1: an object of pairs has the keys question and answer; its keys are a"),
    ('question,answer\n"Where?,Ulm\n', ": cannot be read as CSV: unexpected end of data; is a quote missing …"),
]
"""Files that are no pairs."""

RECIPES: list[tuple[Content, str]] = [
    (
        "[pretrain]\nlearning_rte = 1",
        ", line 2: unknown key 'pretrain.learning_rte'; did you mean 'pretrain.learning_rate'?",
    ),
    ("[pretrian]\nepochs = 3", ", line 1: unknown section 'pretrian'; did you mean 'pretrain'?"),
    ("preset = 'corse'", ", line 1: preset: one of … is needed; received \"corse\"; did you mean 'course'?"),
    ("\nseed = '7'", ', line 2: seed: a whole number is needed; received "7"'),
    ("seed = [1]", ", line 1: seed: a whole number is needed; received a list"),
    ("model = 3", ", line 1: model: a section, written [model], is needed; received 3"),
    ("seed = 1\nseed = 2", ", line 2: not TOML: Cannot overwrite a value; …"),
    ("seed 7", ", line 1: not TOML: Expected '=' after a key in a key/value pair; write a line as key = value, …"),
    ("seed = 1\0", ", line 1: not TOML: …"),
    (f"seed = {'[' * 5000}", ", line 1: not TOML: …"),
    (b"\xef\xbb\xbfseed = 1", ", line 1: starts with a byte order mark; save it as UTF-8 without one"),
    (b"# R\xf6m\n", ", line 1: the byte 0xf6 is not UTF-8; save the file as UTF-8"),
    ("[model]\nn_embd = 17", ", line 2: model.n_head: must divide n_embd (17); received 4"),
    (None, ": cannot be read: Is a directory; give a preset (…) or the path of a TOML file"),
]
"""Files that are no recipe."""

DAMAGES: list[tuple[str, Content | Path, str, str]] = [
    ("RUN/run.json", Path(), ASK, "RUN: is no run (it has no run.json); …"),
    ("RUN/recipe.toml", Path(), ASK, "RUN/recipe.toml: no such file, and a run needs it; put it back from a copy"),
    ("RUN/model.safetensors", Path(), ASK, "RUN: has not ended and has no weights yet; resume it as it was begun"),
    ("RUN/run.json", "{", ASK, "RUN/run.json: damaged: its SHA-256 …"),
    ("RUN/run.json", "{}", ASK, "RUN/run.json: …"),
    ("RUN/run.json", b"\xff\xfe", ASK, "RUN/run.json: damaged: its SHA-256 …"),
    ("RUN/recipe.toml", "seed 7", ASK, "RUN/recipe.toml: damaged: its SHA-256 …"),
    ("RUN/model.safetensors", b"", ASK, "RUN/model.safetensors: …"),
    ("RUN/model.safetensors", "hello" * 9, ASK, "RUN/model.safetensors: …"),
    ("RUN/calibration.json", "x", ASK, "RUN/calibration.json: damaged (…); put it back from a copy"),
    ("RUN/edits.json", "x", "edit RUN --undo --out NEW", "RUN/edits.json: damaged (…); put it back from a copy"),
    ("RUN/evaluations", "x", "evaluate RUN dev.tsv", "RUN/evaluations: cannot be made: File exists; move what is in …"),
]
"""A file of a run that is gone (a path) or has another content, a command, and the line."""

ONE = "Where was Ann Bell born?\tUlm\n"
LINE = "Ann Bell. Ann Bell was born in Ulm .\n"
NOTES: list[tuple[str, dict[str, Content], str, str]] = [
    (
        f"{F} --dev pairs.tsv",
        {},
        "NEW",
        "note: pairs.tsv: 5 of 5 questions are training pairs too (line 1 …, ...), so …",
    ),
    (OF_T["pairs"], {"T": ONE + ONE}, "NEW", "note: T: 1 of 2 questions were there before: line 2 'Where was Ann …?'"),
    (
        OF_T["pairs"],
        {"T": ONE + "Where was Ann Bell born?\tRom\n"},
        "NEW",
        "note: T: 1 of 2 … before with another answer: …",
    ),
    (OF_T["pairs"], {"T": "Who wrote Emma?\tRom\n"}, "NEW", "note: T: no question names a title of the run's text, …"),
    (OF_T["pairs"], {"T": ONE}, "NEW", "note: a batch has 1 example, which are all there are, and not 64 (batch_size)"),
    (
        "evaluate RUN T",
        {"T": "Who wrote Emma?\tRom\n"},
        "RUN/evaluations",
        "T: no question names a title of the run's …",
    ),
    (
        OF_T["corpus"],
        {"T": LINE * 3},
        "NEW",
        "note: T: 2 of 3 documents were there before; each is learned as often as …",
    ),
    (OF_T["corpus"], {"T": "Ulm"}, "NEW", "reading 1 document"),
    (OF_T["corpus"], {"T": "Ann. \u25a1 and \u2047 are in Ulm .\n"}, "NEW", "reading 1 document"),
    (OF_T["corpus"], {"T": b"\xef\xbb\xbfAnn. In Ulm .\r\nBo. In Rom .\r\n"}, "NEW", "reading 2 documents"),
    (OF_T["corpus"], {"T": "Saga. " + "of river stone " * 140_000}, "NEW", "note: T: documents longer than the 61 …"),
    (f"{P} --epochs {10**20} --pretrain.steps 2", {}, "", "closedbook: --epochs: --pretrain.steps says how long to …"),
    (
        "data check T PAIRS",
        {"T": "\x1b[31mAnn. In Ulm .\n", "PAIRS": "Is \x1b[31mAnn?\tUlm\n"},
        "",
        "T: 1 documents, …",
    ),
    ("ask RUN 'Where was \u25a1 born?'", {}, "", "('\u25a1' (WHITE SQUARE): not in the run's vocabulary)"),
    (
        "pretrain -c.txt --out NEW",
        {"-c.txt": LINE},
        "",
        "closedbook: -c.txt: no such option of pretrain; for the file write ./-c.txt …",
    ),
    (
        "explore RUN --out p.html --pairs T",
        {"T": f"{ONE}Where{'e' * 70}?\tUlm\n"},
        "p.html",
        "asked: questions of T, without line 2, …",
    ),
]
"""What is done, and said: a command, new files, what is new after it, and one of the lines that it prints."""


DISK = [
    (P, 100, [], "…NEW: a run cannot be written there: File too large; free some space, or name another folder"),
    (
        f"{P} --save-every 0",
        20_000,
        ["NEW"],
        "NEW/checkpoints: the checkpoint of step 1 cannot be saved: File too large…",
    ),
    (
        "evaluate RUN dev.tsv",
        10,
        ["RUN/evaluations"],
        "RUN/evaluations/dev-….json: cannot be written: File too large; …",
    ),
    ("explore RUN --out p.html", 1000, [], "p.html: cannot be written: File too large; free some space, or …"),
    ("export RUN NEW", 1000, [], "…NEW: an export cannot be written there: File too large; …or name another folder"),
    ("world NEW --people 100", 1000, [], "…NEW: the world cannot be written there: File too large; …"),
    ("book corpus.txt --out B.txt", 10, [], "B.txt: cannot be written: File too large; free some space, or …"),
]
"""A command, the bytes that a file can have before the disk is full, what is new afterwards, and the line."""

GONE = "closedbook: gone-Å.txt: no such file; check the path"
NO_COMMAND = "closedbook: tr\u00edan: no such command; …"
PROCESSES: list[tuple[str, dict[str, str], str, int, str]] = [
    ("book gone-\u00c5.txt --out B", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "", 2, GONE),
    ("tr\u00edan", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "", 2, NO_COMMAND),
    ("book gone-\udcff.txt --out B", {}, "", 2, r"closedbook: gone-\xff.txt: no such file; check the path"),
    (
        "book gone.txt --out B",
        {"HOME": "", "TERM": "dumb", "COLUMNS": "1"},
        "",
        2,
        "closedbook: gone.txt: no such file; …",
    ),
    ("help", {}, "> /dev/full", 1, "closedbook: file system: No space left on device"),
    ("help", {}, "| head -n 1 >&2", 0, "closedbook: pretrain a tiny transformer on a text, close the book, and ask it"),
    ("help", {}, ">&- && echo ended >&2", 0, "ended"),
    ("--version", {}, "<&- >&2", 0, "closedbook 0…"),
]
"""A command, the environment, what the shell does with its streams, the status, and the last line on standard error."""

RANGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "epochs batch_size accumulate sort_window n_layer n_head bottleneck_dim": ("1", ("-1", "0")),
    "n_embd": ("8", ("-1", "0", "7")),
    "steps evaluate_every patience segment_length name_width": ("0", ("-1",)),
    "block_size": ("61", ("-1", "0", "8")),
    "seed": ("0", ("-1", str(2**63))),
    "learning_rate muon_ratio table_ratio": ("1e-9", ("-1.0", "0.0", "nan", "inf")),
    "grad_norm_clip": ("inf", ("-1.0", "0.0", "nan")),
    "weight_decay": ("0.0", ("-1.0", "nan", "inf")),
    "beta1 beta2 warmup mix_pairs validation_split calibration_split": ("0.5", ("-1.0", "1.0", "nan", "inf")),
    "replay mix_strangers embd_pdrop resid_pdrop attn_pdrop": ("0.0", ("-1.0", "1.0", "nan", "inf")),
    "silver_confidence name_only question_form short_context nameless": ("1.0", ("-0.1", "1.1", "nan", "inf")),
    "span salient guided": ("1.0", ("-1.0", "nan", "inf")),
}
"""Names of a recipe's numbers: a value that each can have, and values that it cannot."""


def contents(folder: Path) -> dict[str, bytes | None]:
    """The bytes of every file in a folder, None for a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def fits(line: str, pattern: str) -> bool:
    """Whether a line is as the table has it."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("\u2026"))), line, re.DOTALL) is not None


@pytest.fixture(scope="module")
def template(files: Path, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that every row has."""
    folder = tmp_path_factory.mktemp("table") / "template"
    shutil.copytree(files, folder)
    for name, run in (("pretrained", "pretrained"), ("RUN", "finetuned")):
        shutil.copytree(runs / run, folder / name, ignore=shutil.ignore_patterns("evaluations"))  # of other tests
    return folder


@pytest.fixture
def here(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a row."""
    folder = tmp_path / "here"
    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    return folder


def write(files: dict[str, Content]) -> None:
    """Write the files of a row; None makes a folder."""
    for name, content in files.items():
        if content is None:
            Path(name).mkdir()
        else:
            Path(name).write_bytes(content.encode() if isinstance(content, str) else content)


def refused(outcome: Any, line: str) -> None:
    """Fail unless a command ended with status 2 and this line, printed no result, and nothing but notes before it."""
    assert (outcome.status, outcome.out) == (2, ""), outcome
    *before, last = outcome.err.splitlines()
    assert all(each.startswith(("note: ", "reading ", "teaching ", "writing ")) for each in before), outcome.err
    assert fits(last, f"closedbook: {line}"), last


@pytest.mark.parametrize(("command", "line"), [*WORDS, *PLACES, *ASKED])
def test_what_cannot_be_done_is_refused_in_one_line(closedbook: Closedbook, here: Path, command: str, line: str):
    """Words, places and questions: status 2, the line, and not a byte of any file is changed."""
    before = contents(here)
    refused(closedbook(*shlex.split(command)), line)
    assert contents(here) == before


@pytest.mark.parametrize(
    ("command", "content", "line"),
    [
        *((OF_T["corpus"], *row) for row in CORPORA),
        *((OF_T["pairs"], *row) for row in PAIRS),
        *(("pretrain corpus.txt --out NEW --recipe T", *row) for row in RECIPES),
        (S.replace("pairs.tsv", "T"), "Who wrote Emma?\tRom\n", ": no question names a title of corpus.txt: line 1 …"),
        (
            S.replace("pairs.tsv", "T"),
            "Where was Bo Carr born?\tBern\n",
            ": no document of corpus.txt has the answer …",
        ),
        ("explore RUN --out p.html --pairs T", f"Where{'e' * 70}?\n", ", line 1: the question needs 78 characters …"),
        ("evaluate RUN T", "Where?\tUlm\nWhere?\n", f", line 2: a pair is question<TAB>answer, …{CURE}"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(
    closedbook: Closedbook, here: Path, command: str, content: Content, line: str
):
    """Corpora, pairs and recipes: status 2, file and line, and not a byte of any file is changed."""
    write({"T": content})
    before = contents(here)
    refused(closedbook(*shlex.split(command)), f"T{line}")
    assert contents(here) == before


@pytest.mark.parametrize(("name", "content", "command", "line"), DAMAGES)
def test_a_damaged_run_is_named_with_its_file(
    closedbook: Closedbook, here: Path, name: str, content: Content | Path, command: str, line: str
):
    """A file that is gone or has another content: status 2, the file, and not a byte of any file is changed."""
    if isinstance(content, Path):
        Path(name).unlink()
    else:
        write({name: content})
    before = contents(here)
    refused(closedbook(*shlex.split(command)), line)
    assert contents(here) == before


@pytest.mark.parametrize(("command", "made", "new", "line"), NOTES)
def test_what_a_person_should_know_is_said(
    closedbook: Closedbook, here: Path, command: str, made: dict[str, Content], new: str, line: str
):
    """A note, or what is read otherwise: the line is printed, without a control character, and only `new` is new."""
    write(made)
    before = contents(here)
    outcome = closedbook(*shlex.split(command))
    lines = (outcome.out + outcome.err).splitlines()
    assert any(fits(each, line) for each in lines), lines
    assert outcome.status == (2 if line.startswith("closedbook: ") else 0)
    assert "\x1b" not in outcome.err
    after = contents(here)
    assert {name for name in after if name not in before or before[name] != after[name]} == {
        name for name in after if new and name.startswith(new)
    }
    assert before.keys() <= after.keys()


@contextmanager
def full_disk(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond `n_bytes`; writing more fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("command", "n_bytes", "new", "line"), DISK)
def test_a_full_disk_leaves_whole_files(
    closedbook: Closedbook, here: Path, command: str, n_bytes: int, new: list[str], line: str
):
    """Status 2, the file, and what was there has the bytes that it had; nothing of a half-written file is left."""
    before = contents(here)
    with full_disk(n_bytes):
        outcome = closedbook(*shlex.split(command))
    assert outcome.status == 2
    assert fits(outcome.err.splitlines()[-1], f"closedbook: {line}"), outcome.err
    after = contents(here)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith(tuple(new)) and ".tmp" not in name for name in after.keys() - before.keys()) or not new
    assert new or after.keys() == before.keys()


@pytest.mark.parametrize(("command", "environment", "streams", "status", "line"), PROCESSES)
def test_a_process_ends_with_one_line_whatever_its_locale_and_streams(
    tmp_path: Path, command: str, environment: dict[str, str], streams: str, status: int, line: str
):
    """Letters are spelled in the locale C too, closed and full streams are no traceback, and no file is made."""
    words = shlex.join([sys.executable, "-m", "closedbook", *shlex.split(command)])
    script = os.fsencode(f"set -o pipefail; {words} {streams}")
    ended = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=os.environ | environment, capture_output=True, check=False
    )
    assert ended.returncode == status, ended.stderr
    assert fits(ended.stderr.decode().splitlines()[-1], line), ended.stderr
    assert b"Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_training_goes_on_without_home_terminal_and_processors(
    closedbook: Closedbook, here: Path, monkeypatch: pytest.MonkeyPatch
):
    """With one processor of many, no home folder and a dumb terminal of 40 columns the weights are the same."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("HOME", raising=False)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        outcome = closedbook(*shlex.split(P))
    finally:
        os.sched_setaffinity(0, allowed)
    assert (outcome.status, outcome.out) == (0, "NEW\n")
    assert not any(character in outcome.err for character in "\r\x1b")
    assert (here / "NEW/model.safetensors").read_bytes() == (here / "pretrained/model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("stdin", "lines"),
    [
        (b"Where?\nWh\xff?\n", ["standard input, line 2: the byte 0xff is not UTF-8; save the file as UTF-8"]),
        (b"", ["standard input: no question in it; write one a line"]),
        (b"Where?\n" + b"e" * 64, ["standard input, line 2: the question needs 66 characters \u2026"]),
        ("Where \ufdd0?".encode(), ["standard input, line 1: U+FDD0 is no character of any language \u2026"]),
    ],
)
def test_questions_of_a_pipe_are_refused_with_their_line(
    closedbook: Closedbook, here: Path, monkeypatch: pytest.MonkeyPatch, stdin: bytes, lines: list[str]
):
    """Nothing is answered where one line cannot be."""
    before = contents(here)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
    for line in lines:
        refused(closedbook("predict", "RUN"), line)
    assert contents(here) == before


def cases_of_recipe() -> Iterator[tuple[str, str, bool]]:
    """Each number of a recipe with a value, and whether it can have it."""
    ranges = {name: values for names, values in RANGES.items() for name in names.split()}
    for key, value in flatten(Recipe()).items():
        if isinstance(value, str | bool):
            yield key, "3", False
            continue
        good, bad = ranges[key.rpartition(".")[2]]
        yield key, good, True
        for each in (*bad, "'x'", "true", "[1]"):
            yield key, each, False


def test_every_number_of_a_recipe_has_a_range(tmp_path: Path):
    """A value outside is refused in one line that names the file, its line and the field; one inside is not."""
    path = tmp_path / "R.toml"
    wrong = []
    n_cases = 0
    for key, value, is_allowed in cases_of_recipe():
        n_cases += 1
        section, _, name = key.rpartition(".")
        path.write_text(f"preset = 'course'\n{f'[{section}]' if section else ''}\n{name} = {value}\n")
        try:
            load_recipe(str(path))
        except RecipeError as error:
            is_named = str(error).startswith(f"{path}, line 3: ") and (name in str(error) or section == "corruption")
            if is_allowed or not is_named or "\n" in str(error):
                wrong.append((key, value, str(error)))
        else:
            if not is_allowed:
                wrong.append((key, value, "is accepted"))
    assert wrong == []
    assert n_cases > 100 * len(STAGES)
