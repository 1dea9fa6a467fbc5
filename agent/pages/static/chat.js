// The conversation: turns as they come, what is typed kept until it is stored, offers that wait for a yes.
import { api, make, ownTimes, whenSeen } from "./core.js";

const panel = document.querySelector("aside.chat");
const turns = panel.querySelector(".turns");
const form = panel.querySelector("form.say");
const box = form.querySelector("textarea");
const problem = form.querySelector(".say-problem");
const chips = panel.querySelector(".suggestions");
const fold = panel.querySelector(".chat-fold");
const news = panel.querySelector(".chat-news");

let thread = panel.dataset.thread || null;
const run = panel.dataset.run || null;
let cursor = "0.0";
let acted = false; // whether this person did something in this page: only then does a new run take them along
const known = new Map(); // turn id → its element

// --- what is kept in this tab until the service has it ---------------------------------------------------

const NAME = { draft: "chat.draft", outbox: "chat.outbox", thread: "chat.thread" };
const place = () => thread ?? (run ? `run ${run}` : "new");
const read = (name, otherwise) => {
  try { return JSON.parse(sessionStorage.getItem(`${name} ${place()}`)) ?? otherwise; } catch { return otherwise; }
};
const keep = (name, value) => {
  try {
    if (value === null || value.length === 0) sessionStorage.removeItem(`${name} ${place()}`);
    else sessionStorage.setItem(`${name} ${place()}`, JSON.stringify(value));
  } catch { /* without storage it lasts as long as the page */ }
};
const newId = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
let outbox = read(NAME.outbox, []); // [{id, text}]: said, and not known to be stored

// --- sending -----------------------------------------------------------------------------------------------

let sending = false;

async function send() {
  if (sending) return;
  sending = true;
  let wait = 500;
  try {
    while (outbox.length) {
      const next = outbox[0];
      try {
        await begun();
        const said = await api("POST", `/api/threads/${encodeURIComponent(thread)}/messages`, { id: next.id, text: next.text });
        taken(next);
        for (const turn of Array.isArray(said) ? said : said?.items ?? []) show(turn);
        wait = 500;
        problem.textContent = "";
      } catch (error) {
        if (error.status && error.status < 500 && error.status !== 429 && error.status !== 401) {
          refused(next, error);
          continue;
        }
        if (error.status === 401) return; // signing in leads back here, and what is said is kept
        problem.textContent = "It is not sent yet; it is tried again, also after a reload.";
        await new Promise((done) => setTimeout(done, wait));
        wait = Math.min(wait * 2, 8000);
      }
    }
  } finally { sending = false; }
}

/** A conversation on the service; its name is chosen here, so that asking twice makes one. */
async function begun() {
  if (thread) return;
  let name = read(NAME.thread, null);
  if (!name) keep(NAME.thread, name = newId());
  try {
    await api("POST", "/api/threads", { id: name, ...(run ? { run_id: run } : {}) });
  } catch (error) {
    if (error.status !== 409) throw error; // made by the try before, whose answer was lost
  }
  const draft = read(NAME.draft, "");
  for (const item of Object.values(NAME)) keep(item, null);
  thread = name;
  keep(NAME.draft, draft);
  keep(NAME.outbox, outbox);
  if (!run) history.replaceState(null, "", `/chats/${encodeURIComponent(thread)}`);
  follow();
}

function taken(item) {
  outbox = outbox.filter((one) => one.id !== item.id);
  keep(NAME.outbox, outbox);
  known.get(item.id)?.classList.remove("pending");
}

function refused(item, error) {
  outbox = outbox.filter((one) => one.id !== item.id);
  keep(NAME.outbox, outbox);
  known.get(item.id)?.remove();
  known.delete(item.id);
  if (!box.value) { box.value = item.text; keep(NAME.draft, item.text); }
  problem.textContent = error.message;
}

function say(text) {
  const words = text.trim();
  if (!words) return;
  acted = true;
  const item = { id: newId(), text: words };
  outbox.push(item);
  keep(NAME.outbox, outbox);
  showPending(item);
  chips.replaceChildren();
  send();
}

form.addEventListener("submit", (sent) => {
  sent.preventDefault();
  problem.textContent = "";
  say(box.value);
  box.value = "";
  keep(NAME.draft, null);
  box.focus();
});
box.addEventListener("keydown", (pressed) => {
  if (pressed.key !== "Enter" || pressed.shiftKey || pressed.isComposing) return;
  pressed.preventDefault();
  form.requestSubmit();
});
box.addEventListener("input", () => keep(NAME.draft, box.value));
document.addEventListener("click", (clicked) => {
  const button = clicked.target.closest("[data-say]");
  if (button) say(button.dataset.say);
});

// --- turns -------------------------------------------------------------------------------------------------

const AUTHORS = { person: "You", bms: "bms", run: "The run" };

const hint = panel.querySelector(".hint");
const hinted = () => { if (hint) hint.hidden = known.size > 0; };

function showPending(item) {
  show({ id: item.id, author: "person", text: item.text, at: new Date().toISOString(), extras: {} }, true);
}

function show(turn, pending = false, after = cursor) {
  const before = known.get(turn.id);
  if (before && !before.classList.contains("pending")) return;
  const element = bubble(turn, pending);
  if (before) before.replaceWith(element);
  else {
    const waiting = turn.author === "person" ? null : turns.querySelector(".pending");
    if (waiting && !pending && turn.author === "run") waiting.before(element);
    else turns.append(element);
  }
  known.set(turn.id, element);
  hinted();
  ownTimes(element);
  if (atEnd || pending) toEnd();
  if (acted && turn.author === "bms" && element.offsetHeight > turns.clientHeight) {
    turns.scrollTop -= element.offsetHeight - turns.clientHeight; // a long answer is read from its beginning
    lowest = turns.scrollTop;
    atEnd = false;
  }
  if (pending) return;
  if (offered.size) lookAgain();
  if (isOpen(turn)) offered.set(turn.id, after);
  if (turn.author === "person") taken({ id: turn.id });
  suggest(turn);
  if (folded() && turn.author !== "person") { news.hidden = false; news.textContent = "new"; }
  const moved = turn.extras?.run_id;
  if (acted && moved && moved !== run) location.assign(`/runs/${encodeURIComponent(moved)}`);
}

// --- the end stays in sight until somebody scrolls up ---

let atEnd = true;
let lowest = 0;

function toEnd() {
  turns.scrollTop = turns.scrollHeight;
  lowest = turns.scrollTop;
  atEnd = true;
}
turns.addEventListener("scroll", () => {
  const rest = turns.scrollHeight - turns.scrollTop - turns.clientHeight;
  if (rest < 80) { atEnd = true; lowest = turns.scrollTop; }
  else if (turns.scrollTop < lowest - 40) atEnd = false; // content that comes in never moves it up
});
new ResizeObserver(() => { if (atEnd) toEnd(); }).observe(turns);

// --- offers: their buttons go once they are settled, here, in words or in another tab ---

const offered = new Map(); // turn with an open offer → the cursor before it
const isOpen = (turn) => Boolean(turn.extras?.offer) && !turn.extras.settled && !turn.extras.void;
let looking = 0;

function lookAgain() {
  clearTimeout(looking);
  looking = setTimeout(async () => {
    for (const [id, after] of [...offered]) {
      let said;
      try {
        said = await api("GET", `/api/threads/${encodeURIComponent(thread)}/messages?limit=50&after=${encodeURIComponent(after)}`);
      } catch { return; /* it is looked again with the next turn, and a button that is too late says so */ }
      const turn = said.turns.find((one) => one.id === id);
      if (!turn || isOpen(turn)) continue;
      offered.delete(id);
      const settled = bubble(turn, false);
      known.get(id).replaceWith(settled);
      known.set(id, settled);
      ownTimes(settled);
    }
  }, 300);
}

function bubble(turn, pending) {
  const extras = turn.extras ?? {};
  const element = make("li", { class: `turn by-${turn.author}${pending ? " pending" : ""}` },
    make("p", { class: "turn-head" }, make("b", {}, AUTHORS[turn.author] ?? turn.author), " ",
      make("time", { datetime: turn.at, class: "faint" }, turn.at),
      extras.by_brain ? make("span", { class: "chip" }, "worded by a model") : null),
    make("div", { class: "turn-text" }, ...paragraphs(turn.text)));
  if (extras.links?.length) element.append(links(extras.links));
  if (extras.offer) element.append(offer(turn, extras));
  return element;
}

/** Plain text: blank lines part paragraphs, lines that begin with "- " are items. */
function paragraphs(text) {
  const made = [];
  for (const block of text.replaceAll("\r\n", "\n").split(/\n{2,}/)) {
    let items = null, lines = null;
    for (const line of block.split("\n")) {
      if (line.startsWith("- ")) {
        lines = null;
        if (!items) made.push(items = make("ul"));
        items.append(make("li", {}, line.slice(2)));
      } else if (line.trim()) {
        items = null;
        if (!lines) made.push(lines = make("p", {}, line));
        else lines.append(make("br"), line);
      }
    }
  }
  return made;
}

function links(all) {
  return make("ul", { class: "links" }, ...all.map((one) => {
    const item = make("li", {}, link(one));
    if (one.quote) item.append(make("details", {}, make("summary", {}, "the source's words"), make("blockquote", {}, one.quote)));
    return item;
  }));
}

/** A view of ours, or an address of the web; anything else is text. */
function link(one) {
  let to;
  try { to = new URL(one.href, location.origin); } catch { return make("span", {}, one.label); }
  if (to.protocol !== "http:" && to.protocol !== "https:") return make("span", {}, one.label);
  if (to.origin === location.origin) return make("a", { href: to.pathname + to.search + to.hash }, one.label);
  return make("a", { href: to.href, rel: "noopener noreferrer", target: "_blank" }, one.label);
}

function offer(turn, extras) {
  const box = make("div", { class: "offer card", role: "group", "aria-label": "An offer that waits for your yes" },
    make("p", {}, turn.text.includes(extras.offer.sentence) ? "Shall this be done?" : extras.offer.sentence));
  const settle = (yes, by) => box.append(make("p", { class: "faint" }, yes ? `Yes${by ? `, said ${by}` : ""}.` : `No${by ? `, said ${by}` : ""}.`));
  if (extras.settled) settle(extras.settled.yes, extras.settled.by);
  else if (extras.void) box.append(make("p", { class: "faint" }, extras.void));
  else {
    const answer = async (yes) => {
      acted = true;
      for (const button of buttons) button.disabled = true;
      try {
        const said = await api("POST", `/api/threads/${encodeURIComponent(thread)}/messages/${encodeURIComponent(turn.id)}/confirm`, { yes });
        row.remove();
        settle(yes, "");
        offered.delete(turn.id);
        for (const one of Array.isArray(said) ? said : said?.items ?? []) show(one);
        box.closest("li").tabIndex = -1;
        box.closest("li").focus();
      } catch (error) {
        for (const button of buttons) button.disabled = false;
        told.textContent = error.message;
      }
    };
    const buttons = [
      make("button", { type: "button", class: "primary", on: { click: () => answer(true) } }, "Yes"),
      make("button", { type: "button", on: { click: () => answer(false) } }, "No"),
    ];
    const row = make("p", { class: "yes-no" }, buttons[0], " ", buttons[1]);
    const told = make("p", { class: "say-problem", role: "alert" });
    box.append(row, told);
  }
  return box;
}

function suggest(turn) {
  const words = isOpen(turn) ? [] : turn.extras?.suggestions ?? []; // an offer has its own two buttons
  if (turn.author === "run" && !words.length) return;
  chips.replaceChildren(...words.map((text) =>
    make("button", { type: "button", class: "example", on: { click: () => (text.includes("…") ? prefill(text) : say(text)) } }, text)));
}

function prefill(text) {
  box.value = text.replace(/…\s*$/, "");
  keep(NAME.draft, box.value);
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}

// --- what comes ----------------------------------------------------------------------------------------------

function follow() {
  whenSeen(() => {
    const source = new EventSource(`/api/threads/${encodeURIComponent(thread)}/stream?after=${encodeURIComponent(cursor)}`);
    const heard = (message) => {
      let turn;
      try { turn = JSON.parse(message.data); } catch { return; }
      if (!turn || typeof turn.id !== "string") return;
      const before = cursor;
      cursor = message.lastEventId || turn.cursor || cursor;
      show(turn, false, before);
    };
    source.onmessage = heard;
    source.addEventListener("turn", heard);
    source.addEventListener("open", () => { if (outbox.length) send(); });
    return source;
  });
}

// --- the panel on a narrow screen: folded or not, remembered ------------------------------------------------

const NARROW = matchMedia("(max-width: 60rem)");
const folded = () => panel.classList.contains("folded");

function setFolded(closed, remember) {
  panel.classList.toggle("folded", closed);
  fold.setAttribute("aria-expanded", String(!closed));
  if (!closed) { news.hidden = true; toEnd(); }
  if (remember) { try { localStorage.setItem("chat.folded", closed ? "1" : ""); } catch { /* for this page */ } }
}

function fit() {
  const main = panel.classList.contains("chat-main");
  let closed = true;
  try { closed = localStorage.getItem("chat.folded") !== ""; } catch { /* folded */ }
  fold.hidden = main || !NARROW.matches;
  setFolded(!fold.hidden && closed, false);
}
fold.addEventListener("click", () => {
  setFolded(!folded(), true);
  if (!folded()) box.focus();
});
NARROW.addEventListener("change", fit);
fit();

form.hidden = false;
if (!thread) hinted();
for (const examples of document.querySelectorAll(".examples")) examples.hidden = false;
box.value = read(NAME.draft, "");
for (const item of outbox) showPending(item);
if (thread) follow();
if (outbox.length) { acted = true; send(); }
addEventListener("online", () => outbox.length && send());
