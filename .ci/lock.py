"""Renews requirements/*.txt from pyproject.toml: exact versions with hashes, for Python 3.11 and later on every system.

Needs uv, and a package index. The four files are installed with `pip install --require-hashes --no-deps`:

- locked.txt: everything but the next three;
- torch.txt: torch alone. The index's build for Linux asks for CUDA's packages, a CPU build does not; the hashes of both
  are in it, so that either can be installed;
- cuda.txt: what the build with CUDA needs besides;
- transformers.txt: what the extra of this name adds, which CI alone installs.
"""

import hashlib
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_CUDA = re.compile(r"cuda-|nvidia-|triton$")


def compiled(*extras: str, constraint: Path | None = None) -> dict[str, list[str]]:
    """The requirements of some extras, each as its lines of a requirements file, by the package's name."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--upgrade"]
    command += [word for extra in extras for word in ("--extra", extra)]
    command += [] if constraint is None else ["--constraint", str(constraint)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    packages: dict[str, list[str]] = {}
    for block in re.split(r"^(?=\S)", done.stdout, flags=re.MULTILINE):
        if block:
            packages.setdefault(block.partition("==")[0], []).append(block)
    return packages


def with_builds_at_hand(torch: str) -> str:
    """Torch's lines, and the hashes of its builds that no index lists: in PIP_FIND_LINKS, or in the file of before."""
    version = torch.partition("==")[2].split()[0]
    path = FOLDER / "torch.txt"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    hashes = set(_HASH.findall(before)) if f"torch=={version} " in before else set()
    for folder in os.environ.get("PIP_FIND_LINKS", "").split():
        for wheel in Path(folder).glob(f"torch-{version}+*.whl"):
            hashes.add(f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    added = sorted(hashes - set(_HASH.findall(torch)))
    return torch.rstrip("\n") + "".join(f" \\\n    --hash={each}" for each in added) + "\n"


def write(name: str, blocks: list[str]) -> None:
    """Write one of the files, and say so."""
    heading = "# Made by .ci/lock.py from pyproject.toml; CONTRIBUTING.md says how to renew it.\n"
    (FOLDER / name).write_text(heading + "".join(blocks), encoding="utf-8", newline="\n")
    print(f"requirements/{name}: {len(blocks)} packages")


def main() -> None:
    """Write the four files."""
    FOLDER.mkdir(exist_ok=True)
    packages = compiled("dev")
    names = set(packages)
    (torch,) = packages.pop("torch")
    write("torch.txt", [with_builds_at_hand(torch)])
    write("cuda.txt", [block for name in sorted(names) if _CUDA.match(name) for block in packages.pop(name)])
    write("locked.txt", [block for blocks in packages.values() for block in blocks])
    more = compiled("dev", "transformers", constraint=FOLDER / "locked.txt")
    write("transformers.txt", [block for name, blocks in more.items() if name not in names for block in blocks])


if __name__ == "__main__":
    main()
