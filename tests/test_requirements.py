"""requirements/*.txt name one version of each package that pyproject.toml asks for, within its range, by its hashes."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
RENEW = "renew requirements/ as CONTRIBUTING.md says"

# Where each file's packages are installed, and what they were made from.
ASKED = {
    **dict.fromkeys((*PROJECT["dependencies"], *EXTRAS["dev"], *PYPROJECT["build-system"]["requires"]), "locked.txt"),
    **dict.fromkeys(EXTRAS["transformers"], "transformers.txt"),
}
SYSTEMS = [
    {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0", "sys_platform": system, **machine}
    for minor, (system, machine) in itertools.product(
        range(11, 15),
        [
            ("linux", {"platform_machine": "x86_64", "platform_system": "Linux"}),
            ("darwin", {"platform_machine": "arm64", "platform_system": "Darwin"}),
            ("win32", {"platform_machine": "AMD64", "platform_system": "Windows"}),
        ],
    )
]


def locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a file with their hashes; fails on a line that is neither."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    parts = [re.split(r"\s+--hash=", line.rstrip()) for line in lines]
    return [(Requirement(first), hashes) for first, *hashes in parts]


FILES = {path.name: locked(path.name) for path in sorted((ROOT / "requirements").iterdir())}


def test_every_version_is_exact_and_has_a_hash():
    """`name==version`, and the SHA-256 of each file that may be installed for it."""
    assert set(FILES) == {"cuda.txt", "locked.txt", "torch.txt", "transformers.txt"}
    for requirement, hashes in itertools.chain(*FILES.values()):
        assert [each.operator for each in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("asked", ASKED)
def test_what_pyproject_asks_for_is_locked_within_its_range(asked: str):
    """One version for each Python from 3.11 to 3.14 on Linux, macOS and Windows."""
    wanted = Requirement(asked)
    file = "torch.txt" if wanted.name == "torch" else ASKED[asked]
    found = [each for each, _ in FILES[file] if canonicalize_name(each.name) == canonicalize_name(wanted.name)]
    for system in SYSTEMS:
        versions = [
            next(iter(each.specifier)).version for each in found if each.marker is None or each.marker.evaluate(system)
        ]
        assert len(versions) == 1, f"{RENEW}: {asked}: {versions} for {system}"
        assert versions[0] in wanted.specifier, f"{RENEW}: {asked}: {versions[0]}"


def test_no_package_is_in_two_files():
    """A package's version is said once."""
    names = {file: {each.name for each, _ in packages} for file, packages in FILES.items()}
    assert sum(map(len, names.values())) == len(set().union(*names.values()))


def test_cuda_is_asked_for_on_linux_alone():
    """No other system's build of torch has it."""
    assert all(requirement.marker is not None for requirement, _ in FILES["cuda.txt"])
    for system in SYSTEMS:
        if system["sys_platform"] != "linux":
            assert not any(each.marker.evaluate(system) for each, _ in FILES["cuda.txt"])


def test_the_files_name_no_index_and_no_folder():
    """Where packages come from is the machine's to say."""
    for path in (ROOT / "requirements").iterdir():
        assert not re.search(r"://|@ |^-[^-]|--(?!hash=)", path.read_text(encoding="utf-8"), re.MULTILINE), path.name
