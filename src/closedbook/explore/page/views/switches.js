"use strict";
// Switches: tables, single heads, and beta, by which all scores are multiplied; the answers before and now.
{
  const slider = `<label class="slider"><span><strong>Scores times β</strong>, the lab's β in a real model: before the
    softmax, every score of every head is multiplied by it. At 0 each head reads everything alike; the larger β, the
    more it reads the one key with the highest score.</span>
    <input type="range" id="beta" min="0" max="4" step="0.1"><output id="beta-now"></output></label>`;
  const tables = `<label class="switch"><input type="checkbox" id="tables"><span><strong>Lookup tables</strong>: the
    rows of words and names are added. With this off the model gets the letters alone.</span></label>`;

  const box = ({ name, block, head }) =>
    `<label><input type="checkbox" data-head="${name}" aria-label="block ${block + 1}, head ${head + 1}"> ` +
    `${head + 1}</label>`;
  const rowOfHeads = (kind, block, { length }) =>
    `<fieldset><legend>Heads${length > 1 ? ` of block ${block + 1}` : ""}</legend>` +
    `${explorer.heads.filter((one) => one.block === block).map(box).join("")}</fieldset>`;

  function inWords({ tables: hasTables, beta, off }) {
    return [!hasTables && "tables off", beta !== 1 && `scores times ${beta}`,
      off.length && `${counted(off.length, "head")} off`].filter(Boolean).join(", ");
  }

  function column(title, answer) {
    const would = answer.state === "known" ? ""
      : `<p>What it would write: <strong dir="auto">${safe(answer.text)}</strong></p>`;
    return `<div><h3>${title}</h3><p class="says" dir="auto">${safe(answer.inWords || "(only blanks)")}</p>${would}` +
      `<p class="measure">${bar(answer.probability)}<strong>${percent(answer.probability)}</strong></p></div>`;
  }

  function showControls(state) {
    if (by("tables")) by("tables").checked = state.tables;
    by("beta").value = state.beta;
    by("beta-now").textContent = Number(state.beta).toFixed(1);
    by("beta").setAttribute("aria-valuetext", `scores times ${Number(state.beta).toFixed(1)}`);
    for (const one of by("controls").querySelectorAll("[data-head]")) {
      one.checked = !state.off.includes(one.dataset.head);
    }
    by("all-on").disabled = !explorer.isSwitched();
  }

  explorer.views.push({
    begin(book) {
      by("controls").innerHTML = (book.parameters.tables ? tables : "") + slider + book.kinds.map(rowOfHeads).join("") +
        '<p><button type="button" class="quiet" id="all-on">All as it was</button></p>';
      by("controls").addEventListener("input", () => {
        const boxes = [...by("controls").querySelectorAll("[data-head]")];
        explorer.set({
          tables: by("tables")?.checked ?? true,
          beta: Number(by("beta").value),
          off: boxes.filter((box) => !box.checked).map((box) => box.dataset.head),
        });
      });
      by("all-on").addEventListener("click", () => {
        explorer.set({ tables: true, beta: 1, off: [] });
        by("beta").focus();
      });
    },
    clear(state) {
      showControls(state);
      fill("compared", '<p class="state">Ask a question, and its answers before and after are compared here.</p>');
    },
    show(state, { plain, now }) {
      showControls(state);
      const begun = state.begun && `, begun with your letters “${safe(state.begun)}”`;
      fill("compared", column("Before", plain) + column(`Now: ${inWords(state) || "nothing switched"}${begun}`, now));
    },
  });
  explorer.switchesInWords = inWords;
  explorer.withSwitches = () => (explorer.isSwitched() ? ` with ${inWords(explorer.state)}` : "");
}
