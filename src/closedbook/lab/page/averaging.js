"use strict";
{
  const chart = draw.chart({ x: [0, 12], y: [0, 12], top: 14, bottom: 54 });
  const scaled = (pixels, from, to) => ((pixels - from) / (to - from)) * 12;

  experiment("averaging", {
    handles: [{
      svg: "keys",
      name: "query q",
      at: ({ x, y }) => [chart.X(x), chart.Y(y)],
      drag: (_, [px, py]) => ({ x: scaled(px, chart.left, chart.right), y: scaled(py, chart.bottom, chart.top) }),
      keys: ({ x, y }, right, up) => ({ x: x + 0.25 * right, y: y + 0.25 * up }),
      say: ({ x, y }) => `${x} of key a, ${y} of key b`,
      range: ({ x }) => [0, 12, x],
    }],
    solved: (state) => lab.averaging(state).error < 0.01,
    draw(state, view) {
      const { values, alpha, c, middle, leak, error, errorAt } = lab.averaging(state);
      const ticks = [0, 2, 4, 6, 8, 10, 12];
      const [ox, oy] = [chart.X(0), chart.Y(0)];
      view.layer("keys", chart.axes({ xTicks: ticks, yTicks: ticks, xTitle: "" }) +
        draw.text((ox + chart.right) / 2, 310, `${draw.sub("q · k", "a")}<tspan dy="-4">, the logit of a</tspan>`, "title") +
        draw.text(ox + 8, 20, `${draw.sub("q · k", "b")}<tspan dy="-4">, of b</tspan>`, "title", "start") +
        draw.line(ox, oy, chart.X(12), chart.Y(12), "goal") +
        draw.arrow(ox, oy, chart.X(1), oy, "a") + draw.arrow(ox, oy, ox, chart.Y(1), "b") +
        draw.arrow(ox, oy, chart.X(state.x), chart.Y(state.y), "q") +
        draw.text(chart.X(state.x) - 17, Math.max(20, chart.Y(state.y) - 10), "q", "name m q haloed"));
      const plane = draw.plane(120, [160, 162]);
      view.layer("values", draw.values(plane, values) + draw.dot(...plane.at(middle), 11, "target") +
        draw.line(...plane.at(c), ...plane.at(middle), "drop") + draw.output(plane.at(c)));

      const errors = draw.chart({ x: [0, 12], y: [1e-4, 1], log: true });
      const beta = (state.x + state.y) / 2;
      view.layer("curve", errors.axes({
        xTicks: ticks, yTicks: [1e-4, 1e-3, 1e-2, 0.1, 1], xTitle: "β, the mean of the two logits", yTitle: "distance",
        format: (tick) => `${100 * tick}%`,
      }) + draw.line(errors.left, errors.Y(0.01), errors.right, errors.Y(0.01), "goal") +
        draw.curve(draw.within(errors, draw.sampled(0, 12, 100, errorAt)), "line bound") +
        draw.dot(errors.X(beta), errors.Y(error), 6, "fill c"));
      view.numbers({
        a: draw.percent(alpha[0]), b: draw.percent(alpha[1]), leak: draw.percent(leak), error: draw.percent(error),
        needed: draw.number(lab.betaNeeded(state.n, 0.01), 2),
      });
    },
  });
}
