// Labelling: one answer at a time. A label is stored before the next answer is shown, and that is there already.
import { api, renew, serves, tell } from "./app.js";

const place = document.getElementById("labelling");
const at = (id) => document.getElementById(id);
const run = `/runs/${place.dataset.run}`;
const criteria = JSON.parse(place.dataset.criteria).map(([id, question, mayNotApply]) => ({ id, question, mayNotApply }));
const WORDS = { y: "YES", n: "NO", a: "NA", u: "CANNOT_ASSESS" };
const SAID = { YES: "yes", NO: "no", NA: "does not apply", CANNOT_ASSESS: "cannot tell" };
const ENOUGH_TO_TELL = 10; // labels before the time that is left is estimated
const QUICKEST = 3; // seconds in which an answer can be read
const PAUSE = 300; // seconds: a longer time is a pause, and no pace

// What was labelled stands before `now`, what is left from there on.
const order = [...JSON.parse(place.dataset.done), ...JSON.parse(place.dataset.left)];
const numbers = new Map(order.map((id, at) => [id, at + 1])); // one that is skipped keeps its number
const labelled = new Set(JSON.parse(place.dataset.done));
const cards = new Map();
const paces = [];
let now = labelled.size;
let card = null;
let question = 0;
let shownAt = 0;
let busy = false;
let begun = Promise.resolve();

function fetched(id) {
  if (!cards.has(id)) {
    const asked = api("GET", `${run}/labels/cards/${id}?${place.dataset.query}`);
    asked.catch(() => cards.delete(id));
    cards.set(id, asked);
  }
  return cards.get(id);
}

async function show({ focus = true } = {}) {
  const over = now >= order.length;
  at("card").hidden = at("asked").hidden = over;
  at("finished").hidden = !over;
  if (at("enough")) at("enough").hidden = over;
  count();
  if (over) { finish(); return; }
  const id = order[now];
  try {
    card = await fetched(id);
  } catch (error) {
    tell(error.message, true);
    return;
  }
  at("card-head").textContent = `Answer ${numbers.get(id)} of ${order.length}`;
  at("card-place").textContent = card.place;
  at("card-message").textContent = card.message;
  at("card-answer").textContent = card.answer;
  at("reason").value = card.note;
  reason(Boolean(card.note));
  question = Math.max(0, criteria.findIndex((one) => !(one.id in card.given)));
  ask();
  shownAt = Date.now();
  if (focus) {
    at("card-head").focus({ preventScroll: true });
    at("pace").scrollIntoView({ block: "start" });
  }
  if (now + 1 < order.length) fetched(order[now + 1]).catch(() => {});
}

function ask() {
  const said = at("card-said");
  said.hidden = !card.labelled;
  let given = null;
  if (criteria.length) {
    const one = criteria[question];
    at("criterion").textContent = `${one.id} (${question + 1} of ${criteria.length}) ${one.question}`;
    at("not-applicable").disabled = !one.mayNotApply;
    given = Object.entries(WORDS).find(([, word]) => word === card.given[one.id])?.[0];
    said.textContent = given ? `You said: ${SAID[card.given[one.id]]}.` : "";
  } else if (card.labelled) {
    given = card.passed === true ? "p" : card.passed === false ? "f" : "u";
    said.textContent = `You said: ${{ p: "pass", f: "fail", u: "cannot tell" }[given]}.`;
  }
  for (const button of at("asked").querySelectorAll(".big")) button.classList.toggle("given", button.dataset.key === given);
}

function count() {
  const left = order.length - labelled.size;
  at("done-bar").value = labelled.size;
  at("counts").textContent = `${labelled.size} of ${order.length} labelled, ${left} left`;
  at("time-left").textContent = timeLeft(left);
}

function timeLeft(left) {
  if (paces.length < ENOUGH_TO_TELL || !left) return "";
  const sorted = [...paces].sort((a, b) => a - b);
  const seconds = Math.max(QUICKEST, sorted[Math.floor(sorted.length / 2)]) * left;
  const minutes = Math.round(seconds / 60);
  return seconds < 60 ? "less than a minute" : `about ${minutes} minute${minutes === 1 ? "" : "s"}`;
}

async function keep(passed) {
  const said = { role: place.dataset.role, scenario_id: card.scenario_id, note: at("reason").value.trim() };
  if (place.dataset.by) said.by = place.dataset.by;
  if (criteria.length) said.verdicts = card.given; else said.passed = passed;
  const label = await api("POST", `/api${run}/labels`, said);
  card = { ...card, labelled: true, passed: label.passed, note: label.note };
  cards.set(card.scenario_id, Promise.resolve(card));
}

async function verdict(key) {
  const before = card;
  if (criteria.length) {
    const one = criteria[question];
    if (key === "a" && !one.mayNotApply) return;
    card = { ...card, given: { ...card.given, [one.id]: WORDS[key] } };
  }
  try {
    await keep({ p: true, f: false }[key] ?? null);
  } catch (error) {
    card = before;
    tell(`${error.message} This label is not stored.`, true);
    return;
  }
  tell("");
  if (criteria.length && question + 1 < criteria.length) { question += 1; ask(); return; }
  const seconds = (Date.now() - shownAt) / 1000;
  if (!labelled.has(card.scenario_id) && seconds < PAUSE) paces.push(seconds);
  labelled.add(card.scenario_id);
  now += 1;
  refreshAgreement();
  await show();
}

async function back() {
  if (now < order.length && criteria.length && question > 0) { question -= 1; ask(); return; }
  if (now === 0) { tell("This is the first one."); return; }
  now -= 1;
  await show();
  if (criteria.length) { question = criteria.length - 1; ask(); }
}

async function skip() {
  const rest = order.slice(now + 1).some((id) => !labelled.has(id));
  if (labelled.has(order[now])) now += 1;
  else if (rest) order.push(...order.splice(now, 1));
  else tell("This is the last one that is left.");
  await show();
}

function reason(open) {
  at("reason-box").hidden = !open;
  at("reason-button").setAttribute("aria-expanded", String(open));
}

function finish() {
  at("finished-head").focus();
  const told = at("agreement");
  if (!told) return;
  withDisagreements();
  at("why-folded").hidden = true;
  if (told.open) renew(at("agreement-part"), 0);
  told.open = true;
}

function refreshAgreement() {
  const told = at("agreement");
  if (told && labelled.size >= 30) withDisagreements();
  if (told?.open) renew(at("agreement-part"));
}

function withDisagreements() {
  const part = at("agreement-part");
  if (!part.dataset.part.includes("disagreements")) part.dataset.part += "&disagreements=true";
}

async function act(key) {
  if (busy) return;
  const over = now >= order.length;
  if (over && key !== "b") return;
  working(true);
  try {
    await begun;
    if (key === "b") await back();
    else if (key === "s") await skip();
    else if (key === "r") { reason(true); at("reason").focus(); }
    else if (card) await verdict(key);
  } finally {
    working(false);
  }
}

/** A key that comes while the last one is at work is not taken: it would label an answer that nobody has seen. */
function working(yes) {
  busy = yes;
  place.setAttribute("aria-busy", String(yes));
}

serves("[data-key]");
place.addEventListener("click", (clicked) => {
  const button = clicked.target.closest("[data-key]");
  if (button && !button.disabled) act(button.dataset.key);
});

document.addEventListener("keydown", (pressed) => {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || pressed.repeat) return;
  if (pressed.target === at("reason")) {
    if (pressed.key === "Escape" || (pressed.key === "Enter" && !pressed.shiftKey)) {
      pressed.preventDefault();
      at("card-head").focus({ preventScroll: true });
    }
    return;
  }
  if (pressed.target.closest("input:not([type=checkbox]), textarea, select, dialog") || !at("keys").checked) return;
  const key = pressed.key.toLowerCase();
  if (!place.querySelector(`[data-key="${CSS.escape(key)}"]`)) return;
  pressed.preventDefault();
  act(key);
});

at("agreement")?.addEventListener("toggle", () => { if (at("agreement").open) renew(at("agreement-part"), 0); });

const remembered = (() => { try { return localStorage.getItem("label-keys"); } catch { return null; } })();
at("keys").checked = remembered !== "off";
const useKeys = () => document.body.classList.toggle("no-keys", !at("keys").checked);
at("keys").addEventListener("change", () => {
  useKeys();
  try { localStorage.setItem("label-keys", at("keys").checked ? "on" : "off"); } catch { /* it lasts for this page */ }
});
useKeys();
if (order.length > now) begun = show({ focus: false });
else if (at("agreement")?.open) renew(at("agreement-part"), 0);
begun.then(() => working(busy));
