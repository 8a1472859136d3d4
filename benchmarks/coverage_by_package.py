"""Lines and branches of each package that the tests run, from coverage's JSON, as JSON.

    coverage run -m pytest -n 2 --dist loadfile -o addopts=--import-mode=importlib
    coverage combine && coverage json
    python benchmarks/coverage_by_package.py coverage.json > benchmarks/results/coverage.json

What runs in the page, in JavaScript, is not counted.
"""

import json
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

COUNTED = ("covered_lines", "num_statements", "covered_branches", "num_branches")


def ranges(lines: list[int]) -> str:
    """Line numbers as in '3-5, 9'."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def share(covered: int, n: int) -> float:
    """The covered share, in percent; all of nothing."""
    return round(100 * covered / n, 1) if n else 100.0


def main() -> None:
    """Print the table, and for each file with uncovered code its lines and branches; a negative line is an exit."""
    files = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["files"]
    packages: dict[str, Counter[str]] = {}
    uncovered = {}
    for name, facts in sorted(files.items()):
        parts = PurePosixPath(name).parts
        inner = parts[parts.index("closedbook") + 1 :]
        for package in ("all", inner[0].removesuffix(".py")):
            packages.setdefault(package, Counter()).update({key: facts["summary"][key] for key in COUNTED})
        if facts["missing_lines"] or facts["missing_branches"]:
            branches = ", ".join(f"{first} to {last}" for first, last in facts["missing_branches"])
            uncovered["/".join(inner)] = {"lines": ranges(facts["missing_lines"]), "branches": branches}
    table = {
        package: {
            "lines": n["num_statements"],
            "lines_percent": share(n["covered_lines"], n["num_statements"]),
            "branches": n["num_branches"],
            "branches_percent": share(n["covered_branches"], n["num_branches"]),
        }
        for package, n in sorted(packages.items())
    }
    print(json.dumps({"packages": table, "uncovered": uncovered}, indent=1))


if __name__ == "__main__":
    main()
