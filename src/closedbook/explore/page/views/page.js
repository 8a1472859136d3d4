"use strict";
// What all views have in common: the state, which the address's hash holds, the answers to it, and pieces of HTML.

// A view: { begin(book, model) once, clear(state, answers) while there is no answer, show(state, answers) with one }.
const explorer = {
  book: null,
  model: null,
  heads: [], // { name, block, head } of each, as the switches name them
  views: [],
  // `letter` counts the answer's letters from 0; `begun` are the letters that the reader chose, from the first on.
  state: { question: "", guess: "", letter: 0, begun: "", block: 0, tables: true, beta: 1, off: [] },
  // `plain` is the answer with all parts on and nothing chosen; `now` follows the switches and the chosen letters.
  answers: { of: "", plain: null, now: null, key: "" },

  switches: () => ({ tables: explorer.state.tables, beta: explorer.state.beta, off: explorer.state.off }),
  lastBlock: () => explorer.book.nBlocks - 1, // the one before the head: it writes the letter
  isSwitched: () => !explorer.state.tables || explorer.state.beta !== 1 || explorer.state.off.length > 0,

  // Change the state, compute what depends on it, and show it.
  set(wanted) {
    const { state } = explorer;
    const isAskedAnew = "question" in wanted && wanted.question !== state.question;
    if (isAskedAnew) Object.assign(state, { guess: "", letter: 0, begun: "" });
    Object.assign(state, wanted);
    explorer.answer();
    explorer.show();
    address.write();
  },
  answer() {
    const { model, state, answers } = explorer;
    if (!state.question) { Object.assign(answers, { of: "", plain: null, now: null }); return; }
    if (answers.of !== state.question) {
      Object.assign(answers, { of: state.question, plain: answerTo(model, state.question), key: "" });
    }
    if (!state.guess || answers.plain.error) { Object.assign(answers, { now: null, key: "" }); return; }
    const key = JSON.stringify([state.begun, explorer.switches()]);
    if (key !== answers.key) {
      const isPlain = !state.begun && !explorer.isSwitched();
      const begun = Array.from(model.idsOf(state.begun));
      answers.now = isPlain ? answers.plain : answerTo(model, state.question, explorer.switches(), begun);
      answers.key = key;
    }
    state.letter = Math.min(state.letter, answers.now.letters.length - 1);
  },
  show() {
    const { answers, state } = explorer;
    const isAnswered = answers.now !== null;
    document.body.classList.toggle("answered", isAnswered);
    for (const view of explorer.views) view[isAnswered ? "show" : "clear"]?.(state, answers);
  },
  start() {
    // After the first paint, so that the text can be read while the weights are unpacked.
    requestAnimationFrame(() => setTimeout(async () => {
      try {
        explorer.book = await readBook();
      } catch (error) {
        by("fault").textContent = "The model cannot be unpacked: this browser is too old, or the file is damaged " +
          `(${error.message}).`;
        return;
      }
      explorer.model = new Model(explorer.book);
      const { nBlocks, nHeads } = explorer.book;
      const all = Array.from({ length: nBlocks * nHeads }, (_, i) => [Math.floor(i / nHeads), i % nHeads]);
      explorer.heads = all.map(([block, head]) => ({ name: `${block}.${head}`, block, head }));
      for (const view of explorer.views) view.begin?.(explorer.book, explorer.model);
      address.read();
      explorer.answer();
      explorer.show();
      document.documentElement.classList.add("ready");
    }, 0));
  },
};

// The state in the hash of the address, so that a link contains it: q=...&guess=knows&letter=2&off=1.2&beta=2
const address = {
  text() {
    const { question, guess, letter, begun, block, tables, beta, off } = explorer.state;
    const parts = new URLSearchParams();
    if (question) parts.set("q", question);
    if (question && guess) parts.set("guess", guess);
    if (letter) parts.set("letter", letter + 1);
    if (begun) parts.set("begun", begun);
    if (block !== explorer.lastBlock()) parts.set("block", block + 1);
    if (!tables) parts.set("tables", "off");
    if (beta !== 1) parts.set("beta", beta);
    if (off.length) parts.set("off", off.join(","));
    return `#${parts}`;
  },
  // Browsers allow about two hundred changes of the address in half a minute, and a drag makes more.
  write() {
    clearTimeout(address.timer);
    address.timer = setTimeout(() => history.replaceState(null, "", address.text()), 250);
  },
  // Links may hold anything: only known names are looked up, and only values that the page could have written count.
  read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const whole = (name) => (/^[1-9]\d{0,3}$/.test(given.get(name) ?? "") ? Number(given.get(name)) - 1 : 0);
    const beta = Number(given.get("beta") ?? 1);
    const off = (given.get("off") ?? "").split(",");
    const { characters } = explorer.model.vocabulary;
    Object.assign(explorer.state, {
      question: (given.get("q") ?? "").trim(),
      guess: ["knows", "not"].includes(given.get("guess")) ? given.get("guess") : "",
      letter: whole("letter"),
      begun: [...(given.get("begun") ?? "")].filter((one) => characters.includes(one)).slice(0, 32).join(""),
      block: given.has("block") && whole("block") < explorer.book.nBlocks ? whole("block") : explorer.lastBlock(),
      tables: given.get("tables") !== "off" || !explorer.book.parameters.tables,
      beta: beta >= 0 && beta <= 4 ? beta : 1,
      off: explorer.heads.map((head) => head.name).filter((name) => off.includes(name)),
    });
  },
};
window.addEventListener("hashchange", () => {
  const hasState = new URLSearchParams(location.hash.slice(1)).has("q"); // a link to a heading has none
  if (!explorer.model || !hasState) return;
  address.read();
  explorer.answer();
  explorer.show();
});

// ---- pieces of HTML; what the text or the reader wrote goes through `safe` ----

const by = (id) => document.getElementById(id);
// Fill an element, unless it has this content already: what is live is read aloud whenever it is filled.
const filled = new Map();
const fill = (id, html) => {
  if (filled.get(id) !== html) by(id).innerHTML = html;
  filled.set(id, html);
};
const safe = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const counted = (n, one, many = `${one}s`) => `${grouped(n)} ${n === 1 ? one : many}`;
const percent = (p) => {
  const value = 100 * p;
  if (value === 0 || value >= 99.95) return `${value.toFixed(0)}%`;
  return value < 0.01 ? "<0.01%" : `${value >= 9.995 ? value.toFixed(1) : value.toPrecision(2)}%`;
};
// A character as people can see it
const visible = (text) => (text === " " ? "␣" : text === "\n" ? "⏎" : text);
// A bar with its length in percent
const bar = (p, style = "") =>
  `<span class="bar ${style}" aria-hidden="true"><i style="width:${(100 * p).toFixed(2)}%"></i></span>`;
