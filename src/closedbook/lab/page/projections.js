"use strict";
{
  const wanted = [[0, 1, -1, 0], [0, 1, 0, 0]];
  const result = (state) => lab.projections({
    scale: state.scale, queryAxes: [state.query1, state.query2, -1], kept: [state.keep0, state.keep1, state.keep2, state.keep3],
  });
  const farthest = ({ c }) => Math.max(...wanted.map((goal, i) => lab.distance(goal, c[i])));
  const asSum = (vector) => {
    const terms = vector.map((part, i) => [part, "abcd"[i]]).filter(([part]) => Math.abs(part) >= 0.005);
    const sum = terms.map(([part, name], i) => {
      const sign = part < 0 ? (i ? " − " : "−") : i ? " + " : "";
      return `${sign}${Math.abs(part).toFixed(2)} u<sub>${name}</sub>`;
    });
    return sum.join("") || "nothing";
  };

  experiment("projections", {
    solved: (state) => farthest(result(state)) < 0.02,
    draw(state, view) {
      const { alpha, c } = result(state);
      const cells = alpha.flatMap((row, i) => row.map((weight, j) => {
        const [x, y] = [66 + 82 * j, 40 + 70 * i];
        return `<rect x="${x}" y="${y}" width="78" height="66" rx="5" class="cell" fill-opacity="${draw.fixed(0.06 + 0.94 * weight)}"/>` +
          draw.text(x + 39, y + 38, draw.percent(weight), weight > 0.45 ? "name inverse" : "name");
      }));
      const heading = (i) => draw.text(105 + 82 * i, 28, draw.sub("x", i + 1), "name") + draw.text(38, 78 + 70 * i, draw.sub("x", i + 1), "name");
      view.layer("weights", [0, 1, 2].map(heading).join("") + cells.join(""));

      // Each token has a frame with its own axis, from -1 to 1, and its names of the directions
      const bars = [0, 1].map((token) => {
        const zero = 56 + 128 * token;
        return `<g data-token="${token + 1}">${draw.box(44, zero - 50, 272, 118, "frame")}` +
          draw.line(44, zero, 316, zero, "axis") + draw.text(22, zero + 5, draw.sub("c", token + 1), "name") +
          c[token].map((part, i) => {
            const x = 62 + 64 * i;
            const goal = zero - 40 * wanted[token][i];
            return draw.box(x, part > 0 ? zero - 40 * part : zero, 34, 40 * Math.abs(part), "bar") +
              draw.line(x - 6, goal, x + 40, goal, "goal") + draw.text(x + 17, zero + 59, draw.sub("u", "abcd"[i]), "tick");
          }).join("") + "</g>";
      });
      view.layer("outputs", bars.join(""));
      view.numbers({ first: asSum(c[0]), second: asSum(c[1]), error: draw.number(farthest({ c }), 3) });
    },
  });
}
