"use strict";
{
  const chart = draw.chart({ x: [0, 12], y: [0, 12], top: 14, bottom: 54 });
  const scaled = (pixels, from, to) => ((pixels - from) / (to - from)) * 12;
  const ticks = [0, 2, 4, 6, 8, 10, 12];

  const drawKeys = ({ x, y }, view) => {
    const [ox, oy] = [chart.X(0), chart.Y(0)];
    view.layer("keys", chart.axes({ xTicks: ticks, yTicks: ticks, xTitle: "" }) +
      draw.text((ox + chart.right) / 2, 310, "score of a", "title") +
        draw.text(ox + 8, 20, "score of b", "title", "start") +
      draw.arrow(ox, oy, chart.X(1), oy, "a") + draw.arrow(ox, oy, ox, chart.Y(1), "b") +
      draw.text(chart.X(1) + 8, oy - 8, draw.sub("k", "a"), "name a", "start") +
      draw.text(ox + 8, chart.Y(1) - 2, draw.sub("k", "b"), "name b", "start") +
      draw.arrow(ox, oy, chart.X(x), chart.Y(y), "q") +
      draw.text(chart.X(x) - 17, Math.max(20, chart.Y(y) - 10), "q", "name m q haloed"),
    `The query gives key a the score ${x} and key b the score ${y}`);
  };
  const drawValues = (view, { values, middle, c, error }) => {
    const plane = draw.plane(120, [160, 162]);
    view.layer("values", draw.values(plane, values) + draw.dot(...plane.at(middle), 11, "target") +
      draw.line(...plane.at(c), ...plane.at(middle), "drop") + draw.output(plane.at(c)),
    `Values; c is ${draw.percent(error)} away from the average of v a and v b`);
  };
  const drawCurve = ({ x, y, n }, view, { leak, error, errorAt }) => {
    const errors = draw.chart({ x: [0, 12], y: [1e-4, 1], log: true });
    const beta = (x + y) / 2;
    view.layer("curve", errors.axes({
      xTicks: ticks, yTicks: [1e-4, 1e-3, 1e-2, 0.1, 1], xTitle: "β, the mean of both scores", yTitle: "distance",
      format: (tick) => `${100 * tick}%`,
    }) + draw.line(errors.left, errors.Y(0.01), errors.right, errors.Y(0.01), "goal") +
      draw.curve(draw.within(errors, draw.sampled(0, 12, 100, errorAt)), "line bound") +
      draw.dot(errors.X(beta), errors.Y(error), 6, "fill c"),
    "The distance from the average falls exponentially with beta where the scores are tied; " +
      `yours is ${draw.percent(error)}`);
    view.numbers({ leak: draw.percent(leak), needed: draw.number(lab.betaNeeded(n, 0.01), 2) });
  };

  experiment("averaging", {
    handles: [{
      svg: "keys",
      name: "query q",
      at: ({ x, y }) => [chart.X(x), chart.Y(y)],
      drag: (_, [px, py]) => ({ x: scaled(px, chart.left, chart.right), y: scaled(py, chart.bottom, chart.top) }),
      keys: ({ x, y }, right, up) => ({ x: x + 0.25 * right, y: y + 0.25 * up }),
      say: ({ x, y }) => `score ${x} for key a, ${y} for key b`,
      range: ({ x }) => [0, 12, x],
    }],
    played: { from: { x: 8, y: 0, n: 8 }, to: { x: 8, y: 7, n: 8 }, seconds: 4 },
    goal(state) {
      const { error } = lab.averaging(state);
      return { now: { goal: draw.percent(error) }, solved: error < 0.01 };
    },
    draw(state, view) {
      const found = lab.averaging(state);
      drawKeys(state, view);
      drawValues(view, found);
      drawCurve(state, view, found);
      const [a, b, other] = found.alpha;
      view.table("row", {
        rows: [
          { name: draw.index("k", "a"), style: "a", score: state.x, weight: a },
          { name: draw.index("k", "b"), style: "b", score: state.y, weight: b },
          { name: "others", style: "rest", score: 0, weight: other, times: state.n - 2 },
        ],
        c: draw.sum([[a, draw.index("v", "a")], [b, draw.index("v", "b")], [found.leak, "others"]]),
      });
    },
  });
}
