import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.errors import RecipeError
from closedbook.examples.corruption import CorruptionConfig
from closedbook.model.config import ModelConfig
from closedbook.recipe.keys import flatten
from closedbook.recipe.recipe import COURSE, FAST, MAX_SEED, PRESETS, Recipe, StageConfig
from closedbook.recipe.recipe_file import load_recipe
from closedbook.recipe.rows import recipe_rows
from closedbook.recipe.saved import recipe_toml

Write = Callable[[str | bytes], str]
"""Writes my.toml into the working folder and gives its name."""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Makes a fresh folder the working folder, so that a message names the file as my.toml."""
    monkeypatch.chdir(tmp_path)

    def write_file(content: str | bytes) -> str:
        raw = content.encode() if isinstance(content, str) else content
        Path("my.toml").write_bytes(raw)
        return "my.toml"

    return write_file


def fault_of(name: str) -> str:
    """The one line with which load_recipe refuses a recipe."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(name)
    (line,) = str(caught.value).splitlines()
    return line


# What a file means


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_name_gives_the_preset(name: str):
    """A preset is loaded by its name, and every value's source is the preset."""
    recipe, sources = load_recipe(name)
    assert recipe == PRESETS[name]
    assert sources == dict.fromkeys(flatten(recipe), f"preset {name}")


def test_a_file_changes_what_it_names_and_keeps_the_rest(write: Write):
    """A key in the file gets the file's value, with its line as source; the others keep the preset's."""
    text = 'preset = "course"\nseed = 7\n\n[model]\n# wider\nn_embd = 512\n\n[pretrain]\nlearning_rate = 1e-3\n'
    recipe, sources = load_recipe(write(text))
    assert recipe == replace(
        COURSE,
        seed=7,
        model=replace(COURSE.model, n_embd=512),
        pretrain=replace(COURSE.pretrain, learning_rate=1e-3),
    )
    assert sources == dict.fromkeys(flatten(COURSE), "preset course") | {
        "seed": "my.toml, line 2",
        "model.n_embd": "my.toml, line 6",
        "pretrain.learning_rate": "my.toml, line 9",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "[model]\n[pretrain]\n"])
def test_a_file_without_preset_changes_fast(write: Write, text: str):
    """A file that names no preset starts from fast."""
    assert load_recipe(write(text)) == (FAST, dict.fromkeys(flatten(FAST), "preset fast"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("model.n_layer = 6", 1),
        ("\n[model]\nn_layer = 6", 3),
        ("# n_layer = 5\r\n[model] # n_layer\r\nn_embd = 64\r\nn_layer = 6\r\n", 4),
        ("\nmodel = {n_embd = 64, n_layer = 6}", 2),
        ("[ 'model' ]\n\n'n_layer' = 6", 3),
        ('"model" . "n_layer" = 6', 1),
        ('model.variant = """\nvanilla"""\nmodel.n_layer = 6', None),
        ('model.variant = """\\\n   vanilla"""\nmodel.n_layer = 6', 3),
    ],
)
def test_lines_are_found_however_a_key_is_written(write: Write, text: str, line: int | None):
    """Sections, dotted and quoted keys, inline tables and values over lines all give the key's own line."""
    if line is None:  # the value keeps the line feed, so it is no variant; its first line is at fault
        text = text.replace('"""\n', '"""\n\n', 1)
        assert fault_of(write(text)).startswith("my.toml, line 1: model.variant: ")
        return
    recipe, sources = load_recipe(write(text))
    assert recipe.model.n_layer == 6
    assert sources["model.n_layer"] == f"my.toml, line {line}"


def test_a_whole_number_is_a_number(write: Write):
    """A TOML integer where a float belongs becomes a float."""
    recipe, _ = load_recipe(write("pretrain.weight_decay = 2\n"))
    assert repr(recipe.pretrain.weight_decay) == "2.0"


def test_a_preset_wins_over_a_file_of_its_name(write: Write):
    """A file called fast does not change what the preset fast means; ./fast is the file."""
    Path(write("seed = 5\n")).rename("fast")
    assert load_recipe("fast")[0] == FAST
    assert load_recipe("./fast")[0] == replace(FAST, seed=5)


# Faults


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'preset = "fast"\n\n\n\n\n[pretrain]\nlearning_rte = 1\n',
            "line 7: unknown key 'pretrain.learning_rte'; did you mean 'pretrain.learning_rate'?",
        ),
        ("sede = 1", "line 1: unknown key 'sede'; did you mean 'seed'?"),
        ("\nn_layer = 1", "line 2: unknown key 'n_layer'; did you mean 'model.n_layer'?"),
        ("[scratch]\nn_head = 1", "line 2: unknown key 'scratch.n_head'; did you mean 'model.n_head'?"),
        ("[pretrain]\npreset = 'fast'", "line 2: unknown key 'pretrain.preset'; did you mean 'preset'?"),
        ("\n[modle]\nn_layer = 1", "line 2: unknown section 'modle'; did you mean 'model'?"),
        ("[model.pretrain]", "line 1: unknown section 'model.pretrain'; did you mean 'pretrain'?"),
        ("[finetune]\nepoch = 1", "line 2: unknown key 'finetune.epoch'; did you mean 'finetune.epochs'?"),
        ("'model.n_head' = 2", "line 1: unknown key '\"model.n_head\"'; did you mean 'model.n_head'?"),
        ('[corruption]\n"a\\nb" = 2', "line 2: unknown key 'corruption.\"a\\nb\"'; known here: {corruption}"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known(write: Write, text: str, message: str):
    """An unknown key or section is named with file and line, and with the nearest name or all that are known there."""
    known = ", ".join(field.name for field in fields(CorruptionConfig))
    assert fault_of(write(text)) == f"my.toml, {message.replace('{corruption}', known)}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1.0", "line 1: seed: a whole number is needed; received 1.0"),
        ("\nseed = true", "line 2: seed: a whole number is needed; received true"),
        ("seed = 2024-01-31", "line 1: seed: a whole number is needed; received 2024-01-31"),
        ("[seed]", "line 1: seed: a whole number is needed; received a section"),
        ("[pretrain]\nbeta1 = '0.9'", 'line 2: pretrain.beta1: a number is needed; received "0.9"'),
        ("pretrain.beta1 = false", "line 1: pretrain.beta1: a number is needed; received false"),
        ("pretrain.weight_decay = nan", "line 1: pretrain.weight_decay: a number is needed; received nan"),
        ("pretrain.beta1 = [\n0.9,\n]", "line 1: pretrain.beta1: a number is needed; received a list"),
        ("strip_accents = 1", "line 1: strip_accents: true or false is needed; received 1"),
        ("\nmodel = 3", "line 2: model: a section, written [model], is needed; received 3"),
        ("[[model]]", "line 1: model: a section, written [model], is needed; received a list"),
        (
            "[model]\nvariant = 'percever'",
            'line 2: model.variant: one of "vanilla", "perceiver" is needed; '
            "received \"percever\"; did you mean 'perceiver'?",
        ),
        (
            "[model]\nvariant = 1",
            'line 2: model.variant: one of "vanilla", "perceiver" is needed; received 1',
        ),
        ("preset = 'slow'", 'line 1: preset: one of {presets} is needed; received "slow"'),
        ("\npreset = 3", "line 2: preset: one of {presets} is needed; received 3"),
        (f"seed = '{'x' * 99}'", f'line 1: seed: a whole number is needed; received "{"x" * 58}…'),
        (
            f"pretrain.beta1 = 1{'0' * 400}",
            f"line 1: pretrain.beta1: a number is needed; received 1{'0' * 58}…",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_named(write: Write, text: str, message: str):
    """A value of the wrong type is named with file, line, key, what is needed and what was received."""
    presets = ", ".join(f'"{name}"' for name in PRESETS)
    assert fault_of(write(text)) == f"my.toml, {message.replace('{presets}', presets)}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[pretrain]\nshuffle = true\nepochs = 0",
            "line 3: pretrain.epochs: 1 or more is needed; received 0",
        ),
        (
            "[model]\nn_head = 8\nn_embd = 257\nn_layer = 2",
            "line 3: model.n_head: must divide n_embd (257); received 8",
        ),
        (
            "[model]\nn_layer = 2\nn_head = 7\nblock_size = 64",
            "line 3: model.n_head: must divide n_embd (128); received 7",
        ),
        ("[model]\nn_embd = 130\nn_head = 4", "line 2: model.n_head: must divide n_embd (130); received 4"),
        ("model.n_head = 7", "line 1: model.n_head: must divide n_embd (128); received 7"),
        (
            "[corruption]\nspan = 0.5\nsalient = -2\nguided = 0",
            "line 3: corruption: weights are 0 or more, and one at least is above 0; received [0.5, -2.0, 0.0]",
        ),
        ("seed = -1", "line 1: seed: from 0 to 9223372036854775807 is needed; received -1"),
    ],
)
def test_values_that_a_configuration_refuses_are_named_with_their_line(write: Write, text: str, message: str):
    """An error of a dataclass's own check gets the file, and the line of the key that broke the rule."""
    assert fault_of(write(text)) == f"my.toml, {message}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seed = 1\n\nprecision = fast\n", 3),
        ("seed = 1\n[model\n", 2),
        ("seed =", 1),
        ("\nseed = [\n1,\n", 3),
        ("seed = 1\nseed = 2\n", 2),
        ("[model]\n\n[model]\n", 3),
        (f"\nseed = {'9' * 5000}\n", 2),
        (f"seed = {'[' * 5000}\n", 1),
    ],
)
def test_what_is_not_toml_is_named_with_its_line(write: Write, text: str, line: int):
    """A TOML syntax error names file and line and says how a line is written."""
    message = fault_of(write(text))
    assert message.startswith(f"my.toml, line {line}: not TOML: ")
    assert message.endswith("; write a line as key = value, with words in quotes")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed = 1\n# Malm\xf6\n", "my.toml, line 2: the byte 0xf6 is not UTF-8; save the file as UTF-8"),
        ("seed = 1".encode("utf-16"), "my.toml, line 1: is UTF-16, and UTF-8 is needed; save it as UTF-8"),
        (
            "\ufeffseed = 1",
            "my.toml, line 1: starts with a byte order mark; save it as UTF-8 without one",
        ),
    ],
)
def test_a_file_in_another_encoding_is_refused(write: Write, content: str | bytes, message: str):
    """A file that is not UTF-8, or starts with a byte order mark, is refused with the line and the cure."""
    assert fault_of(write(content)) == message


def test_a_file_that_cannot_be_read_is_named(write: Write):
    """A missing file, or a folder in place of one, is named with what --recipe can be."""
    cure = f"give a preset ({', '.join(PRESETS)}) or the path of a TOML file"
    Path(write("")).with_name("folder").mkdir()
    assert fault_of("no.toml") == f"no.toml: cannot be read: No such file or directory; {cure}"
    assert fault_of("corse") == (f"corse: cannot be read: No such file or directory; {cure}; did you mean 'course'?")
    assert fault_of("folder") == f"folder: cannot be read: Is a directory; {cure}"
    assert fault_of("my.toml/x") == f"my.toml/x: cannot be read: Not a directory; {cure}"


# Saving


def floats(low: float, high: float = 1e300, *, open_ends: bool = False) -> st.SearchStrategy[float]:
    """Numbers from `low` up; neither 1 nor, with `open_ends`, `low` itself."""
    return st.floats(low, high, exclude_min=open_ends, exclude_max=high == 1, allow_nan=False)


models = st.builds(
    lambda n_head, half_head_size, **rest: ModelConfig(n_head=n_head, n_embd=2 * n_head * half_head_size, **rest),
    n_head=st.integers(1, 97),
    half_head_size=st.integers(1, 97),
    variant=st.sampled_from(["vanilla", "perceiver"]),
    n_layer=st.integers(2, 97),
    block_size=st.integers(9, 10**6),
    positions=st.sampled_from(["learned", "rotary"]),
    embd_pdrop=floats(0, 1),
    attn_pdrop=floats(0, 1),
)
stages = st.builds(
    StageConfig,
    epochs=st.integers(1),
    learning_rate=floats(0, open_ends=True),
    beta2=floats(0, 1),
    weight_decay=floats(0),
    schedule=st.sampled_from(["cosine_by_tokens", "linear"]),
    decay=st.booleans(),
    warmup=floats(0, 1),
)
recipes = st.builds(
    Recipe,
    seed=st.integers(0, MAX_SEED),
    precision=st.sampled_from(["auto", "float32", "bfloat16"]),
    strip_accents=st.booleans(),
    model=models,
    corruption=st.builds(CorruptionConfig, span=floats(0, open_ends=True), salient=floats(0)),
    pretrain=stages,
    finetune=stages,
)


@settings(max_examples=40, deadline=None)
@given(recipe=recipes)
def test_a_saved_recipe_loads_as_it_was(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe):
    """Every valid recipe comes back from its file exactly, to the last bit of each float."""
    path = tmp_path_factory.getbasetemp() / "saved.toml"
    path.write_text(recipe_toml(recipe), encoding="utf-8")
    loaded, sources = load_recipe(str(path))
    assert loaded == recipe
    assert [repr(value) for value in flatten(loaded).values()] == [repr(v) for v in flatten(recipe).values()]
    assert all(source.startswith(f"{path}, line ") for source in sources.values())


def test_a_saved_recipe_depends_on_no_preset():
    """The TOML of a recipe names its format, every key, in the order of the fields, and no preset."""
    tables = tomllib.loads(recipe_toml(COURSE))
    assert "preset" not in tables
    leaves = [
        f"{name}.{key}" if isinstance(value, dict) else name
        for name, value in tables.items()
        for key in (value if isinstance(value, dict) else [""])
    ]
    assert leaves == ["format", *flatten(COURSE)]


def test_the_sources_of_a_saved_recipe_are_its_lines(write: Write):
    """The line that a saved recipe's source names is the line where that key stands."""
    text = recipe_toml(FAST)
    _, sources = load_recipe(write(text))
    lines = text.splitlines()
    for key, source in sources.items():
        number = int(source.removeprefix("my.toml, line "))
        assert lines[number - 1].startswith(f"{key.rpartition('.')[2]} = ")


def test_a_saved_recipe_has_a_comment_for_each_key():
    """Each key and section stands below its field's docstring."""
    text = recipe_toml(COURSE)
    assert text.startswith("# Every hyperparameter of a training run.\n\n# A file with a format has every key.\n")
    assert "\n# The model's shape.\n[model]\n# vanilla: all blocks work on the characters; " in text
    assert text.count("\n# Peak learning rate.\nlearning_rate = ") == 4
    lines = text.splitlines()
    assert all(above.startswith("# ") for above, line in pairwise(lines) if " = " in line[:20])


# Where values come from


def test_flatten_keeps_the_order_of_the_fields():
    """Values come out by dotted key, as they are."""
    leaves = flatten(COURSE)
    top = ["seed", "precision", "open_vocabulary", "strip_accents", "validation_split", "calibration_split", "sizing"]
    assert list(leaves)[:11] == [*top, "silver_confidence", "doubt", "on_divergence", "model.variant"]
    assert leaves["strip_accents"] is True
    assert leaves["finetune.learning_rate"] == 6e-4
    assert not any(isinstance(value, dict) for value in leaves.values())


def test_rows_are_the_table_of_a_recipe():
    """A row is key, value as text, and source, for every value in order."""
    recipe, sources = load_recipe("course")
    rows = recipe_rows(recipe, sources)
    assert [key for key, _, _ in rows] == list(flatten(recipe))
    assert rows[:4] == [
        ("seed", "0", "preset course"),
        ("precision", "float32", "preset course"),
        ("open_vocabulary", "false", "preset course"),
        ("strip_accents", "true", "preset course"),
    ]
    assert ("pretrain.learning_rate", "0.006", "preset course") in rows


def test_rows_can_be_limited_to_sections():
    """Only the named sections are shown, with the values outside sections, unless these matter to another stage."""
    shown = {
        section: [key for key, _, _ in recipe_rows(FAST, load_recipe("fast")[1], [section])]
        for section in ("finetune", "study")
    }
    for section, keys in shown.items():
        assert keys == [
            key
            for key in flatten(FAST)
            if key.startswith(f"{section}.") or ("." not in key and (section == "study" or key != "silver_confidence"))
        ]
        assert "seed" in keys


def test_recipe_files_need_no_torch():
    """Importing the module leaves torch unimported, so that --help is instant."""
    code = "import sys, closedbook.recipe.recipe_file; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
