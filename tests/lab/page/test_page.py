"""The page as a file, and its numbers: JavaScript in a real Chromium agrees with Python to a millionth."""

import math
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch

import closedbook.lab.page
from closedbook.errors import InputError
from closedbook.lab import averaging, copying, fragility, noise, projections
from closedbook.lab.keys import weights
from closedbook.lab.logit_normal import LogitNormal
from closedbook.lab.noisy_heads import NoisyHeads, expected_output
from closedbook.lab.page import page_html, write_page
from closedbook.model.kernels.rotary import rotate

WITHIN = 1e-6
"""How far JavaScript's numbers may differ from Python's, absolutely or relatively."""


@pytest.fixture(scope="module")
def js(chromium: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Call a function of window.lab by name."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    yield lambda name, *arguments: page.evaluate("([name, values]) => window.lab[name](...values)", [name, arguments])
    context.close()


def near(value: Any) -> Any:
    """Equal to within a millionth."""
    return pytest.approx(value, abs=WITHIN, rel=WITHIN)


def weights_of(keys: list[list[float]], queries: list[list[float]]) -> list[list[float]]:
    """Python's attention weights, one row per query."""
    return [*weights(torch.tensor(queries, dtype=torch.float64), torch.tensor(keys, dtype=torch.float64)).tolist()]


# ---- the file ----


def test_page_is_one_small_file_without_references_to_others() -> None:
    """It has less than 150 kB, and nothing in it can cause a request."""
    page = page_html()
    assert len(page.encode()) < 150_000
    assert "default-src 'none'" in page
    assert not re.search(
        r"https?:|//[a-z]+\.|@import|url\(|\bsrc=|<link|<iframe|fetch\(|XMLHttp|WebSocket|import\(", page
    )
    assert not re.search(r"<!-- \w+\.html -->", page)


def test_page_replaces_an_older_file(tmp_path: Path) -> None:
    """The file is UTF-8, and no temporary file is left."""
    path = tmp_path / "lab.html"
    path.write_text("older")
    write_page(path)
    assert path.read_bytes().decode() == page_html()
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("name", ["", "missing/lab.html"])
def test_path_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    """A folder, and a file in a missing folder."""
    with pytest.raises(InputError) as fault:
        write_page(tmp_path / name)
    assert str(fault.value).startswith(str(tmp_path / name) + ": ")
    assert "\n" not in str(fault.value)
    assert [*tmp_path.iterdir()] == []


def test_failed_write_leaves_the_older_page(tmp_path: Path) -> None:
    """The name is too long for the temporary file, but not for the page."""
    path = tmp_path / ("a" * 245 + ".html")
    path.write_text("older")
    with pytest.raises(InputError, match="cannot be written"):
        write_page(path)
    assert path.read_text() == "older"


def test_writing_the_page_imports_no_torch(tmp_path: Path) -> None:
    """So the command ends at once."""
    code = "import sys, pathlib; from closedbook.lab.page import write_page; write_page(pathlib.Path(sys.argv[1]))"
    check = code + "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check, tmp_path / "lab.html"], check=False).returncode == 0


def test_package_data_includes_every_part_of_the_page() -> None:
    """The patterns in pyproject.toml match all files next to the module."""
    root = Path(__file__).parents[3]
    declared = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    patterns = [pattern for pattern in declared["closedbook"] if pattern.startswith("lab/page/")]
    folder = Path(closedbook.lab.page.__file__).parent
    parts = [path.name for path in folder.iterdir() if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert len(parts) > 10
    assert [part for part in parts if not any(fnmatch(f"lab/page/{part}", pattern) for pattern in patterns)] == []


def test_scripts_are_as_short_as_modules() -> None:
    """A script has at most 300 lines, and a line at most 120 characters."""
    for script in Path(str(files(closedbook.lab.page))).glob("*.js"):
        lines = script.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 300, script.name
        assert max(map(len, lines)) <= 120, script.name


# ---- JavaScript agrees with Python ----


@pytest.mark.parametrize("beta", [0.0, 0.5, 3.0, 16.0, 400.0])
def test_attention_agrees_with_the_models_formula(js: Callable[..., Any], beta: float) -> None:
    """Weights and output for keys in five dimensions, up to logits whose exponentials would overflow."""
    generator = torch.Generator().manual_seed(3)
    keys, values = (torch.randn(7, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    query = beta * torch.randn(5, generator=generator, dtype=torch.float64)
    found = js("attention", keys.tolist(), query.tolist(), values.tolist())
    alpha = weights(query[None], keys)[0]
    assert found["alpha"] == near(alpha.tolist())
    assert found["c"] == near((alpha @ values).tolist())


@pytest.mark.parametrize("n", [2, 5, 6])
@pytest.mark.parametrize(("beta", "angle"), [(0.0, 0.0), (4.0, -60.0), (9.0, 12.0), (12.0, 0.0), (16.0, 179.0)])
def test_copying_agrees(js: Callable[..., Any], n: int, beta: float, angle: float) -> None:
    """Margin, leak, its bound, and the needed margin."""
    found = js("copying", {"n": n, "beta": beta, "angle": angle, "offsets": [3, 0, -20]})
    angles = [math.radians(360 * i / n + offset) for i, offset in zip(range(n), [3, 0, -20, 0, 0, 0], strict=False)]
    keys = torch.tensor([[math.cos(a), math.sin(a)] for a in angles], dtype=torch.float64)
    query = beta * torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))], dtype=torch.float64)
    logits, alpha = keys @ query, weights(query[None], keys)[0]
    margin = float(logits[0] - logits[1:].max())
    assert found["margin"] == near(margin)
    assert found["alpha"] == near(alpha.tolist())
    assert found["leak"] == near(1 - float(alpha[0]))
    assert found["bound"] == near(copying.leak_bound(n, margin))
    values = torch.tensor(found["values"], dtype=torch.float64)
    distances = (values - values[0]).norm(dim=1)
    assert found["error"] == near(float((alpha @ values - values[0]).norm() / distances.max()))
    assert found["leak"] <= found["bound"] + 1e-12
    assert found["error"] <= found["leak"] + 1e-12
    assert js("marginNeeded", n, 0.01) == near(copying.margin_needed(n, 0.01, max_distance=1.0))


@pytest.mark.parametrize("n", [3, 8, 20])
@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (3.0, 0.5), (4.0, 4.0), (12.0, 12.0), (0.25, 11.75)])
def test_averaging_agrees(js: Callable[..., Any], n: int, x: float, y: float) -> None:
    """Weights of any query; for an exact tie also the lab's closed forms."""
    found = js("averaging", {"n": n, "x": x, "y": y})
    keys = torch.eye(n, dtype=torch.float64)
    alpha = weights((x * keys[0] + y * keys[1])[None], keys)[0]
    values = torch.tensor(found["values"], dtype=torch.float64)
    middle = values[:2].mean(0)
    error = float((alpha @ values - middle).norm() / (values - middle).norm(dim=1).max())
    assert found["alpha"] == near(alpha.tolist())
    assert found["error"] == near(error)
    assert js("averagingWeight", n, x) == near(averaging.weight(n, 2, x))
    if x == y:
        assert found["alpha"][0] == near(averaging.weight(n, 2, x))
        # the curve: the leak times the distance of the mean of all other values
        others = values[2:].mean(0)
        leak = 1 - 2 * averaging.weight(n, 2, x)
        on_curve = leak * float((others - middle).norm() / (values - middle).norm(dim=1).max())
        assert error == near(on_curve)


@pytest.mark.parametrize("leak", [0.01, 0.05])
def test_needed_beta_agrees(js: Callable[..., Any], leak: float) -> None:
    """With the lab's, for the root mean square error of such a leak."""
    for n in (3, 8, 20):
        wanted = leak * math.sqrt(1 / 2 + 1 / (n - 2))
        assert js("betaNeeded", n, leak) == near(averaging.beta_needed(n, 2, wanted))


@pytest.mark.parametrize("alpha", [1e-5, 10**-3.5, 0.01, 1.0])
@pytest.mark.parametrize("beta", [0.25, 4.0, 12.0])
def test_noise_agrees(js: Callable[..., Any], alpha: float, beta: float) -> None:
    """The share's variance and distribution function, and the mean weight of all other keys."""
    found = js("noise", {"n": 5, "noise": alpha, "beta": beta})
    theory = LogitNormal(noise.difference_variance(alpha, beta))
    assert found["sd"] ** 2 == near(theory.logit_variance)
    assert found["within"] == near(theory.within(0.1))
    assert js("shareVariance", found["sd"]) == near(theory.variance)
    head = NoisyHeads(5, 2, 1, fragile=0, beta=beta, alpha=alpha, spread=0.5)
    assert found["leak"] == near(sum(expected_output(head).weights[2:]))
    shares = [0.04, 0.3, 0.5, 0.88, 0.999]
    cdf = theory.cdf(torch.tensor(shares, dtype=torch.float64)).tolist()
    assert [js("shareCdf", share, found["sd"]) for share in shares] == near(cdf)


@pytest.mark.parametrize("beta", [0.5, 4.0, 16.0, 24.0])
@pytest.mark.parametrize("eps", [-2.0, -0.2, 0.0, 0.75])
def test_fragility_agrees(js: Callable[..., Any], beta: float, eps: float) -> None:
    """The share for one eps by attention itself, and its distribution by the lab's theory."""
    found = js("fragility", {"beta": beta, "eps": eps})
    ((a, b),) = weights_of([[1 + eps, 0], [0, 1]], [[beta, beta]])
    theory = LogitNormal(fragility.difference_variance(0.0, beta, 0.5))
    assert found["share"] == near(a / (a + b))
    assert found["variance"] == near(theory.variance)
    assert found["within"] == near(theory.within(0.1))
    assert 1 - js("shareWithin", 0.9, found["sd"]) == near(1 - theory.within(0.9))


@pytest.mark.parametrize(
    "queries", [[[0, 0], [0, 0]], [[12, 0], [0, 12]], [[9, 7], [7, 9]], [[24, 24]], [[3.5, 0], [1, 16]]]
)
@pytest.mark.parametrize("n", [8, 20])
def test_heads_agree(js: Callable[..., Any], queries: list[list[float]], n: int) -> None:
    """Weights for single eps by attention itself, for any queries in the plane of a and b; their moments by summing."""
    asked = torch.zeros(len(queries), n, dtype=torch.float64)
    asked[:, :2] = torch.tensor(queries, dtype=torch.float64)
    std = math.sqrt(0.5)
    steps = torch.arange(-9, 9.001, 0.01, dtype=torch.float64)
    keys = torch.eye(n, dtype=torch.float64).repeat(len(steps), 1, 1)
    keys[:, 0] *= (1 + std * steps)[:, None]
    w = weights(asked.expand(len(steps), -1, -1), keys).mean(1)
    for step in (700, 900, 960):
        found = js("headsWeights", queries, {"n": n, "eps": std * float(steps[step])})
        assert [found["a"], found["b"], found["others"]] == near(w[step, [0, 1, n - 1]].tolist())
    probabilities = torch.exp(-0.5 * steps**2)
    probabilities /= probabilities.sum()
    found = js("heads", {"n": n, "queries": queries})
    assert found["mean"] == near(float(probabilities @ w[:, 0]))
    assert found["variance"] == near(float(probabilities @ (w[:, 0] - probabilities @ w[:, 0]) ** 2))
    assert found["leak"] == near(float(probabilities @ w[:, 2:].sum(1)))


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("beta", [0.0, 3.5, 12.0])
def test_one_head_and_two_agree_with_the_theory(js: Callable[..., Any], heads: int, beta: float) -> None:
    """The queries that the page draws curves for: mean weights by the lab's theory."""
    theory = expected_output(NoisyHeads(8, 2, heads, fragile=1, beta=beta, alpha=0.0, spread=0.5))
    found = js("heads", {"n": 8, "queries": js("oneHead" if heads == 1 else "twoHeads", beta)})
    assert found["mean"] == near(theory.weights[0])
    assert found["leak"] == near(sum(theory.weights[2:]))
    assert found["variance"] <= theory.variance + WITHIN


@pytest.mark.parametrize("beta", [0.5, 1.5, 3.0])
def test_projections_agree(js: Callable[..., Any], beta: float) -> None:
    """Without projections, and with the lab's Q and V, in units of beta."""
    directions = projections.Directions(beta * torch.eye(4, dtype=torch.float64))
    x = directions.tokens()
    plain = js("projections", {"scale": beta**2, "queryAxes": [-1, -1, -1], "kept": [1, 1, 1, 1]})
    assert plain["alpha"] == [near(row) for row in weights(x, x).tolist()]
    assert plain["c"] == [near(row) for row in (weights(x, x) @ x / beta).tolist()]
    # token 1 looks for u_c and token 2 for u_d; token 3 has the query 0, as there is no axis 4
    projected = js("projections", {"scale": beta**2, "queryAxes": [2, 3, 4], "kept": [0, 1, -1, 0]})
    assert projected["c"] == [near(row) for row in (projections.with_projections(directions, x) / beta).tolist()]


@pytest.mark.parametrize("kind", ["none", "learned", "sinusoid", "rotary"])
@pytest.mark.parametrize("shift", [0, 5, 20])
def test_positions_agree(js: Callable[..., Any], kind: str, shift: int) -> None:
    """Rotary keys equal the model's rotation, added positions their formula; only with positions does order matter."""
    sentence = js("positions", {"kind": "none", "shift": 0, "order": [0, 1, 2]})
    outputs = []
    for order in ([0, 1, 2], [2, 1, 0]):
        found = js("positions", {"kind": kind, "shift": shift, "order": order})
        rows = torch.tensor([*(sentence["keys"][word] for word in order), sentence["query"]], dtype=torch.float64)
        positions = torch.arange(shift, shift + 4, dtype=torch.float64)
        if kind == "rotary":
            rows = rotate(rows[None, None], shift)[0, 0]
        elif kind == "sinusoid":
            scale = torch.tensor([1.0, 1.0, 1.0, 2.0], dtype=torch.float64)[:, None]
            rows = rows + scale * torch.stack((positions.sin(), positions.cos()), 1)
        if kind != "learned":
            assert found["keys"] == [near(row) for row in rows[:3].tolist()]
            assert found["query"] == near(rows[3].tolist())
        alpha = weights_of(found["keys"], [found["query"]])[0]
        assert found["alpha"] == near(alpha)
        outputs.append(found["c"])
    assert (math.dist(*outputs) < 1e-12) == (kind == "none")


def mulberry(seed: int) -> Iterator[float]:
    """The page's random numbers, in Python."""
    while True:
        seed = (seed + 0x6D2B79F5) % 2**32
        bits = (seed ^ seed >> 15) * (seed | 1) % 2**32
        bits ^= (bits + (bits ^ bits >> 7) * (bits | 61)) % 2**32
        yield ((bits ^ bits >> 14) + 0.5) / 2**32


def test_draws_equal_pythons_and_have_the_expected_distribution(js: Callable[..., Any]) -> None:
    """Each number; mean and variance of the normal draws; a histogram against the theory."""
    drawn = js("normals", 4000, 5)
    uniform = mulberry(5)
    again = [math.sqrt(-2 * math.log(next(uniform))) * math.cos(2 * math.pi * next(uniform)) for _ in range(4000)]
    assert drawn == near(again)
    values = torch.tensor(drawn, dtype=torch.float64)
    assert abs(float(values.mean())) < 4 / math.sqrt(4000)
    assert abs(float(values.var()) - 1) < 4 * math.sqrt(2 / 4000)
    counts = js("counts", torch.sigmoid(2 * values).tolist(), 10)
    edges = LogitNormal(4.0).cdf(torch.linspace(0, 1, 11, dtype=torch.float64))
    for count, part in zip(counts, edges.diff().tolist(), strict=True):
        assert abs(count - 4000 * part) < 4 * math.sqrt(4000 * part * (1 - part))
