"use strict";
// The answer's letters as a row of choices; every row on the page shows the same choice.
{
  const named = (letter) => (letter.isEnd ? "the end" : letter.text === " " ? "a blank" : letter.text);

  function button(letter, i, chosen, nBegun) {
    const isChosen = i === chosen;
    const [style, who] = i < nBegun ? ["begun", ", chosen by you"] : ["", ""];
    return `<button type="button" role="radio" aria-checked="${isChosen}" tabindex="${isChosen ? 0 : -1}" ` +
      `data-i="${i}" class="${style}" aria-label="${safe(named(letter))}, ${percent(letter.p)}${who}">` +
      `<span>${letter.isEnd ? "end" : safe(visible(letter.text))}</span><small>${percent(letter.p)}</small></button>`;
  }

  function step(event) {
    const last = explorer.answers.now.letters.length - 1;
    const now = explorer.state.letter;
    const [before, after] = [now - 1, now + 1];
    const keys = { ArrowRight: after, ArrowDown: after, ArrowLeft: before, ArrowUp: before, Home: 0, End: last };
    const wanted = keys[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    choose(Math.max(0, Math.min(last, wanted)), event.currentTarget);
  }
  function choose(i, row) {
    explorer.set({ letter: i });
    row.querySelector("[aria-checked=true]").focus();
  }

  explorer.views.push({
    begin() {
      for (const row of document.querySelectorAll("[data-letters]")) {
        row.setAttribute("role", "radiogroup");
        row.addEventListener("keydown", step);
        row.addEventListener("click", (event) => {
          const target = event.target.closest("button");
          if (target) choose(Number(target.dataset.i), row);
        });
      }
    },
    show({ letter, begun }, { now }) {
      const html = now.letters.map((one, i) => button(one, i, letter, [...begun].length)).join("");
      for (const row of document.querySelectorAll("[data-letters]")) row.innerHTML = html;
    },
  });

  // In words, for sentences: “r”, a blank, the end
  explorer.inWords = (letter) => (letter.isEnd ? "the end" : letter.text === " " ? "a blank" : `“${letter.text}”`);
}
