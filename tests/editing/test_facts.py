"""Facts to write, with the title and the template of their questions."""

import pytest

from closedbook.editing.facts import NewFact, one_pair
from closedbook.errors import TextError
from closedbook.text.templates import Template


def test_the_template_is_the_question_without_the_title():
    """Before and after the title."""
    assert NewFact("Where was Ann Bell born?", "Ulm", "Ann Bell").template == Template("Where was ", " born?")


def test_a_pair_is_one_line():
    """Blanks around it are dropped; a tab or a line feed within it is an error."""
    (item,) = one_pair(" Where? ", "Ulm\n").items
    assert (item.text, item.answer) == ("Where?", "Ulm")
    for question, answer in (("Where\twas it?", "Ulm"), ("Where?", "Ulm\nBern")):
        with pytest.raises(TextError, match="one line without tabs"):
            one_pair(question, answer)
