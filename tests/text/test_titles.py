import pytest

from closedbook.text.titles import title_length


@pytest.mark.parametrize(
    ("document", "title"),
    [
        ("Ada Byron. She was born in London on 10 December 1815.", "Ada Byron. "),
        ("J. R. R. Tolkien. He wrote.", "J. R. R. Tolkien. "),
        ("É. Zola. He wrote.", "É. Zola. "),
        ("Dr. No. A film.", "Dr. No. "),
        ("John St. John. He ran.", "John St. John. "),
        ("Sammy Davis Jr. Smith. He sang.", "Sammy Davis Jr. Smith. "),
        ("Vitamin BC. It is one.", "Vitamin BC. "),
        ("Malcolm X. In 1952 Malcolm X left.", "Malcolm X. "),
        ("Elsa I. Queen Elsa I, of Nord", "Elsa I. "),
        ("Ivo P. Fry. Ivo P Fry (born in Nord).", "Ivo P. Fry. "),
        ("Ivo P. de Vries. Ivo P. de Vries sang.", "Ivo P. de Vries. "),
        ("Ivo P. de Vries. Ivo P de Vries sang.", "Ivo P. de Vries. "),
        ("Xi X. Xia. He and Xi Xia sang.", "Xi X. Xia. "),
        ("No full stop and a space.", ""),
        ("", ""),
    ],
)
def test_a_title_ends_at_its_full_stop(document: str, title: str):
    """The first full stop before a space ends it, unless it belongs to an initial or an abbreviation in a name."""
    assert title_length(document) == len(title)
