"use strict";
// The lines of the text that name whom the question names, with the answer marked; or how to make a page with them.
{
  const nShown = 5;
  const without = `<p>This page has no text inside. <code>closedbook explore RUN --out page.html --text</code> makes one
    that has, and then whoever has the file can read the text too.</p>`;

  function marked(line, answer) {
    if (!answer) return safe(line);
    return line.split(answer).map(safe).join(`<mark>${safe(answer)}</mark>`);
  }
  function list(found, answer) {
    const states = found.filter((one) => answer && one.line.includes(answer));
    const shown = [...states, ...found.filter((one) => !states.includes(one))].slice(0, nShown);
    const has = states.length === 1 ? "has" : "have";
    const what = states.length
      ? `${counted(states.length, "line")} about this name ${has} the answer “${safe(answer)}”:`
      : `No line about this name has “${safe(answer)}”. What the text has:`;
    return `<p dir="auto">${what}</p><ol class="lines">${shown.map((one) =>
      `<li><small>line ${one.number}</small> <span dir="auto">${marked(one.line, answer)}</span></li>`).join("")}</ol>`;
  }

  const about = ({ asked, text }) => {
    const found = linesAbout(explorer.book, asked);
    return found.length ? list(found, text) : "<p>No line of the text names whom this question names.</p>";
  };
  const show = (_, { plain, now }) => {
    const inside = now ? about : () => '<p class="state">Lines come here after a question.</p>';
    fill("found-lines", explorer.book.lines ? inside(plain) : without);
  };
  explorer.views.push({ clear: show, show });
}
