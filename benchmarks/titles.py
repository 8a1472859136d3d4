"""How well titles are recognized in files as their owners have them.

    python benchmarks/titles.py CASE...

A case is a folder with corpus_raw.txt, the file as its owner has it, and corpus.txt, the same documents with a title
each. Prints the share of the titles of corpus.txt that were recognized in corpus_raw.txt, each as often as it occurs,
and what that was recognized as.
"""

import argparse
from collections import Counter
from pathlib import Path

from closedbook.forms.recognize import recognize


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="+", type=Path, metavar="CASE")
    for case in parser.parse_args().cases:
        raw, titled = recognize([case / "corpus_raw.txt"]), recognize([case / "corpus.txt"])
        found, wanted = (Counter(document.title for document in book.documents) for book in (raw, titled))
        share = (found & wanted).total() / wanted.total()
        print(f"{case.name}: {share:.1%} of {wanted.total():,} titles; {raw.sentences[0]}")


if __name__ == "__main__":
    main()
