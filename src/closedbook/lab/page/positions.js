"use strict";
{
  const words = ["dog", "bites", "man"];
  const styles = ["a", "rest", "b"];
  const orders = [[0, 1, 2], [2, 1, 0]];
  const both = ({ kind, shift }) => orders.map((order) => lab.positions({ kind, shift, order }));
  const apart = (state) => lab.distance(...both(state).map(({ c }) => c));
  const moved = (state) => lab.distance(both(state)[0].c, both({ ...state, shift: 0 })[0].c);
  // Pixels per unit: the longest of all vectors of this kind fits into the picture
  const units = {};
  const unitOf = (kind) => {
    const found = Array.from({ length: 21 }, (_, shift) => both({ kind, shift })).flat();
    const vectors = found.flatMap(({ keys, query }) => [...keys, query.map((part) => part / lab.sentence.scale)]);
    return (units[kind] ??= Math.min(100, 112 / Math.max(...vectors.map((vector) => Math.hypot(...vector)))));
  };

  const drawKeys = (state, view, { keys, query }, order) => {
    const plane = draw.plane(unitOf(state.kind));
    const [ox, oy] = plane.at([0, 0]);
    const arrow = (vector, style, label) => {
      const length = Math.hypot(...vector) || 1;
      const beyond = plane.unit * length + 20;
      return draw.arrow(ox, oy, ...plane.at(vector), style) +
        draw.text(ox + (vector[0] / length) * beyond, oy - (vector[1] / length) * beyond + 5, label,
          `name haloed ${style}`);
    };
    view.layer("keys", draw.dot(ox, oy, plane.unit * Math.hypot(...lab.sentence.query), "rail") +
      keys.map((key, i) => arrow(key, styles[order[i]], words[order[i]])).join("") +
      arrow(query.map((part) => part / lab.sentence.scale), "q", '<tspan class="m">q</tspan>'),
    `Keys of ${order.map((word) => words[word]).join(" ")}, positions: ${state.kind}, shifted by ${state.shift}`);
  };
  const drawValues = (state, view, original, swapped, shown) => {
    const plane = draw.plane(115, [160, 175]);
    view.layer("values", draw.shape(original.values.map(plane.at), "hull") + original.values.map((value, i) =>
      draw.mark(...plane.at(value), styles[i]) +
      draw.text(plane.at(value)[0], plane.at(value)[1] + (i === 0 ? -14 : 24), words[i],
        `name ${styles[i]}`)).join("") +
      draw.dot(...plane.at((view.phase === "shown" ? original : swapped).c), 0.1 * plane.unit, "target") +
        draw.output(plane.at(shown.c)),
    `The outputs of both orders are ${draw.number(apart(state), 2)} apart`);
  };
  const drawCurve = (state, view, original) => {
    const chart = draw.chart({ x: [0, 20], y: [0, 1], top: 14 });
    const weightOfDog = (shift) => lab.positions({ kind: state.kind, shift, order: orders[0] }).alpha[0];
    const weights = draw.sampled(0, 20, 20, weightOfDog);
    view.layer("curve", chart.axes({
      xTicks: [0, 5, 10, 15, 20], yTicks: [0, 0.5, 1], xTitle: "shift into the text",
      format: (tick) => `${100 * tick}%`,
    }) + draw.curve(weights.map(([x, y]) => [chart.X(x), chart.Y(y)]), "line theory") +
      weights.map(([x, y]) => draw.dot(chart.X(x), chart.Y(y), 2.5, "fill theory")).join("") +
      draw.dot(chart.X(state.shift), chart.Y(original.alpha[0]), 6, "fill c"),
    `The weight of dog is ${draw.percent(original.alpha[0])} at a shift of ${state.shift}`);
  };

  experiment("positions", {
    played: { to: {}, seconds: 3 },
    goal(state) {
      const [distance, shifted] = [apart(state), moved(state)];
      const solved = state.shift >= 5 && distance > 0.1 && shifted < 1e-9;
      const still = state.shift < 5 ? " (shift by 5 or more)" : "";
      return { now: { apart: draw.number(distance, 2), moved: draw.number(shifted, 2) + still }, solved };
    },
    draw(state, view) {
      const [original, swapped] = both(state);
      // While the prediction is played, the two words are swapped half-way
      const isSwapped = view.phase === "shown" && view.progress > 0.5;
      const [shown, order] = isSwapped ? [swapped, orders[1]] : [original, orders[0]];
      drawKeys(state, view, shown, order);
      drawValues(state, view, original, swapped, shown);
      drawCurve(state, view, original);
      view.table("row", {
        caption: `“${order.map((word) => words[word]).join(" ")}”`,
        rows: order.map((word, i) => ({
          name: words[word], style: styles[word], score: shown.logits[i], weight: shown.alpha[i],
        })),
        c: draw.sum(order.map((word, i) => [shown.alpha[i], words[word]])),
      });
    },
  });
}
