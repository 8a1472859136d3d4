"""Attribution: which lines of the corpus taught a run an answer, by how alike their gradients are."""
