"use strict";
// What all experiments have in common: the state (in inputs and in the address), the guess before the answer, handles
// that are dragged or moved with arrow keys, and the challenge, which is checked after every change.

const experiments = new Map();
let active = ""; // the experiment changed last: a link scrolls to it

// `draw(state, view)` draws all figures; `solved(state, memory)` is whether the challenge is solved; `handles` can be
// dragged; `texts` are parts of the state without an input: name -> regular expression of allowed values.
function experiment(name, { draw: drawing, solved, handles = [], texts = {} }) {
  const section = document.getElementById(name);
  const inputs = [...section.querySelectorAll(".controls [name]")];
  const form = section.querySelector("form");
  const status = section.querySelector(".state");
  const view = { name, section, state: {}, memory: {}, guess: "", isSolved: false };

  const read = (input) => (input.type === "radio" ? input.value : Number(input.value));
  const initially = (input) => {
    if (input.type === "radio") return inputs.find((one) => one.name === input.name && one.defaultChecked).value;
    if (input.tagName === "SELECT") return Number([...input.options].find((option) => option.defaultSelected).value);
    return Number(input.defaultValue);
  };
  view.defaults = Object.fromEntries(inputs.map((input) => [input.name, initially(input)]));
  for (const text of Object.keys(texts)) view.defaults[text] = "";

  view.layer = (svg, content) => { section.querySelector(`svg[data-figure="${svg}"] .layer`).innerHTML = content; };
  view.numbers = (numbers) => {
    for (const [key, content] of Object.entries(numbers)) section.querySelector(`[data-n="${key}"]`).innerHTML = content;
  };

  // Values from links may be anything. Inputs restrict them: a range clamps, a select or radio must have the choice.
  view.put = (wanted) => {
    for (const [key, value] of Object.entries(wanted)) {
      if (Object.hasOwn(texts, key)) { if (texts[key].test(value)) view.state[key] = value; continue; }
      const own = inputs.filter((input) => input.name === key);
      if (!own.length) continue;
      if (own[0].type === "radio") {
        const choice = own.find((input) => input.value === String(value));
        if (choice) { choice.checked = true; view.state[key] = choice.value; }
      } else if (own[0].tagName === "SELECT") {
        if ([...own[0].options].some((option) => option.value === String(value))) { own[0].value = value; view.state[key] = read(own[0]); }
      } else if (String(value).trim() !== "" && Number.isFinite(Number(value))) {
        own[0].value = value;
        view.state[key] = Number(own[0].value);
      }
    }
  };
  view.show = () => {
    drawing(view.state, view);
    for (const input of inputs.filter((one) => one.type === "range")) {
      const shown = input.dataset.power ? (10 ** input.value).toPrecision(2) : String(input.value).replace("-", "−");
      input.parentElement.querySelector("output").textContent = shown;
      input.setAttribute("aria-valuetext", shown);
    }
    view.placeHandles();
    if (view.guess && !view.isSolved && solved(view.state, view.memory)) view.solve();
  };
  view.set = (wanted) => { view.put(wanted); active = name; view.show(); address.write(); };

  view.solve = () => {
    view.isSolved = true;
    section.classList.add("is-solved");
    status.textContent = `Solved. ${section.querySelector(".solved").textContent.trim()}`;
  };
  view.reveal = (guess) => {
    const choice = [...form.elements.guess].find((input) => input.value === guess);
    if (!choice) return;
    view.guess = guess;
    choice.checked = true;
    form.querySelector("fieldset").disabled = true;
    const right = [...form.elements.guess].find((input) => input.value === form.dataset.right);
    right.closest("label").classList.add("right");
    section.querySelector(".verdict").textContent = guess === form.dataset.right
      ? "Your guess was right." : "The result differs from your guess.";
    section.classList.add("revealed");
  };
  view.reset = () => {
    Object.assign(view, { memory: {}, guess: "", isSolved: false });
    form.reset();
    form.querySelector("fieldset").disabled = false;
    form.querySelector(".hint").textContent = "";
    section.querySelectorAll(".right").forEach((label) => label.classList.remove("right"));
    section.classList.remove("revealed", "is-solved");
    status.textContent = "Not solved yet.";
    view.put(view.defaults);
    for (const text of Object.keys(texts)) view.state[text] = "";
  };

  for (const input of inputs) input.addEventListener("input", () => view.set({ [input.name]: read(input) }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.elements.guess.value) { form.querySelector(".hint").textContent = "Choose one first."; return; }
    view.reveal(form.elements.guess.value);
    view.set({});
    section.querySelector(".answer").focus();
  });
  section.querySelector("[data-do=over]").addEventListener("click", () => {
    view.reset();
    view.set({});
    form.elements.guess[0].focus();
  });
  section.querySelector("[data-do=again]")?.addEventListener("click", () => view.set({ seed: (view.state.seed % 999) + 1 }));
  view.placeHandles = makeHandles(view, handles);
  view.reset();
  experiments.set(name, view);
}

// A handle: { svg, name, at(state) -> pixels, drag(state, pixels) -> state, keys(state, right, up) -> state, say(state),
// range(state) -> [least, most, now] }. `hidden(state)` may hide it. Assistive technology sees it as a slider.
function makeHandles(view, handles) {
  const placed = handles.map((handle) => {
    const svg = view.section.querySelector(`svg[data-figure="${handle.svg}"]`);
    const group = document.createElementNS(svg.namespaceURI, "g");
    group.setAttribute("class", "handle");
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "slider");
    group.setAttribute("aria-label", handle.name);
    group.innerHTML = '<circle r="22" class="grip"/><circle r="11" class="ring"/>';
    svg.append(group);
    group.addEventListener("pointerdown", (event) => {
      group.setPointerCapture(event.pointerId);
      group.focus();
      event.preventDefault();
    });
    group.addEventListener("pointermove", (event) => {
      if (!group.hasPointerCapture(event.pointerId)) return;
      const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      view.set(handle.drag(view.state, [x, y]));
    });
    group.addEventListener("keydown", (event) => {
      const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [0, 0];
      if (!right && !up) return;
      event.preventDefault();
      const times = event.shiftKey ? 5 : 1;
      view.set(handle.keys(view.state, right * times, up * times));
    });
    return { handle, group };
  });
  return () => {
    for (const { handle, group } of placed) {
      const hidden = handle.hidden?.(view.state) ?? false;
      group.style.display = hidden ? "none" : "";
      if (hidden) continue;
      const [x, y] = handle.at(view.state);
      group.setAttribute("transform", `translate(${draw.fixed(x)} ${draw.fixed(y)})`);
      const [least, most, now] = handle.range(view.state);
      group.setAttribute("aria-valuemin", least);
      group.setAttribute("aria-valuemax", most);
      group.setAttribute("aria-valuenow", now);
      group.setAttribute("aria-valuetext", handle.say(view.state));
    }
  };
}

// The state is in the hash of the address, so that a link contains it: at=heads&heads.guess=small&heads.beta=6
const address = {
  timer: 0,
  text() {
    const parts = active ? [`at=${active}`] : [];
    for (const { name, state, guess, defaults } of experiments.values()) {
      if (guess) parts.push(`${name}.guess=${guess}`);
      for (const [key, value] of Object.entries(state)) {
        if (value !== defaults[key]) parts.push(`${name}.${key}=${encodeURIComponent(value)}`);
      }
    }
    return parts.length ? `#${parts.join("&")}` : "#";
  },
  // Browsers allow about two hundred changes of the address in half a minute, and a drag makes more.
  write() {
    clearTimeout(address.timer);
    address.timer = setTimeout(() => history.replaceState(null, "", address.text()), 250);
  },
  read() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    if (!parameters.has("at")) return false; // a link to a heading has no state
    for (const view of experiments.values()) view.reset();
    for (const [key, value] of parameters) {
      const [name, part] = key.split(".");
      if (!part || !experiments.has(name)) continue;
      if (part === "guess") experiments.get(name).reveal(value);
      else experiments.get(name).put({ [part]: value });
    }
    active = experiments.has(parameters.get("at")) ? parameters.get("at") : "";
    return true;
  },
  start() {
    const restored = address.read();
    for (const view of experiments.values()) view.show();
    if (restored && active) document.getElementById(active).scrollIntoView();
  },
};
window.addEventListener("hashchange", address.start);

// What the page shows without JavaScript: every picture and number at the state in `data-static`, by experiment and name
function stills() {
  const read = ({ section }) => [
    ...[...section.querySelectorAll("svg[data-figure]")].map((svg) => [svg.dataset.figure, svg.querySelector(".layer").innerHTML]),
    ...[...section.querySelectorAll("[data-n]")].map((one) => [one.dataset.n, one.innerHTML]),
  ];
  const rounded = (list) => list.replace(/\d+\.\d+/g, (number) => Math.round(number));
  const shortened = (drawn) => drawn.replace(/ (points|d)="[^"]*"/g, rounded).replace(/\b(\d+\.\d)\d"/g, (_, number) => `${Number(number)}"`);
  return Object.fromEntries([...experiments.values()].map((view) => {
    view.reset();
    view.put(Object.fromEntries(new URLSearchParams(view.section.dataset.static)));
    view.show();
    return [view.name, Object.fromEntries(read(view).map(([name, drawn]) => [name, shortened(drawn)]))];
  }));
}
