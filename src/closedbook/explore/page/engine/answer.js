"use strict";
// Answers, as evaluation/predict.py decodes them: greedy, with the state that the model gives and the probability that
// the answer is right.

const N_TOP = 8;
const LARGEST_LOG_ODDS = 12;

// The answer to a question as it was typed; `begun` are the ids of its first letters, where they are given.
function answerTo(model, typed, switches = {}, begun = []) {
  const { asked, note, error } = model.spelling.asked(typed, model.config.blockSize);
  if (error !== null) return { asked, note, error };
  const prompt = readQuestion(model, asked, switches);
  const written = decode(prompt, { nNew: model.config.longestAnswer, mayBeEmpty: false, begun });
  const [neverRead, told] = abstentions(model.vocabulary, written);
  const confidence = Math.exp(written.logP);
  const probability = calibrated(model.calibration, confidence, neverRead, told);
  const text = oneLine(model.textOf(written.ids));
  const state = neverRead > 0.5 ? "never read" : told > 0.5 ? "known" : "not told";
  return {
    asked,
    note,
    error,
    text,
    ended: written.ended,
    state,
    inWords: state === "known" ? text : unknownInWords(asked, state),
    confidence,
    neverRead,
    told,
    probability,
    mark: probability, // where it stands in the histograms
    isCalibrated: model.calibration !== null,
    questionSteps: prompt.steps,
    letters: written.letters,
  };
}

// What else the model might answer: the greedy answers after the n likeliest first characters, the most probable first.
function alternativesTo(model, typed, n, switches = {}) {
  const { asked, error } = model.spelling.asked(typed, model.config.blockSize);
  if (error !== null) return [];
  const prompt = readQuestion(model, asked, switches);
  const first = logSoftmax(prompt.steps.at(-1).logits);
  const never = new Set([0, MASK_ID, ...model.vocabulary.abstentions]);
  const likeliest = [...first.keys()].filter((id) => !never.has(id)).sort((a, b) => first[b] - first[a]).slice(0, n);
  return likeliest
    .map((id) => {
      const written = decode(goneOn(prompt, id), { nNew: model.config.longestAnswer - 1, mayBeEmpty: true });
      return { text: oneLine(model.textOf([id, ...written.ids])), probability: Math.exp(first[id] + written.logP) };
    })
    .sort((a, b) => b.probability - a.probability);
}

// A question and the MASK after it, read: the state, and a step for each character. The last one is kept, since it is
// asked again with other first letters.
function readQuestion(model, asked, switches) {
  const key = JSON.stringify([asked, switches]);
  if (model.lastRead?.key !== key) {
    const state = model.begin(switches);
    model.lastRead = { key, state, steps: [...model.idsOf(asked), MASK_ID].map((id) => state.feed(id)) };
  }
  return model.lastRead;
}

// A prompt with one more character.
function goneOn({ state, steps }, id) {
  const after = state.copy();
  return { state: after, steps: [...steps, after.feed(id)] };
}

// The most probable next character, up to nNew times after a prompt. `letters` has one entry for each and for the end.
function decode(prompt, { nNew, mayBeEmpty, begun = [] }) {
  const state = prompt.state.copy();
  const { vocabulary, config } = state.model;
  const found = { letters: [], ids: [], logP: 0, ended: false, first: null, ends: null };
  // The model also predicts the character after the last one that it can read.
  const nLeft = Math.min(nNew, config.blockSize - prompt.steps.length + 1);
  let step = prompt.steps.at(-1);
  for (let i = 0; i < nLeft && !found.ended; i++) {
    if (i > 0) step = state.feed(found.ids.at(-1));
    const logP = logSoftmax(step.logits);
    found.first ??= logP.slice();
    const ends = vocabulary.ends.map((id) => logP[id]);
    // An answer ends with the probability of all that can end it together.
    for (const id of [...vocabulary.never, ...vocabulary.ends]) logP[id] = -Infinity;
    if (i > 0 || mayBeEmpty) logP[vocabulary.ends[0]] = Math.log(ends.reduce((sum, value) => sum + Math.exp(value), 0));
    const id = begun[i] ?? logP.reduce((best, value, other) => (value > logP[best] ? other : best), 0);
    found.logP += logP[id];
    found.ended = id === vocabulary.ends[0];
    if (found.ended) found.ends = ends.map(Math.exp);
    else found.ids.push(id);
    found.letters.push({ ...letter(vocabulary, id, logP), top: topOf(vocabulary, logP), step });
  }
  return found;
}

// A character that may come next; the end of the answer has no text.
function letter(vocabulary, id, logP) {
  const isEnd = id === vocabulary.ends[0];
  return { id, text: isEnd ? "" : vocabulary.decode([id]), isEnd, p: Math.exp(logP[id]) };
}

function topOf(vocabulary, logP) {
  const order = [...logP.keys()].filter((id) => logP[id] > -Infinity).sort((a, b) => logP[b] - logP[a]);
  return order.slice(0, N_TOP).map((id) => letter(vocabulary, id, logP));
}

// The probability that nothing was read about the name, and how sure the open-book reader was, as the model recalls it.
function abstentions({ neverRead, levels }, { first, ends }) {
  if (neverRead === null || first === null) return [0, 1];
  const unread = Math.exp(first[neverRead]);
  if (ends === null) return [unread, 1];
  const total = ends.reduce((sum, p) => sum + p, 0);
  return [unread, ends.reduce((sum, p, i) => sum + (p / total) * levels[i], 0)];
}

// As evaluation/calibration.py; the model's own confidence where the run has no calibration.
function calibrated(calibration, confidence, neverRead, told) {
  if (calibration === null) return confidence;
  const { bias, ofConfidence, ofTold } = calibration;
  const x = bias + ofConfidence * logOdds(confidence, 1 - neverRead) + ofTold * logOdds(told, 1);
  return (1 - neverRead) / (1 + Math.exp(-Math.min(30, Math.max(-30, x))));
}

function logOdds(p, of) {
  const odds = Math.log(p) - Math.log(Math.max(of - p, 0));
  return Math.min(LARGEST_LOG_ODDS, Math.max(-LARGEST_LOG_ODDS, odds));
}

function oneLine(text) {
  return text.split(SPACES).filter(Boolean).join(" ");
}

// Why a question has no answer, as evaluation/unknown.py says it.
function unknownInWords(question, state) {
  const whom = whomOf(question);
  if (state === "never read") return `unknown: nothing read about ${whom}`;
  return `unknown: what was read about ${whom} does not say`;
}

const PARTICLES = new Set("van von der den de del di da du la le al bin ibn y".split(" "));

// The longest run of capitalized words, the question's first word alone aside.
function whomOf(question) {
  const words = question.split(SPACES).filter(Boolean);
  const runs = [[]];
  for (const word of words) {
    if (/^\p{Lu}/u.test(word) || (runs.at(-1).length && PARTICLES.has(word))) runs.at(-1).push(word);
    else runs.push([]);
  }
  const isFirstWord = (run) => run.length === 1 && run[0] === words[0];
  const named = runs.filter((run) => run.length && !isFirstWord(run));
  const names = named.map((run) => run.join(" ").replace(/[?!.,;:]+$/, ""));
  const longest = names.reduce((before, name) => ([...name].length > [...before].length ? name : before), "");
  return longest || `whom “${question}” names`;
}
