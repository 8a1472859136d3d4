"use strict";
// What all experiments have in common: state in inputs and in the address; first a guess, then the predicted
// experiment is played, then it is the reader's turn with a goal that is checked after every change, and then the
// formula.

const experiments = new Map();
let active = ""; // the experiment changed last: a link scrolls to it

// `draw(state, view)` draws all pictures; `goal(state, view)` is { now, solved }: how far the goal is, as HTML by name,
// and whether it is reached; `played` is what "Show what happens" plays: { from, to } of the state, and `seconds`;
// `handles` can be dragged; `texts` are parts of the state without an input: name -> regular expression of allowed
// values.
class Experiment {
  constructor(name, { draw: drawing, goal, played, handles = [], texts = {} }) {
    Object.assign(this, { name, drawing, goal, played, texts });
    Object.assign(this, { state: {}, memory: {}, guess: "", phase: "", isSolved: false });
    this.progress = 1; // from 0 to 1 while the predicted experiment is played
    this.section = document.getElementById(name);
    this.inputs = [...this.section.querySelectorAll(":is(.controls, .always) [name]")];
    this.form = this.section.querySelector("form");
    const texted = Object.keys(texts).map((text) => [text, ""]);
    this.defaults = Object.fromEntries([...this.inputs.map((input) => [input.name, this.initially(input)]), ...texted]);
    this.always = new Set(this.inputs.filter((input) => input.closest(".always")).map((input) => input.name));
    this.beginning = Object.fromEntries(Object.entries(this.defaults).filter(([key]) => !this.always.has(key)));
    this.placeHandles = makeHandles(this, handles);
    this.listen();
    this.reset();
  }

  // ---- the state ----
  read(input) { return input.type === "radio" ? input.value : Number(input.value); }

  initially(input) {
    if (input.type === "radio") return this.inputs.find((one) => one.name === input.name && one.defaultChecked).value;
    if (input.tagName === "SELECT") return Number([...input.options].find((option) => option.defaultSelected).value);
    return Number(input.defaultValue);
  }

  // Values from links may be anything. Inputs restrict them: a range clamps, a select or radio must have the choice.
  put(wanted) {
    for (const [key, value] of Object.entries(wanted)) {
      if (Object.hasOwn(this.texts, key)) {
        if (this.texts[key].test(value) || value === "") this.state[key] = String(value);
        continue;
      }
      const own = this.inputs.filter((input) => input.name === key);
      if (own.length) this.putInput(own, String(value));
    }
  }

  putInput(own, value) {
    const [input] = own;
    if (input.type === "radio") {
      const choice = own.find((one) => one.value === value);
      if (choice) { choice.checked = true; this.state[input.name] = value; }
    } else if (input.tagName === "SELECT") {
      if (![...input.options].some((option) => option.value === value)) return;
      input.value = value;
      this.state[input.name] = Number(value);
    } else if (value.trim() !== "" && Number.isFinite(Number(value))) {
      input.value = value;
      this.state[input.name] = Number(input.value);
    }
  }

  set(wanted) {
    this.put(wanted);
    active = this.name;
    this.show();
    address.write();
  }

  // ---- what is shown ----
  // A picture, and what it shows in words, which follow the state
  layer(name, content, label) {
    const svg = this.section.querySelector(`svg[data-figure="${name}"]`);
    svg.querySelector(".layer").innerHTML = content;
    if (label) svg.setAttribute("aria-label", label);
  }

  table(name, parts) {
    this.numbers({ [name]: draw.softmax(parts) });
  }

  numbers(numbers) {
    for (const [key, content] of Object.entries(numbers)) {
      for (const place of this.section.querySelectorAll(`[data-n="${key}"]`)) {
        if (place.innerHTML !== content) place.innerHTML = content;
      }
    }
  }

  show() {
    this.drawing(this.state, this);
    for (const input of this.inputs.filter((one) => one.type === "range")) {
      const shown = input.dataset.power ? (10 ** input.value).toPrecision(2) : String(input.value).replace("-", "−");
      const output = input.parentElement.querySelector("output");
      if (output) output.textContent = shown;
      input.setAttribute("aria-valuetext", shown);
    }
    this.placeHandles();
    const { now, solved } = this.goal(this.state, this);
    this.numbers(now);
    if (this.phase === "turn" && !this.isSolved && solved) this.solve();
  }

  solve() {
    this.isSolved = true;
    this.section.classList.add("is-solved");
    this.section.querySelector(".state").textContent = "Solved.";
    this.section.querySelector("details").open = true;
    ticks.add(this.name);
  }

  // ---- the phases: a guess, the predicted experiment, the reader's turn ----
  reveal(guess) {
    const choice = [...this.form.elements.guess].find((input) => input.value === guess);
    if (!choice) return;
    this.guess = guess;
    choice.checked = true;
    this.form.querySelector("fieldset").disabled = true;
    const right = [...this.form.elements.guess].find((input) => input.value === this.form.dataset.right);
    right.closest("label").classList.add("right");
    this.section.querySelector(".verdict").textContent =
      guess === this.form.dataset.right ? "Your guess was right." : "Not this time. Here is why.";
    this.enter("shown");
    this.put({ ...this.beginning, ...this.played.to });
  }

  enter(phase) {
    this.phase = phase;
    this.section.classList.toggle("revealed", phase !== "");
    this.section.classList.toggle("shown", phase === "shown");
    for (const input of this.inputs) input.disabled = phase === "shown" && !this.always.has(input.name);
  }

  // Play the predicted experiment; where motion is not wanted, show its end
  play() {
    const { from = {}, to, seconds = 3 } = this.played;
    const begin = performance.now();
    this.begun = begin; // a later play takes over
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (now) => {
      if (this.phase !== "shown" || this.begun !== begin) return;
      this.progress = still ? 1 : Math.min(1, Math.max(0, now - begin) / (1000 * seconds));
      const between = Object.entries(from).map(([key, start]) => [key, start + (to[key] - start) * this.progress]);
      this.put(this.progress < 1 ? Object.fromEntries(between) : to);
      this.show();
      if (this.progress < 1) requestAnimationFrame(step);
    };
    step(begin);
  }

  turn() {
    this.progress = 1;
    this.enter("turn");
    this.put(this.beginning);
  }

  reset() {
    Object.assign(this, { memory: {}, guess: "", isSolved: false, progress: 1 });
    this.form.reset();
    this.form.querySelector("fieldset").disabled = false;
    this.form.querySelector(".hint").textContent = "";
    this.section.querySelectorAll(".right").forEach((label) => label.classList.remove("right"));
    this.section.classList.remove("is-solved");
    this.section.querySelector("details").open = false;
    this.section.querySelector(".state").textContent = "Not solved yet.";
    this.enter("");
    this.put(this.defaults);
  }

  // ---- what the reader does ----
  listen() {
    for (const input of this.inputs) {
      input.addEventListener("input", () => this.set({ [input.name]: this.read(input) }));
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.form.elements.guess.value) {
        this.form.querySelector(".hint").textContent = "Choose one first.";
        return;
      }
      this.reveal(this.form.elements.guess.value);
      this.set({});
      this.section.querySelector(".answer").focus();
      this.play();
    });
    this.on("replay", () => this.play());
    this.on("turn", () => { this.turn(); this.set({}); this.section.querySelector(".task").focus(); });
    this.on("over", () => { this.reset(); this.set({}); this.form.elements.guess[0].focus(); });
    this.on("again", () => this.set({ seed: String((Number(this.state.seed || 1) % 999) + 1) }));
  }

  on(name, act) { this.section.querySelector(`[data-do=${name}]`)?.addEventListener("click", act); }
}

function experiment(name, parts) {
  experiments.set(name, new Experiment(name, parts));
}
