"""Checkpoints: a run killed at any moment can be resumed from the last one, and half a checkpoint is never read.

    RUN/checkpoints/
      step-00000123/    weights.safetensors  optimizer.safetensors  state.json  manifest.json
      latest, best      text files, each the name of one such folder and the SHA-256 of its manifest

A checkpoint is written to a temporary folder: every file is fsynced (safetensors does not do that), and the manifest
has the files' sizes and SHA-256. Then the folder is renamed and its parent fsynced; only then are `best` and, last,
`latest` replaced, which have the manifest's SHA-256. So `latest` always names a complete checkpoint, and no damage to
one file goes unseen. The two newest checkpoints and the best are kept. One process at a time writes a run. Nothing here
is a pickle, and none is ever loaded.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from closedbook.errors import RunError
from closedbook.files.durable import (
    read_bytes,
    remove_leftovers,
    sha256,
    sync_folder,
    write_atomically,
    write_synced,
)
from closedbook.files.temporary import remove, temporary, temporary_path
from closedbook.storage.tensors import tensors_from_bytes, tensors_to_bytes, with_todays_names

_FORMAT = 1
_WEIGHTS, _OPTIMIZER, _STATE, _MANIFEST = _FILES = (
    "weights.safetensors",
    "optimizer.safetensors",
    "state.json",
    "manifest.json",
)
# The second number counts how often this step was saved before: see `_publish`.
_GENERATION = re.compile(r"step-(\d{8,})(?:-(\d+))?")


@dataclass(frozen=True)
class Checkpoint:
    """What training needs to continue; `notes` for the user name damaged checkpoints that were skipped."""

    path: Path
    step: int
    weights: dict[str, Tensor]
    optimizer: dict[str, Any]
    state: dict[str, Any]
    fingerprint: dict[str, str]
    notes: tuple[str, ...] = ()


def save_checkpoint(
    run: Path,
    *,
    step: int,
    weights: Mapping[str, Tensor],
    optimizer: dict[str, Any],
    state: Mapping[str, Any],
    fingerprint: Mapping[str, str],
    best: bool = False,
) -> Path:
    """Save a checkpoint and return its folder; raises RunError where that fails, and earlier ones are untouched.

    `state` is JSON: text keys, no tuples. Its seed and step are all the random state there is, since a Trainer seeds
    each step from them.
    """
    tensors: dict[str, Tensor] = {}
    layout = _flatten(optimizer, "optimizer", tensors)
    files = {
        _WEIGHTS: tensors_to_bytes(weights, {}),
        _OPTIMIZER: tensors_to_bytes(tensors, {}),
        _STATE: _to_json({"state": dict(state), "optimizer": layout}),
    }
    files[_MANIFEST] = _manifest(step, fingerprint, files)
    home = run / "checkpoints"
    try:
        home.mkdir(parents=True, exist_ok=True)
        sync_folder(run)
        remove_leftovers(home)
        folder = _publish(home, step, files)
    except OSError as error:
        raise RunError(
            f"{home}: the checkpoint of step {step} cannot be saved: {error.strerror or error}; "
            "free some space, or make the folder writable, and resume"
        ) from error
    # `latest` last: a run killed in between resumes from the checkpoint before, and saves the same best again.
    for pointer in ("best", "latest") if best else ("latest",):
        write_atomically(home / pointer, f"{folder.name}\n{sha256(files[_MANIFEST])}\n".encode())
    _prune(home, folder)
    return folder


def load_latest(run: Path) -> Checkpoint | None:
    """The newest undamaged checkpoint, or None if there is none; raises RunError where all are damaged."""
    home = run / "checkpoints"
    faults: list[str] = []
    try:
        latest = _named(home / "latest")
    except RunError as fault:
        faults.append(str(fault))
        latest = None
    others = [_Named(folder) for folder in _generations(home) if latest is None or folder != latest.folder]
    for named in others if latest is None else [latest, *others]:
        try:
            notes = tuple(f"{fault}; skipped, continuing from {named.folder.name}" for fault in faults)
            return _read(named, notes)
        except RunError as fault:
            faults.append(str(fault))
    if faults:
        raise RunError(f"{faults[0]}; all are damaged: put {home} back from a copy, or remove it to begin again")
    return None


def load_best(run: Path) -> Checkpoint | None:
    """The checkpoint that was last saved as best, or None; raises RunError where it is damaged."""
    pointer = run / "checkpoints" / "best"
    try:
        named = _named(pointer)
        return None if named is None else _read(named, ())
    except RunError as fault:
        raise RunError(f"{fault}; put it back from a copy, or remove {pointer} to do without") from None


def _manifest(step: int, fingerprint: Mapping[str, str], files: Mapping[str, bytes]) -> bytes:
    sums = {name: {"size": len(data), "sha256": sha256(data)} for name, data in files.items()}
    return _to_json({"format": _FORMAT, "step": step, "fingerprint": dict(fingerprint), "files": sums})


def _publish(home: Path, step: int, files: Mapping[str, bytes]) -> Path:
    """Write all of a checkpoint's folder, then give it its name."""
    folder, n_before = home / f"step-{step:08d}", 0
    # A step saved again gets a folder of its own, since `latest` may name the old one.
    while folder.exists():
        n_before += 1
        folder = home / f"step-{step:08d}-{n_before}"
    with temporary(folder, Path.mkdir) as part:
        for name, data in files.items():
            write_synced(part / name, data)
        sync_folder(part)
        part.rename(folder)
    sync_folder(home)
    return folder


def _prune(home: Path, newest: Path) -> None:
    """Remove all checkpoints but the newest, the one before it and the best."""
    try:
        best = _named(home / "best")
    except RunError:
        return  # Any of them may be the best; load_best reports the damage.
    others = [folder for folder in _generations(home) if folder != newest]
    before = [folder for folder in others if _order(folder)[0] < _order(newest)[0]] or others
    kept = {best and best.folder, *before[:1]}
    for folder in others:
        if folder not in kept:
            doomed = temporary_path(folder)
            # Renamed first, so that a kill leaves no half checkpoint; a leftover is removed at the next save.
            with suppress(OSError):
                folder.rename(doomed)
            remove(doomed)


def _order(folder: Path) -> tuple[int, int]:
    """The step, and how often it was saved before."""
    match = _GENERATION.fullmatch(folder.name)
    assert match is not None
    return int(match[1]), int(match[2] or 0)


def _generations(home: Path) -> list[Path]:
    """The folders of checkpoints, newest first."""
    found = [path for path in home.glob("step-*") if _GENERATION.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=_order, reverse=True)


class _Named(NamedTuple):
    """A checkpoint's folder, and the SHA-256 of its manifest by `latest` or `best`; "" where none is known."""

    folder: Path
    manifest_sha256: str = ""


def _named(pointer: Path) -> _Named | None:
    """What `latest` or `best` names, which may not exist; None where there is no such file."""
    try:
        name, _, manifest_sha256 = pointer.read_text(encoding="utf-8", errors="replace").strip().partition("\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"{pointer}: cannot be read: {error.strerror}") from None
    if not _GENERATION.fullmatch(name):
        raise RunError(f"{pointer}: damaged: a checkpoint's name is needed, received {name[:40]!r}")
    return _Named(pointer.with_name(name), manifest_sha256)  # Older versions wrote the name alone.


def _read(named: _Named, notes: tuple[str, ...]) -> Checkpoint:
    """A checkpoint; raises RunError naming the first file that is not as the manifest says."""
    folder = named.folder
    path = folder / _MANIFEST
    content = read_bytes(path)
    if named.manifest_sha256 not in ("", sha256(content)):
        raise RunError(f"{path}: damaged: its SHA-256 is not the one that was noted when it was saved")
    try:
        manifest = json.loads(content)
        if manifest["format"] != _FORMAT:
            raise RunError(f"{path}: format {manifest['format']!r}, and this version reads {_FORMAT}")
        data = {name: _verified(folder / name, manifest["files"][name]) for name in _FILES[:-1]}
        path = folder / _STATE
        state = json.loads(data[_STATE])
        tensors, _ = tensors_from_bytes(folder / _OPTIMIZER, data[_OPTIMIZER])
        return Checkpoint(
            path=folder,
            step=int(manifest["step"]),
            weights=with_todays_names(tensors_from_bytes(folder / _WEIGHTS, data[_WEIGHTS])[0]),
            optimizer=_unflatten(state["optimizer"], tensors),
            state=state["state"],
            fingerprint=dict(manifest["fingerprint"]),
            notes=notes,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}: damaged: not what a checkpoint has there") from error


def _verified(path: Path, entry: Mapping[str, Any]) -> bytes:
    data = read_bytes(path)
    if len(data) != entry["size"]:
        raise RunError(f"{path}: damaged: {entry['size']} bytes by the manifest, {len(data)} there")
    if sha256(data) != entry["sha256"]:
        raise RunError(f"{path}: damaged: its SHA-256 is not the manifest's")
    return data


def _to_json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"


def _flatten(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Nested dicts, lists and tuples as JSON that keeps the types of keys; tensors are moved to `tensors`, by name."""
    if isinstance(value, Tensor):
        assert name not in tensors, name
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _flatten(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        items = [_flatten(item, f"{name}.{i}", tensors) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    assert value is None or isinstance(value, bool | int | float | str), f"{name}: {type(value)}"
    return value


def _unflatten(layout: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `_flatten` was given."""
    if isinstance(layout, list):
        return [_unflatten(item, tensors) for item in layout]
    if not isinstance(layout, dict):
        return layout
    ((kind, content),) = layout.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "tuple":
        return tuple(_unflatten(item, tensors) for item in content)
    return {key: _unflatten(item, tensors) for key, item in content}
