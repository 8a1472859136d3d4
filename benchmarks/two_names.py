"""What each head looks at when it answers about a name that the text has, and about one that it has not.

    python benchmarks/two_names.py RUN QUESTION OTHER > benchmarks/results/two-names.json

RUN is vanilla. `python benchmarks/pictures.py --only two-names` draws the head that is surest about the first question.
"""

import argparse
import json
import sys
from pathlib import Path

from closedbook.analysis.reading_map.report import HeadsReading, read_text
from closedbook.api.run import load
from closedbook.storage.run import open_run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("questions", nargs=2, metavar="QUESTION")
    options = parser.parse_args()
    run, rows = open_run(options.run), []
    for answer in load(options.run).answer_many(options.questions):
        reading = read_text(run, f"{answer.question}⁇")
        assert isinstance(reading, HeadsReading), "a Perceiver's positions attend to latents"
        said = {"says": str(answer), "state": answer.state, "probability": round(answer.probability, 4)}
        rows.append({"question": answer.question, **said, **reading.facts()})
    json.dump({"rows": rows}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
