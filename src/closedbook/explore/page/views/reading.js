"use strict";
// Who reads what: each head's attention while one letter is written, and the rows that the tables have.
{
  const nShown = 3;
  const mask = "⁇";
  const withoutBlanks = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}]/u; // scripts
  const part = { self: "self-attention", down: "down to the latents", up: "up from the latents" };

  // The characters that the model has read before it writes letter i: the question, the mask, the answer so far
  const readBefore = ({ asked, letters }, i) => [...asked, mask, ...letters.slice(0, i).map((one) => one.text)];

  // What a latent ends with: the characters after those that the latent before it has read
  const segmentOf = ({ latent, to }, keys, characters) => {
    const before = keys.find((key) => key.latent === latent - 1);
    return characters.slice(before ? before.to + 1 : 0, to + 1);
  };

  // What a key is called in words: “r” of Vader; a latent with what it ends with
  function keyInWords(key, keys, characters) {
    if ("latent" in key) return `latent ${key.latent + 1}, up to “${segmentOf(key, keys, characters).join("")}”`;
    const sign = characters[key.at];
    if (sign === mask) return `${mask}, the mask that ends the question`;
    if (sign === " ") return `the blank after “${wordAt(characters, key.at - 1)}”`;
    const word = wordAt(characters, key.at);
    return word === sign ? `“${sign}”` : `“${sign}” of ${word}`;
  }
  // The word around a position, or the character itself where a script has no blanks
  function wordAt(characters, at) {
    const isInside = (sign) => /^[\p{L}\p{M}\p{N}'’-]$/u.test(sign ?? "");
    if (!isInside(characters[at]) || withoutBlanks.test(characters[at])) return characters[at];
    let [from, to] = [at, at];
    while (isInside(characters[from - 1])) from -= 1;
    while (isInside(characters[to])) to += 1;
    return characters.slice(from, to).join("");
  }

  // One column for each key, its height relative to the head's largest weight. Latents come first; the columns of a
  // word are together, so that lines break between words.
  function strip(keys, weights, characters, ranks) {
    const words = [""];
    const most = Math.max(...weights);
    const order = [...keys.keys()].sort((i, j) => (keys[i].latent ?? Infinity) - (keys[j].latent ?? Infinity) || i - j);
    for (const i of order) {
      const isLatent = "latent" in keys[i];
      const signs = isLatent ? segmentOf(keys[i], keys, characters) : [characters[keys[i].at]];
      const style = isLatent ? "latent" : signs[0] === mask ? "special" : "";
      const rank = ranks.has(i) ? `<b>${ranks.get(i)}</b>` : "";
      words[words.length - 1] += `<span class="key ${style}${rank && " most"}"><span class="rise">` +
        `<i style="height:${((100 * weights[i]) / most).toFixed(2)}%"></i>${rank}</span>` +
        `<span class="sign">${signs.map((sign) => safe(visible(sign))).join("")}</span></span>`;
      if (isLatent || signs[0] === " ") words.push("");
    }
    return words.filter(Boolean).map((word) => `<span class="word">${word}</span>`).join("");
  }

  function head({ block, head: number, keys, weights }, characters) {
    const largest = [...weights.keys()].sort((i, j) => weights[j] - weights[i]).slice(0, nShown);
    const order = largest.filter((i) => weights[i] > 0.005);
    const ranks = new Map(order.map((i, rank) => [i, rank + 1]));
    const list = order.map((i) =>
      `<li><strong>${percent(weights[i])}</strong> ${safe(keyInWords(keys[i], keys, characters))}</li>`).join("");
    const isOff = explorer.state.off.includes(`${block}.${number}`);
    return `<figure class="head"><h3>Head ${number + 1}${isOff ? " (off: what it reads is not passed on)" : ""}</h3>` +
      `<div class="strip" dir="auto" aria-hidden="true">${strip(keys, weights, characters, ranks)}</div>` +
      `<ol>${list}</ol></figure>`;
  }

  // The words of what was read, each with whether the tables have it: [{ before, text, unknownFrom, isAlone, names }].
  // Characters that are words by themselves, as in scripts without blanks, stand together where the tables have all of
  // them, or none: `before` are those before the last.
  function words(steps) {
    const found = [];
    let isInside = false;
    for (const { rows } of steps) {
      const isRead = rows.prefix !== "outside";
      if (isRead) {
        const isFirst = !isInside || [...rows.text].length === 1;
        const last = found.at(-1);
        const isAlike = isInside && isFirst && (last.unknownFrom === null) === (rows.prefix === "found");
        if (isFirst && !isAlike) found.push({ before: "", text: "", unknownFrom: null, isAlone: false, names: [] });
        if (isAlike) Object.assign(last, { before: last.before + last.text, isAlone: true });
        const word = found.at(-1);
        word.text = rows.text;
        if (rows.prefix === "unknown") word.unknownFrom ??= [...rows.text].at(-1);
      }
      isInside = isRead;
      found.at(-1)?.names.push(...rows.names);
    }
    return found;
  }
  function rowsInWords(steps) {
    if (!steps[0].rows) return "This model has no lookup tables.";
    const found = words(steps);
    const each = found.map(({ before, text, unknownFrom, isAlone }) => {
      const from = isAlone ? "" : ` from the ${safe(unknownFrom)} on`;
      const has = unknownFrom === null ? "yes" : `<strong>unknown</strong>${from}`;
      return `<span dir="auto">${safe(before + text)}</span>: ${has}`;
    });
    const names = [...new Set(found.flatMap((word) => word.names))];
    const whole = names.length ? `Rows for whole names: <strong dir="auto">${names.map(safe).join(", ")}</strong>.`
      : "No row for a whole name was found.";
    return `<strong>In the tables.</strong> ${each.join("; ")}. ${whole}`;
  }

  // The heads of a block at the last of these steps at which it did anything: but for the last block, a Perceiver's run
  // once a latent.
  function headsOf(block, steps) {
    const last = steps.findLast((step) => step.attention.some((one) => one.block === block));
    return last ? last.attention.filter((one) => one.block === block) : [];
  }
  function readerInWords(letter, heads) {
    const writes = `To write <strong>${safe(explorer.inWords(letter))}</strong> (${percent(letter.p)})` +
      explorer.withSwitches();
    if (!heads.length) return `${writes}, this block has done nothing yet: no latent is complete.`;
    const { kind, reader, keys } = heads[0];
    const latent = reader?.latent ?? (kind === "self" ? keys.at(-1).latent : undefined); // the newest reads itself too
    return latent === undefined ? `${writes}, each head reads:`
      : `${writes}, the newest latent is latent ${latent + 1}. In this block it reads:`;
  }

  function show(state, { now }) {
    const letter = now.letters[state.letter];
    const steps = [...now.questionSteps, ...now.letters.slice(1, state.letter + 1).map((one) => one.step)];
    by("rows").innerHTML = !state.tables ? "The tables are switched off: no row is added." : rowsInWords(steps);
    const heads = headsOf(state.block, steps);
    fill("reading-now", readerInWords(letter, heads));
    for (const button of by("blocks").querySelectorAll("input")) button.checked = Number(button.value) === state.block;
    const characters = readBefore(now, state.letter);
    by("heads").innerHTML = heads.map((one) => head(one, characters)).join("");
  }

  explorer.views.push({
    begin({ kinds }) {
      by("blocks").hidden = kinds.length < 2;
      by("blocks").innerHTML = kinds.map((kind, block) =>
        `<label><input type="radio" name="block" value="${block}"> block ${block + 1}, ${part[kind]}</label>`).join("");
      by("blocks").addEventListener("change", (event) => explorer.set({ block: Number(event.target.value) }));
    },
    show,
  });
}
