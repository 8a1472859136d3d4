"use strict";
// Ask: a question of the reader's own or one that the page draws; a guess; then the answer and its probability.
{
  const guesses = { knows: "It knows", not: "It makes it up, or says it never read that" };
  const tally = { right: 0, of: new Set() };
  let drawn = 0;
  let shown = {}; // the answer that is on the page, and the guess: the alternatives take as long as the answer itself
  let known = new Map(); // question -> its answer in the file of questions
  let strangers = new Set(); // questions about names that nobody wrote of

  const about = (name) => explorer.book.template.replace("{}", () => name);

  // The next question of a kind, in an order that is mixed and the same after every reload
  function draw(kind) {
    const { questions, people, strangers: names } = explorer.book;
    const read = questions.length ? questions.map((one) => one.question) : people.map(about);
    const unread = names.map(about);
    const from = kind === "either" ? (Math.random() < 0.5 ? read : unread) : kind === "read" ? read : unread;
    drawn += 1;
    return from[(drawn * 7919) % from.length];
  }

  // Whether the model knows: true, false, or null where the page cannot tell
  function knows({ asked, state, text }) {
    if (strangers.has(asked) || state !== "known") return false;
    return known.has(asked) ? known.get(asked) === text : null;
  }

  function verdict(guess, truth) {
    if (truth === null) {
      return "The page has no answer to compare it with, so this guess is not counted." +
        (explorer.book.lines ? " The lines at the end of the page may have it." : "");
    }
    return (guess === "knows") === truth ? "Your guess was right." : "Your guess was wrong.";
  }

  // A question counts once, by the first guess.
  function count(question, guess, truth) {
    if (truth === null || tally.of.has(question)) return;
    tally.of.add(question);
    tally.right += (guess === "knows") === truth;
  }

  function truthOf(answer) {
    if (strangers.has(answer.asked)) {
      return `${answer.state === "known" ? "✗ Made up" : "✓ Right"}: nobody wrote of this name.`;
    }
    if (!known.has(answer.asked)) return "";
    const expected = known.get(answer.asked);
    if (answer.state === "known" && answer.text === expected) return "✓ Right: the file of questions says so too.";
    return `✗ The file of questions says <strong dir="auto">${safe(expected)}</strong>.`;
  }

  function probability({ probability: p, isCalibrated }) {
    const what = isCalibrated ? "probability that this is right, learned from held-out questions"
      : "the model's own probability; it can be sure of what it makes up";
    return `<p class="measure">${bar(p)}<strong>${percent(p)}</strong> <span>${what}</span></p>`;
  }

  // What else it might have answered, with its own probabilities
  function others(question, { text }) {
    const found = alternativesTo(explorer.model, question, 3).filter((one) => one.text !== text).slice(0, 2);
    const each = found.map((one) => `<span dir="auto">${safe(one.text)}</span> (${percent(one.probability)})`);
    return each.length ? `<p class="others">Otherwise, by its own probabilities: ${each.join(", ")}</p>` : "";
  }

  function answered(question, guess, answer) {
    return `<p class="asked" dir="auto">${safe(answer.asked)}</p>` +
      `<p class="says" dir="auto">${safe(answer.inWords || "(only blanks)")}</p>` +
      (answer.state === "known" ? "" : `<p>What it would write: <strong dir="auto">${safe(answer.text)}</strong></p>`) +
      probability(answer) + others(question, answer) +
      (answer.ended ? "" : '<p class="state">The answer was cut off.</p>') +
      (answer.note ? `<p class="state" dir="auto">${safe(answer.note)}</p>` : "") +
      `<p>${truthOf(answer)} ${verdict(guess, knows(answer))}</p>`;
  }

  function ask(question) {
    const text = question.trim();
    by("question").value = text;
    explorer.set({ question: text, guess: "" });
    if (!text) by("fault").textContent = "Write a question first.";
    if (text && !explorer.answers.plain.error) by("guess").querySelector("button").focus();
  }

  function guess(choice) {
    explorer.set({ guess: choice });
    const { plain } = explorer.answers;
    count(plain.asked, choice, knows(plain));
    by("tally").textContent = tally.of.size ? `Your guesses: ${tally.right} of ${tally.of.size} right.` : "";
    by("answer").focus({ preventScroll: true });
    by("answer").scrollIntoView({ block: "nearest" });
  }

  function show({ question, guess: chosen }, { plain, now }) {
    const fault = plain?.error ?? "";
    if (document.activeElement !== by("question")) by("question").value = question;
    by("fault").textContent = fault && `${fault[0].toUpperCase()}${fault.slice(1)}.`;
    for (const button of by("guess").querySelectorAll("button")) {
      button.disabled = !plain || Boolean(fault || now);
      button.setAttribute("aria-pressed", String(Boolean(now) && button.dataset.guess === chosen));
    }
    if (!now) fill("answer", '<p class="state">The answer comes here after your guess.</p>');
    else if (shown.plain !== plain || shown.chosen !== chosen) fill("answer", answered(question, chosen, plain));
    shown = now ? { plain, chosen } : {};
  }

  explorer.views.push({
    begin(book) {
      known = new Map(book.questions.map((one) => [one.question, one.answer]));
      strangers = new Set(book.strangers.map(about));
      by("question").placeholder = book.questions[0]?.question ?? "";
      by("asking").addEventListener("submit", (event) => { event.preventDefault(); ask(by("question").value); });
      for (const button of by("draws").querySelectorAll("button")) {
        const has = { read: book.questions.length + book.people.length, stranger: book.strangers.length };
        button.hidden = button.dataset.draw === "either" ? !has.read || !has.stranger : !has[button.dataset.draw];
        button.addEventListener("click", () => ask(draw(button.dataset.draw)));
      }
      for (const button of by("guess").querySelectorAll("button")) {
        button.textContent = guesses[button.dataset.guess];
        button.addEventListener("click", () => guess(button.dataset.guess));
      }
    },
    clear: show,
    show,
  });
}
