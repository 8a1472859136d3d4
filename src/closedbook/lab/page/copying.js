"use strict";
{
  const plane = draw.plane(105);
  const shrunk = 1 / 12; // q is drawn at a twelfth of its length, so that it fits
  const shortest = 0.11; // so that a query of length zero still has a handle
  const offsetsOf = (state) => state.offsets.split(",").map(Number);
  const result = (state) => lab.copying({ ...state, offsets: offsetsOf(state) });
  const degrees = ([x, y]) => (Math.atan2(y, x) * 180) / Math.PI;
  const wrapped = (angle) => ((((angle + 180) % 360) + 360) % 360) - 180;
  const tip = (state) => lab.onCircle(state.angle).map((part) => part * Math.max(shortest, state.beta * shrunk));
  const words = ["Where", "was", "Mele", "born", "?"];
  const meanings = ["asks for a place", "in the past", "Mele", "about a birth", "the question ends"];

  const withOffset = (state, i, offset) => {
    const offsets = Array.from({ length: 6 }, (_, j) => offsetsOf(state)[j] || 0);
    offsets[i] = Math.round(offset);
    return { offsets: offsets.some((one) => one) ? offsets.join(",") : "" };
  };
  const key = (i) => ({
    svg: "keys",
    name: `key ${draw.names[i]}`,
    hidden: (state) => i >= state.n,
    at: (state) => plane.at(result(state).keys[i]),
    drag: (state, pixels) => withOffset(state, i, wrapped(degrees(plane.from(pixels)) - (360 * i) / state.n)),
    keys: (state, right, up) => withOffset(state, i, (offsetsOf(state)[i] || 0) - 2 * right + 2 * up),
    say: (state) => `at ${Math.round(wrapped(degrees(result(state).keys[i])))} degrees`,
    range: (state) => [-180, 180, Math.round(wrapped(degrees(result(state).keys[i])))],
  });
  const query = {
    svg: "keys",
    name: "query q",
    at: (state) => plane.at(tip(state)),
    drag(state, pixels) {
      const vector = plane.from(pixels);
      return { beta: Math.hypot(...vector) / shrunk, angle: Math.round(degrees(vector)) };
    },
    keys: (state, right, up) => ({ angle: wrapped(state.angle - 2 * right), beta: state.beta + 0.25 * up }),
    say: (state) => `length ${state.beta}, at ${state.angle} degrees`,
    range: (state) => [-180, 180, state.angle],
  };

  const drawWords = (state, view) => {
    const scores = words.map((_, i) => state[`word${i}`]);
    const alpha = lab.softmax(scores);
    const highest = Math.max(...scores);
    const cells = words.map((_, i) => [
      [`exp${i}`, draw.meter(Math.exp(scores[i] - highest), draw.anySize(Math.exp(scores[i])))],
      [`weight${i}`, draw.meter(alpha[i], draw.percent(alpha[i]))],
    ]);
    const most = [...meanings.keys()].sort((i, j) => alpha[j] - alpha[i]);
    view.numbers({
      ...Object.fromEntries(cells.flat()), mele: draw.percent(alpha[2]) + (alpha[2] >= 0.95 ? " ✓" : ""),
      said: draw.sum(most.map((i) => [alpha[i], `“${meanings[i]}”`])),
    });
  };
  const drawKeys = (state, view, { keys, alpha }) => {
    const [ox, oy] = plane.at([0, 0]);
    const spokes = keys.map((vector, i) => {
      const [x, y] = plane.at(vector);
      const [lx, ly] = plane.at(vector.map((part) => part * 1.26));
      // the thicker the spoke, the more weight the key has
      const spoke = draw.line(ox, oy, x, y, `spoke ${draw.hue(i)}`);
      return `<g stroke-width="${draw.fixed(1 + 13 * alpha[i])}">${spoke}</g>` + draw.mark(x, y, draw.hue(i)) +
        draw.text(lx, ly + 5, draw.sub("k", draw.names[i]), `name ${draw.hue(i)}`);
    });
    const labelled = Math.max(0.3, state.beta * shrunk * 0.8);
    const label = plane.at(lab.onCircle(state.angle + 16).map((part) => part * labelled));
    const best = alpha.indexOf(Math.max(...alpha));
    view.layer("keys", draw.dot(ox, oy, 105, "rail") + spokes.join("") +
      draw.arrow(ox, oy, ...plane.at(tip(state)), "q") +
      draw.text(...label, "q", "name m q haloed"),
    `Keys on a circle; q has length ${state.beta} and points at ${state.angle} degrees; ` +
      `key ${draw.names[best]} gets ${draw.percent(alpha[best])}`);
  };
  const drawValues = (view, { values, c, error }) => {
    view.layer("values", draw.values(plane, values) + draw.dot(...plane.at(values[0]), 11, "target") +
      draw.line(...plane.at(c), ...plane.at(values[0]), "drop") + draw.output(plane.at(c)),
    `Values; c is ${draw.percent(error)} of the way to the farthest value away from v a`);
  };
  const drawBound = (state, view, { margin, leak, bound }) => {
    const [least, most] = [-4, 12];
    const chart = draw.chart({ x: [least, most], y: [1e-4, 1], log: true });
    const onChart = margin >= least && margin <= most && leak >= 1e-4;
    view.layer("curve", chart.axes({
      xTicks: [-4, 0, 4, 8, 12], yTicks: [1e-4, 1e-3, 1e-2, 0.1, 1], xTitle: "margin m", yTitle: "leak",
      format: (tick) => `${100 * tick}%`,
    }) + draw.curve(draw.within(chart, draw.sampled(least, most, 100, (m) => lab.copyingBound(state.n, m))),
      "line bound") +
      (onChart ? draw.dot(chart.X(margin), chart.Y(leak), 6, "fill c")
        : draw.text(chart.right, chart.top - 10, "your dot is off the chart", "title", "end")),
    "The bound on the leak falls as a straight line on a logarithmic scale; " +
      `at your margin of ${draw.number(margin, 1)} the leak is ${draw.percent(leak)}`);
    view.numbers({ margin: draw.number(margin, 2), leak: draw.percent(leak), bound: draw.percent(bound) });
  };

  experiment("copying", {
    handles: [query, ...[0, 1, 2, 3, 4, 5].map(key)],
    texts: { offsets: /^-?\d{1,3}(,-?\d{1,3}){5}$/ },
    played: { from: { beta: 1, angle: 0, n: 5 }, to: { beta: 12, angle: 0, n: 5 }, seconds: 4 },
    goal(state) {
      const { error } = result(state);
      return { now: { goal: draw.percent(error) }, solved: error < 0.01 };
    },
    draw(state, view) {
      const found = result(state);
      drawWords(state, view);
      drawKeys(state, view, found);
      drawValues(view, found);
      drawBound(state, view, found);
      view.table("row", {
        rows: found.alpha.map((weight, i) => ({
          name: draw.index("k", draw.names[i]), style: draw.hue(i), score: found.logits[i], weight,
        })),
        c: draw.sum(found.alpha.map((weight, i) => [weight, draw.index("v", draw.names[i])])),
      });
    },
  });
}
