from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from closedbook.examples.tagged import TaggedSpans
from closedbook.text.links import Statement

statements = st.lists(st.builds(Statement, st.integers(0, 6), st.integers(0, 3), st.integers(4, 7)), max_size=23)


@given(statements)
def test_tagged_spans_are_a_mapping_by_document(stated: list[Statement]):
    """Each document has its spans once, in the order in which they were stated; a document without any is no key."""
    expected: dict[int, dict[tuple[int, int], None]] = defaultdict(dict)
    for one in stated:
        expected[one.document][one.start, one.end] = None
    tagged = TaggedSpans(stated, 7)
    assert tagged == {document: tuple(spans) for document, spans in expected.items()}
    assert list(tagged) == sorted(expected)
    assert tagged.get(7, ()) == tagged.get(-1, ()) == ()
