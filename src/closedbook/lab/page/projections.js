"use strict";
{
  const wanted = [[0, 1, -1, 0], [0, 1, 0, 0]];
  const result = (state, added = 0) => lab.projections({
    scale: state.scale, queryAxes: [state.query1, state.query2, -1],
    kept: [state.keep0, state.keep1, state.keep2, state.keep3], added,
  });
  const farthest = ({ c }) => Math.max(...wanted.map((goal, i) => lab.distance(goal, c[i])));
  const asSum = (vector) => {
    const terms = vector.map((part, i) => [part, "abcd"[i]]).filter(([part]) => Math.abs(part) >= 0.005);
    const sum = terms.map(([part, name], i) => {
      const sign = part < 0 ? (i ? " − " : "−") : i ? " + " : "";
      return `${sign}${Math.abs(part).toFixed(2)}&nbsp;${draw.index("u", name)}`;
    });
    return sum.join("") || "nothing";
  };
  const partsOf = (token) => token.map((part, i) => [part, i]).filter(([part]) => part)
    .map(([part, i]) => `${part === 1 ? "" : part.toFixed(1)}${draw.index("u", "abcd"[i])}`).join(" + ");
  const tables = (view, { tokens, logits, alpha, c }) => [0, 1].forEach((token) => view.table(`row${token + 1}`, {
    caption: `token ${token + 1}, ${draw.index("x", token + 1)} = ${partsOf(tokens[token])}`,
    rows: alpha[token].map((weight, i) => ({
      name: draw.index("x", i + 1), style: "rest", score: logits[token][i], weight,
    })),
    c: asSum(c[token]),
  }));
  // Each token has a frame with its own axis, from -1 to 1, and its names of the directions
  const drawOutputs = (view, c) => {
    const frames = [0, 1].map((token) => {
      const zero = 56 + 128 * token;
      const parts = c[token].map((part, i) => {
        const x = 62 + 64 * i;
        const goal = zero - 40 * wanted[token][i];
        const height = 40 * Math.min(1.2, Math.abs(part));
        return draw.box(x, part > 0 ? zero - height : zero, 34, height, "bar") +
          draw.line(x - 6, goal, x + 40, goal, "goal") + draw.text(x + 17, zero + 59, draw.sub("u", "abcd"[i]), "tick");
      });
      return `<g data-token="${token + 1}">${draw.box(44, zero - 50, 272, 118, "frame")}` +
        draw.line(44, zero, 316, zero, "axis") + draw.text(22, zero + 5, draw.sub("c", token + 1), "name") +
          parts.join("") + "</g>";
    });
    const said = (vector) => vector.map((part, i) => `${draw.number(part, 2)} along u ${"abcd"[i]}`).join(", ");
    view.layer("outputs", frames.join(""), `Token 1 returns ${said(c[0])}; token 2 returns ${said(c[1])}`);
  };

  experiment("projections", {
    played: { to: {}, seconds: 4 },
    goal(state) {
      const error = farthest(result(state));
      return { now: { error: draw.number(error, 2) }, solved: error < 0.02 };
    },
    draw(state, view) {
      // While the prediction is played, u_d is added to token 2
      const found = result(state, view.phase === "shown" ? view.progress : 0);
      tables(view, found);
      drawOutputs(view, found.c);
    },
  });
}
