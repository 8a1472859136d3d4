"use strict";
{
  const words = ["dog", "bites", "man"];
  const styles = ["a", "rest", "b"];
  const orders = [[0, 1, 2], [2, 1, 0]];
  const both = ({ kind, shift }) => orders.map((order) => lab.positions({ kind, shift, order }));
  const apart = (state) => lab.distance(...both(state).map(({ c }) => c));
  // Pixels per unit: the longest of all vectors of this kind fits into the picture
  const units = {};
  const unitOf = (kind) => {
    const shifts = Array.from({ length: 21 }, (_, shift) => lab.positions({ kind, shift, order: orders[0] }));
    const swapped = shifts.map((_, shift) => lab.positions({ kind, shift, order: orders[1] }));
    const vectors = [...shifts, ...swapped].flatMap(({ keys, query }) => [...keys, query.map((part) => part / lab.sentence.scale)]);
    return (units[kind] ??= Math.min(100, 112 / Math.max(...vectors.map((vector) => Math.hypot(...vector)))));
  };
  const moved = (state) => lab.distance(both(state)[0].c, both({ ...state, shift: 0 })[0].c);

  experiment("positions", {
    solved: (state) => state.shift >= 5 && apart(state) > 0.1 && moved(state) < 1e-9,
    draw(state, view) {
      const [original, swapped] = both(state);
      const { query, scale } = lab.sentence;
      const plane = draw.plane(unitOf(state.kind));
      const [ox, oy] = plane.at([0, 0]);
      const scaled = original.query.map((part) => part / scale);
      const arrow = (vector, style, label) => {
        const length = Math.hypot(...vector) || 1;
        return draw.arrow(ox, oy, ...plane.at(vector), style) +
          draw.text(ox + (vector[0] / length) * (plane.unit * length + 20), oy - (vector[1] / length) * (plane.unit * length + 20) + 5, label, `name haloed ${style}`);
      };
      view.layer("keys", draw.dot(ox, oy, plane.unit * Math.hypot(...query), "rail") +
        original.keys.map((key, i) => arrow(key, styles[i], words[i])).join("") + arrow(scaled, "q", '<tspan class="m">q</tspan>'));

      const values = draw.plane(115, [160, 175]);
      view.layer("values", draw.shape(original.values.map(values.at), "hull") + original.values.map((value, i) =>
        draw.dot(...values.at(value), 6, `fill ${styles[i]}`) +
        draw.text(values.at(value)[0], values.at(value)[1] + (i === 0 ? -14 : 24), words[i], `name ${styles[i]}`)).join("") +
        draw.dot(...values.at(swapped.c), 11, "target") + draw.output(values.at(original.c)));

      const chart = draw.chart({ x: [0, 20], y: [0, 1], top: 14 });
      const weights = draw.sampled(0, 20, 20, (shift) => lab.positions({ kind: state.kind, shift, order: orders[0] }).alpha[0]);
      view.layer("curve", chart.axes({
        xTicks: [0, 5, 10, 15, 20], yTicks: [0, 0.5, 1], xTitle: "shift into the text", format: (tick) => `${100 * tick}%`,
      }) + draw.curve(weights.map(([x, y]) => [chart.X(x), chart.Y(y)]), "line theory") +
        weights.map(([x, y]) => draw.dot(chart.X(x), chart.Y(y), 2.5, "fill theory")).join("") +
        draw.dot(chart.X(state.shift), chart.Y(original.alpha[0]), 6, "fill c"));
      view.numbers({
        first: draw.percent(original.alpha[0]), last: draw.percent(swapped.alpha[2]),
        apart: draw.number(apart(state)), moved: draw.number(moved(state)),
      });
    },
  });
}
