"""What each piece of a recipe brings: one piece changed at a time, at an equal number of steps.

    python benchmarks/ablation.py CORPUS TRAIN DEV --setting guided [--recipe fast] [--steps 500] [--seeds 0 1 2]
        [--only NAME ...] > benchmarks/results/ablation-guided.json

Each arm is compared with the recipe by McNemar's exact test, as benchmarks/compare.py does for arms of your own.
"""

from compare import compare, compared_options
from runner import one_line_errors, parser_of

ARMS: dict[str, list[str]] = {
    "the recipe": [],
    "no prefix table": ["model.prefix_table=false"],
    "the table's learning rate a fifth": ["STAGE.table_ratio=3"],
    "AdamW in place of Muon": ["STAGE.optimizer=adamw"],
    "rotary positions": ["model.positions=rotary"],
    "2 layers": ["model.n_layer=2"],
    "4 layers": ["model.n_layer=4"],
    "2 heads": ["model.n_head=2"],
    "8 heads": ["model.n_head=8"],
    "width 64": ["model.n_embd=64"],
    "width 256": ["model.n_embd=256"],
    "all characters supervised": ["corruption.supervised=all"],
    "context kept half of the time": ["corruption.name_only=0.5"],
    "context kept": ["corruption.name_only=0"],
    "more pairs": ["STAGE.mix_pairs=0.4"],
    "unguided masks": ["corruption.guided=0", "corruption.salient=1"],
    "the assignment's masks": ["corruption.guided=0", "corruption.salient=0", "corruption.span=1"],
}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="*", choices=ARMS, default=list(ARMS), metavar="NAME")
    options = compared_options(parser)
    compare({name: words for name, words in ARMS.items() if name in options.only or not words}, options)


if __name__ == "__main__":
    with one_line_errors():
        main()
