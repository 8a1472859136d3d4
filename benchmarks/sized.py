"""Recipe `fast` as large as the assignment's model, for what is measured at that size."""

from dataclasses import replace

from closedbook.recipe.recipe import COURSE, FAST

_SIZE = {name: getattr(COURSE.model, name) for name in ("n_layer", "n_head", "n_embd")}
FAST_AS_LARGE_AS_COURSE = replace(FAST, model=replace(FAST.model, **_SIZE))
