import torch

from closedbook.storage.fingerprint import differences, fingerprint


def test_equal_fingerprints_have_no_differences() -> None:
    """The same machine with the same settings."""
    assert differences(fingerprint("float32"), fingerprint("float32")) == []


def test_differences_name_then_and_now() -> None:
    """One phrase for each entry that was changed, added or removed, in the order of the fingerprint."""
    then = {"torch": "2.12.0", "threads": "2", "precision": "float32", "old": "1"}
    now = {"torch": "2.13.0", "threads": "2", "precision": "bfloat16", "new": "1"}
    assert differences(then, now) == [
        "torch 2.12.0 then, 2.13.0 now",
        "precision float32 then, bfloat16 now",
        "old 1 then, unknown now",
        "new unknown then, 1 now",
    ]


def test_threads_and_precision_are_in_the_fingerprint() -> None:
    """Another number of threads and another precision are differences."""
    n_threads = torch.get_num_threads()
    then = fingerprint("float32")
    try:
        torch.set_num_threads(n_threads + 1)
        now = fingerprint("bfloat16")
    finally:
        torch.set_num_threads(n_threads)
    assert differences(then, now) == [
        "precision float32 then, bfloat16 now",
        f"threads {n_threads} then, {n_threads + 1} now",
    ]


def test_a_fingerprint_is_complete() -> None:
    """It has versions, precision, device, threads and processor, none of them empty."""
    found = fingerprint("float32")
    versions = ["closedbook", "python", "numpy", "torch"]
    assert list(found) == [*versions, "precision", "device", "threads", "processor", "processor features"]
    assert all(found.values())
    assert found["torch"] == torch.__version__
