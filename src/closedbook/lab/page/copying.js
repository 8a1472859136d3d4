"use strict";
{
  const plane = draw.plane(105);
  const arrow = 1 / 12; // q is drawn at a twelfth of its length, so that it fits
  const offsetsOf = (state) => state.offsets.split(",").map(Number);
  const result = (state) => lab.copying({ ...state, offsets: offsetsOf(state) });
  const degrees = ([x, y]) => (Math.atan2(y, x) * 180) / Math.PI;
  const wrapped = (angle) => ((((angle + 180) % 360) + 360) % 360) - 180;
  const shortest = 0.11; // so that a query of length zero still has a handle
  const tip = (state) => lab.onCircle(state.angle).map((part) => part * Math.max(shortest, state.beta * arrow));

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
  const withOffset = (state, i, offset) => {
    const offsets = Array.from({ length: 6 }, (_, j) => offsetsOf(state)[j] || 0);
    offsets[i] = Math.round(offset);
    return { offsets: offsets.some((one) => one) ? offsets.join(",") : "" };
  };
  const query = {
    svg: "keys",
    name: "query q",
    at: (state) => plane.at(tip(state)),
    drag(state, pixels) {
      const vector = plane.from(pixels);
      return { beta: Math.hypot(...vector) / arrow, angle: Math.round(degrees(vector)) };
    },
    keys: (state, right, up) => ({ angle: wrapped(state.angle - 2 * right), beta: state.beta + 0.25 * up }),
    say: (state) => `length ${state.beta}, at ${state.angle} degrees`,
    range: (state) => [-180, 180, state.angle],
  };

  experiment("copying", {
    handles: [query, ...[0, 1, 2, 3, 4, 5].map(key)],
    texts: { offsets: /^(-?\d{1,3}(,-?\d{1,3}){5})?$/ },
    solved: (state) => result(state).error < 0.01,
    draw(state, view) {
      const { keys, values, alpha, c, margin, leak, bound, error } = result(state);
      const [ox, oy] = plane.at([0, 0]);
      view.layer("keys", draw.dot(ox, oy, 105, "rail") + keys.map((vector, i) => {
        const [x, y] = plane.at(vector);
        const [lx, ly] = plane.at(vector.map((part) => part * 1.26));
        const style = draw.hue(i);
        // the thicker the spoke, the more weight the key has
        return `<line x1="${ox}" y1="${oy}" x2="${draw.fixed(x)}" y2="${draw.fixed(y)}" class="spoke ${style}" stroke-width="${draw.fixed(1 + 13 * alpha[i])}"/>` +
          draw.dot(x, y, 6, `fill ${style}`) + draw.text(lx, ly + 5, draw.sub("k", draw.names[i]), `name ${style}`);
      }).join("") + draw.arrow(ox, oy, ...plane.at(tip(state)), "q") +
        draw.text(...plane.at(lab.onCircle(state.angle + 16).map((part) => part * Math.max(0.3, state.beta * arrow * 0.8))), "q", "name m q haloed"));
      view.layer("values", draw.values(plane, values) + draw.line(...plane.at(c), ...plane.at(values[0]), "drop") + draw.output(plane.at(c)));

      const [least, most] = [-4, 12];
      const chart = draw.chart({ x: [least, most], y: [1e-4, 1], log: true });
      const needed = lab.marginNeeded(state.n, 0.01);
      view.layer("curve", chart.axes({
        xTicks: [-4, 0, 4, 8, 12], yTicks: [1e-4, 1e-3, 1e-2, 0.1, 1], xTitle: "margin m", yTitle: "leak",
        format: (tick) => `${100 * tick}%`,
      }) + draw.line(chart.left, chart.Y(0.01), chart.right, chart.Y(0.01), "goal") +
        draw.line(chart.X(needed), chart.Y(0.01), chart.X(needed), chart.bottom, "goal") +
        draw.curve(draw.within(chart, draw.sampled(least, most, 100, (m) => lab.copyingBound(state.n, m))), "line bound") +
        (margin >= least && margin <= most && leak >= 1e-4 ? draw.dot(chart.X(margin), chart.Y(leak), 6, "fill c")
          : draw.text(chart.right, chart.top - 10, `the dot is off the chart`, "title", "end")));
      view.numbers({
        margin: draw.number(margin, 2), leak: draw.percent(leak), bound: draw.percent(bound),
        error: draw.percent(error), needed: draw.number(needed, 2),
      });
    },
  });
}
