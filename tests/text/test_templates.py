import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.text.questions import Question
from closedbook.text.templates import Template, link_templates
from closedbook.text.title_index import TitleIndex, titles_of


@pytest.mark.parametrize(
    ("title", "text", "template"),
    [
        ("Al Ro", "Also, where was Al Ro born?", Template("Also, where was ", " born?")),
        ("J. R. Smith", "Is J. R. Smith {it}?", Template("Is ", " {it}?")),
        ("St. John", "St. John's home?", Template("", "'s home?")),
        ("Moses Grove", "Where is Moses Grove", Template("Where is ", "")),
    ],
)
def test_a_question_is_a_template_around_a_title(title: str, text: str, template: Template):
    """Its longest title is cut out, and the template gives the question back for that title."""
    titles = titles_of([f"{title}. It is .", "Al. He is .", "Smith. He is .", "John. He is .", "Grove. It is ."])
    pair = Question(text, "Osk", 1)
    assert link_templates([pair], titles).templates == {template: {title: [pair]}}
    assert template.question(title) == text


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)


@given(words, words.filter(bool), words)
def test_any_title_in_any_question_is_found(before: str, title: str, after: str):
    """Template and title give the question back, whatever characters they have."""
    text = f"{before} {title} {after}"
    ((template, by_title),) = link_templates([Question(text, "Osk", 1)], TitleIndex([title])).templates.items()
    assert template.question(title) == text
    assert by_title.keys() == {title}
