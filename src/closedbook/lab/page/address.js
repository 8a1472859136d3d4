"use strict";
// The state is in the hash of the address, so that a link contains it:
// at=heads&heads.guess=tenth&heads.turn=1&heads.x1=6

const address = {
  timer: 0,
  text() {
    const parts = active ? [`at=${active}`] : [];
    for (const { name, state, guess, phase, defaults, always } of experiments.values()) {
      if (guess) parts.push(`${name}.guess=${guess}`);
      if (phase === "turn") parts.push(`${name}.turn=1`);
      for (const [key, value] of Object.entries(state)) {
        const played = phase === "shown" && !always.has(key); // then it is the end of what was predicted
        if (value !== defaults[key] && !played) parts.push(`${name}.${key}=${encodeURIComponent(value)}`);
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
    const parameters = [...new URLSearchParams(location.hash.slice(1))];
    const at = parameters.find(([key]) => key === "at");
    if (!at) return false; // a link to a heading has no state
    for (const view of experiments.values()) view.reset();
    const split = parameters.map(([key, value]) => [...key.split("."), value]);
    const parts = split.filter(([name]) => experiments.has(name));
    for (const [name, part, value] of parts) if (part === "guess") experiments.get(name).reveal(value);
    for (const [name, part] of parts) {
      const view = experiments.get(name);
      if (part !== "guess" && !view.always.has(part) && view.phase === "shown") view.turn();
    }
    for (const [name, part, value] of parts) experiments.get(name).put({ [part]: value });
    active = experiments.has(at[1]) ? at[1] : "";
    return true;
  },
  start() {
    const restored = address.read();
    ticks.show();
    for (const view of experiments.values()) view.show();
    if (restored && active) document.getElementById(active).scrollIntoView();
  },
};
window.addEventListener("hashchange", address.start);

// Solved experiments, kept by the browser. It may forbid that, for files above all: then they are kept until a reload.
const ticks = {
  key: "closedbook lab: solved",
  solved: new Set(),
  load() {
    try {
      const kept = (localStorage.getItem(ticks.key) || "").split(" ");
      kept.filter((name) => experiments.has(name)).forEach((name) => ticks.solved.add(name));
    } catch { /* forbidden */ }
  },
  add(name) {
    ticks.solved.add(name);
    try { localStorage.setItem(ticks.key, [...ticks.solved].join(" ")); } catch { /* forbidden */ }
    ticks.show();
  },
  show() {
    if (!ticks.solved.size) ticks.load();
    for (const tick of document.querySelectorAll("[data-tick]")) tick.hidden = !ticks.solved.has(tick.dataset.tick);
  },
};

// What the page shows without JavaScript: pictures and numbers at the state in `data-static`, by experiment and name
function stills() {
  const read = ({ section }) => [
    ...[...section.querySelectorAll("figure:not(.live-figure) svg[data-figure]")]
      .map((svg) => [svg.dataset.figure, svg.querySelector(".layer").innerHTML]),
    ...[...section.querySelectorAll("[data-n]")].map((one) => [one.dataset.n, one.innerHTML]),
  ];
  const whole = (list) => list.replace(/\d+\.\d+/g, (number) => Math.round(number));
  const closed = (end) => (/circle|line|rect|poly|path/.test(end) ? "/>" : end);
  const lengths = / (points|d|[xyr][12]?|c[xy]|width|height)="[^"]*"/g;
  const shortened = (drawn) => drawn.replace(lengths, whole).replace(/><\/\w+>/g, closed);
  return Object.fromEntries([...experiments.values()].map((view) => {
    view.reset();
    view.put(Object.fromEntries(new URLSearchParams(view.section.dataset.static)));
    view.show();
    return [view.name, Object.fromEntries(read(view).map(([name, drawn]) => [name, shortened(drawn)]))];
  }));
}
