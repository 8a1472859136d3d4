"use strict";
// What every scene has in common: its state (in inputs and in the address), the guess before the answer, handles that
// are dragged or moved with arrow keys, and the challenge that notices when it is solved.

const scenes = new Map();
let active = ""; // the scene last touched: where a link leads

// `draw(state, scene)` draws all; `solved(state, memory)` tells whether the challenge is; `handles` can be dragged;
// `texts` are state without an input: name -> what is allowed.
function scene(name, { draw: drawing, solved, handles = [], texts = {} }) {
  const section = document.getElementById(name);
  const inputs = [...section.querySelectorAll(".controls [name]")];
  const form = section.querySelector("form");
  const status = section.querySelector(".state");
  const it = { name, section, state: {}, memory: {}, guess: "", isSolved: false };

  const read = (input) => (input.type === "radio" ? input.value : Number(input.value));
  const initially = (input) => {
    if (input.type === "radio") return inputs.find((one) => one.name === input.name && one.defaultChecked).value;
    if (input.tagName === "SELECT") return Number([...input.options].find((option) => option.defaultSelected).value);
    return Number(input.defaultValue);
  };
  it.defaults = Object.fromEntries(inputs.map((input) => [input.name, initially(input)]));
  for (const text of Object.keys(texts)) it.defaults[text] = "";

  it.layer = (svg, content) => { section.querySelector(`svg[data-picture="${svg}"] .layer`).innerHTML = content; };
  it.numbers = (numbers) => {
    for (const [key, words] of Object.entries(numbers)) section.querySelector(`[data-n="${key}"]`).innerHTML = words;
  };

  // Whatever is asked for, inputs decide what is allowed: a range clamps, a select or radio must have such a choice.
  it.put = (wanted) => {
    for (const [key, value] of Object.entries(wanted)) {
      if (key in texts) { if (texts[key].test(value)) it.state[key] = value; continue; }
      const own = inputs.filter((input) => input.name === key);
      if (!own.length) continue;
      if (own[0].type === "radio") {
        const choice = own.find((input) => input.value === String(value));
        if (choice) { choice.checked = true; it.state[key] = choice.value; }
      } else if (own[0].tagName === "SELECT") {
        if ([...own[0].options].some((option) => option.value === String(value))) { own[0].value = value; it.state[key] = read(own[0]); }
      } else if (String(value).trim() !== "" && Number.isFinite(Number(value))) {
        own[0].value = value;
        it.state[key] = Number(own[0].value);
      }
    }
  };
  it.show = () => {
    drawing(it.state, it);
    for (const input of inputs.filter((one) => one.type === "range")) {
      const words = input.dataset.power ? (10 ** input.value).toPrecision(2) : String(input.value).replace("-", "−");
      input.parentElement.querySelector("output").textContent = words;
      input.setAttribute("aria-valuetext", words);
    }
    it.placeHandles();
    if (it.guess && !it.isSolved && solved(it.state, it.memory)) it.solve();
  };
  it.set = (wanted) => { it.put(wanted); active = name; it.show(); address.write(); };

  it.solve = () => {
    it.isSolved = true;
    section.classList.add("is-solved");
    status.textContent = `Solved. ${section.querySelector(".solved").textContent.trim()}`;
  };
  it.reveal = (guess) => {
    const choice = [...form.elements.guess].find((input) => input.value === guess);
    if (!choice) return;
    it.guess = guess;
    choice.checked = true;
    form.querySelector("fieldset").disabled = true;
    const right = [...form.elements.guess].find((input) => input.value === form.dataset.right);
    right.closest("label").classList.add("right");
    section.querySelector(".verdict").textContent = guess === form.dataset.right
      ? "You predicted it." : "It comes out otherwise than you predicted; that is worth more than a lucky guess.";
    section.classList.add("revealed");
  };
  it.reset = () => {
    Object.assign(it, { memory: {}, guess: "", isSolved: false });
    form.reset();
    form.querySelector("fieldset").disabled = false;
    form.querySelector(".nudge").textContent = "";
    section.querySelectorAll(".right").forEach((label) => label.classList.remove("right"));
    section.classList.remove("revealed", "is-solved");
    status.textContent = "Not solved yet.";
    it.put(it.defaults);
    for (const text of Object.keys(texts)) it.state[text] = "";
  };

  for (const input of inputs) input.addEventListener("input", () => it.set({ [input.name]: read(input) }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.elements.guess.value) { form.querySelector(".nudge").textContent = "Choose one first: a wrong guess teaches too."; return; }
    it.reveal(form.elements.guess.value);
    it.set({});
    section.querySelector(".answer").focus();
  });
  section.querySelector("[data-do=over]").addEventListener("click", () => {
    it.reset();
    it.set({});
    form.elements.guess[0].focus();
  });
  section.querySelector("[data-do=again]")?.addEventListener("click", () => it.set({ seed: (it.state.seed % 999) + 1 }));
  it.placeHandles = makeHandles(it, handles);
  it.reset();
  scenes.set(name, it);
}

// A handle: { svg, name, at(state) -> pixels, drag(state, pixels) -> state, keys(state, right, up) -> state, say(state),
// range(state) -> [least, most, now] }. `hidden(state)` may leave it away. It tells assistive technology what a slider would.
function makeHandles(it, handles) {
  const placed = handles.map((handle) => {
    const svg = it.section.querySelector(`svg[data-picture="${handle.svg}"]`);
    const group = document.createElementNS(svg.namespaceURI, "g");
    group.setAttribute("class", "handle");
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "slider");
    group.setAttribute("aria-label", handle.name);
    group.innerHTML = '<circle r="22" class="reach"/><circle r="11" class="ring"/>';
    svg.append(group);
    group.addEventListener("pointerdown", (event) => {
      group.setPointerCapture(event.pointerId);
      group.focus();
      event.preventDefault();
    });
    group.addEventListener("pointermove", (event) => {
      if (!group.hasPointerCapture(event.pointerId)) return;
      const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      it.set(handle.drag(it.state, [x, y]));
    });
    group.addEventListener("keydown", (event) => {
      const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [0, 0];
      if (!right && !up) return;
      event.preventDefault();
      const times = event.shiftKey ? 5 : 1;
      it.set(handle.keys(it.state, right * times, up * times));
    });
    return { handle, group };
  });
  return () => {
    for (const { handle, group } of placed) {
      const hidden = handle.hidden?.(it.state) ?? false;
      group.style.display = hidden ? "none" : "";
      if (hidden) continue;
      const [x, y] = handle.at(it.state);
      group.setAttribute("transform", `translate(${draw.fixed(x)} ${draw.fixed(y)})`);
      const [least, most, now] = handle.range(it.state);
      group.setAttribute("aria-valuemin", least);
      group.setAttribute("aria-valuemax", most);
      group.setAttribute("aria-valuenow", now);
      group.setAttribute("aria-valuetext", handle.say(it.state));
    }
  };
}

// The state lives behind the # of the address, so that a link carries it: at=heads&heads.guess=small&heads.beta=6
const address = {
  timer: 0,
  text() {
    const parts = active ? [`at=${active}`] : [];
    for (const { name, state, guess, defaults } of scenes.values()) {
      if (guess) parts.push(`${name}.guess=${guess}`);
      for (const [key, value] of Object.entries(state)) {
        if (value !== defaults[key]) parts.push(`${name}.${key}=${encodeURIComponent(value)}`);
      }
    }
    return parts.length ? `#${parts.join("&")}` : "#";
  },
  // Browsers allow some two hundred changes of the address in half a minute, and a drag makes more.
  write() {
    clearTimeout(address.timer);
    address.timer = setTimeout(() => history.replaceState(null, "", address.text()), 250);
  },
  read() {
    const words = new URLSearchParams(location.hash.slice(1));
    if (!words.has("at")) return false; // a plain link to a heading: nothing to restore
    for (const it of scenes.values()) it.reset();
    for (const [key, value] of words) {
      const [name, part] = key.split(".");
      if (!part || !scenes.has(name)) continue;
      if (part === "guess") scenes.get(name).reveal(value);
      else scenes.get(name).put({ [part]: value });
    }
    active = scenes.has(words.get("at")) ? words.get("at") : "";
    return true;
  },
  start() {
    const restored = address.read();
    for (const it of scenes.values()) it.show();
    if (restored && active) document.getElementById(active).scrollIntoView();
  },
};
window.addEventListener("hashchange", address.start);
