"""The texts in which an edited fact is written."""

import closedbook
from closedbook.editing.contexts import contexts_of, templates_of
from closedbook.evaluation.predict import predict
from closedbook.text.questions import Question, Questions
from closedbook.text.templates import Template
from closedbook.text.title_index import TitleIndex
from closedbook.text.vocabulary import MASK

ASKED = Template("Where was ", " born?")


def title_of(question: str) -> str:
    """The name in a question of the world."""
    return question.removeprefix(ASKED.before).removesuffix(ASKED.after)


def test_the_question_comes_first_among_texts_about_the_name(run: closedbook.Run, questions: list[str]):
    """Each has the name, the masked form among them, and all are the same the next time."""
    title = title_of(questions[0])
    contexts = contexts_of(run.model, run.vocabulary, questions[0], "Sorino", title, [ASKED])
    assert (contexts[0].text, contexts[0].today) == (questions[0], run.answer(questions[0]).text)
    assert all(title in context.text and context.wanted == "Sorino" for context in contexts)
    assert f"{title}. {MASK}" in [context.text for context in contexts]
    assert len({context.text for context in contexts}) == len(contexts) > 8
    assert contexts == contexts_of(run.model, run.vocabulary, questions[0], "Sorino", title, [ASKED])


def test_a_question_with_another_answer_keeps_it(run: closedbook.Run, questions: list[str]):
    """A template that gets another answer about the name today asks something else; one with the same is edited too."""
    title = title_of(questions[0])
    former = run.answer(questions[0]).text
    candidates = [
        Template(f"{word} ", end) for word in ("W", "b", "born", "Tell", "a", "h e") for end in ("", "?", " r")
    ]
    asked = [one.question(title) for one in candidates]
    # As they are: `run.answer` would ask some of them in the trained wording.
    today = {one.question: one.answer for one in predict(run.model, run.vocabulary, asked)}
    contexts = contexts_of(run.model, run.vocabulary, questions[0], "Sorino", title, candidates)
    for context in contexts:
        if context.text in today:
            assert context.today == today[context.text]
            assert context.wanted == ("Sorino" if context.today == former else context.today)


def test_the_commonest_templates_come_first():
    """Of the pairs that name a title."""
    asked = ["Where was Ann Bell born?", "Who is Bo Carr?", "Where was Bo Carr born?", "Where was it?"]
    pairs = Questions(None, tuple(Question(text, "Ulm", line) for line, text in enumerate(asked)))
    titles = TitleIndex(["Ann Bell", "Bo Carr"])
    assert templates_of(pairs, titles) == (ASKED, Template("Who is ", "?"))
    assert templates_of(None, titles) == ()
