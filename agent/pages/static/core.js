// What every page has: parts that follow the run's events, calls to the API, the reader's own time, the theme.

/** Go and sign in, then come back here: the cookie is too old, or the service has another token. */
export function signIn() {
  const here = location.pathname + location.search + location.hash;
  if (location.pathname !== "/login") location.assign(`/login?next=${encodeURIComponent(here)}`);
}

/** Call the API. Resolves with JSON (null for an empty reply); rejects with an Error whose `problem` is RFC 9457's. */
export async function api(method, url, body, headers = {}) {
  const sent = { method, headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    sent.body = JSON.stringify(body);
    sent.headers["Content-Type"] = "application/json";
  }
  let reply;
  try {
    reply = await fetch(url, sent);
  } catch {
    throw new Error("The service does not answer. It may be restarting; look whether what you sent was taken before you send it again.");
  }
  const text = await reply.text();
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* an error page, or nothing */ }
  if (!reply.ok) {
    if (reply.status === 401) signIn();
    const problem = data ?? { detail: `${reply.status} ${reply.statusText}` };
    const error = new Error([problem.detail, problem.next_step].filter(Boolean).join(" "));
    error.problem = problem;
    error.status = reply.status;
    throw error;
  }
  return data;
}

/** Say something at the top of the page; screen readers hear it. */
export function tell(sentence, bad = false) {
  const place = document.getElementById("told");
  place.textContent = sentence;
  place.classList.toggle("bad", bad);
}

/** An element with text and attributes; never markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") for (const [kind, listener] of Object.entries(value)) element.addEventListener(kind, listener);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// --- the run's events: one stream a page, for whoever listens ---------------------------------------------

const listeners = new Set();

/** Be told of every event of the page's run: {seq, at, stage, kind, data}. */
export function onEvent(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Keep a stream open while the page is seen. `open` makes an EventSource that begins where the reader is.
 *
 * A browser has few connections to one server, so that pages in the background give theirs back.
 */
export function whenSeen(open) {
  let source = null;
  let wait = 500;
  let retry = 0;
  const end = () => { clearTimeout(retry); source?.close(); source = null; };
  const begin = () => {
    end();
    source = open();
    source.addEventListener("open", () => { wait = 500; connected(true); });
    source.addEventListener("error", () => {
      connected(false);
      if (source?.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(begin, wait = Math.min(wait * 2, 10000));
      // A stream does not tell with which status it was refused.
      fetch("/api/health").then((reply) => { if (reply.status === 401) signIn(); }, () => {});
    });
  };
  let away = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (document.hidden) away = setTimeout(end, 5000);
    else if (!source) begin();
  });
  addEventListener("pagehide", end);
  addEventListener("pageshow", (shown) => { if (shown.persisted) begin(); });
  if (!document.hidden) begin();
}

function connected(yes) {
  const offline = document.body.dataset.offline === "1";
  if (yes && offline) { delete document.body.dataset.offline; tell("The connection to the service is back."); }
  if (!yes && !offline) {
    document.body.dataset.offline = "1";
    tell("The connection to the service is interrupted; it is tried again.", true);
  }
}

function follow(run) {
  let last = Number(new URL(run.dataset.events, location.href).searchParams.get("after")) || 0;
  const address = run.dataset.events.split("?")[0];
  const heard = (message) => {
    const seq = Number(message.lastEventId);
    if (seq <= last) return; // a reconnect may repeat what was on its way
    last = seq;
    const event = JSON.parse(message.data);
    for (const listener of listeners) listener(event);
  };
  whenSeen(() => {
    const source = new EventSource(`${address}?after=${last}`);
    KINDS.split(" ").forEach((kind) => source.addEventListener(kind, heard));
    source.onmessage = heard;
    return source;
  });
}

/** Kinds of events that there are: a browser hears only those that it names. A test holds this against the docs. */
const KINDS = "created order stage request enumerated census leaderboard page query read wave table approval " +
  "refused proving artefact progress pulled loaded worded scenarios agreed answer preflight " +
  "assessment decision review improved_prompt extension document warning retry waiting stopped " +
  "ended";

// --- parts: pieces of the page that are fetched anew when something happened that they show ----------------

const states = new WeakMap(); // part → {timer, busy, again, last, shown, wait}
const LONGEST_WAIT = 10000;

/**
 * Fetch a part again, soon. Many calls make one request; a part with `data-every` is fetched no more often than
 * every so many milliseconds, and one that changed while it was on its way is fetched once more. One that could
 * not be fetched is tried again: there may be no further event, and what it shows would stay old.
 */
export function renew(part, delay = 250) {
  const state = states.get(part) ?? { timer: 0, busy: false, again: false, last: 0, shown: "", wait: 0 };
  states.set(part, state);
  if (state.busy) { state.again = true; return; }
  if (state.timer) return;
  const rest = state.last + Math.max(state.wait, Number(part.dataset.every ?? 0)) - Date.now();
  state.timer = setTimeout(async () => {
    state.timer = 0;
    if (!part.isConnected) return;
    if (document.hidden) { stale.add(part); return; }
    state.busy = true;
    state.again = false;
    try {
      const reply = await fetch(part.dataset.part, { headers: { Accept: "text/html" } });
      if (reply.status === 401 || reply.redirected) { signIn(); return; }
      if (reply.status >= 500) throw new Error(reply.statusText);
      state.wait = 0;
      const html = await reply.text();
      await untilLetGo(part);
      if (reply.ok && html !== state.shown && replace(part, html)) state.shown = html;
    } catch { // the stream says that the service is away
      state.wait = Math.min(LONGEST_WAIT, 2 * state.wait || 500);
      state.again = true;
    } finally {
      state.busy = false;
      state.last = Date.now();
      if (state.again) renew(part, delay);
    }
  }, Math.max(delay, rest));
}

const stale = new Set(); // parts that changed while nobody saw the page
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const part of stale) renew(part, 0);
  stale.clear();
});

// A click is made of two: what is under the finger or the pointer stays there until it is up.
let held = null;
const letHeldGo = () => setTimeout(() => { held = null; }); // the click itself comes first
addEventListener("pointerdown", (pressed) => { held = pressed.target; }, true);
addEventListener("pointermove", (moved) => { if (held && !moved.buttons) letHeldGo(); }, true);
for (const kind of ["pointerup", "pointercancel", "dragend", "contextmenu", "blur"]) addEventListener(kind, letHeldGo, true);

async function untilLetGo(part) {
  while (held && part.contains(held)) await new Promise((done) => setTimeout(done, 50));
}

/** Whether the part shows it now. */
function replace(part, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html"); // the service's own, escaped there
  const going = new CustomEvent("renewing", { bubbles: true, cancelable: true, detail: fresh.body });
  if (!part.dispatchEvent(going)) return false; // somebody is at work in it
  serve(fresh.body);
  const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
  const folds = new Map([...part.querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
  const moved = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  part.replaceChildren(...fresh.body.childNodes);
  for (const one of part.querySelectorAll("details[id]")) if (folds.has(one.id)) one.open = folds.get(one.id);
  part.querySelectorAll(".scroll").forEach((one, at) => { one.scrollLeft = moved[at] ?? 0; });
  if (focused) document.getElementById(focused)?.focus();
  ownTimes(part);
  part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
  return true;
}

onEvent((event) => {
  for (const part of document.querySelectorAll("[data-part]")) {
    const kinds = (part.dataset.on ?? "").split(" ");
    if (kinds.includes(event.kind) || kinds.includes("*")) renew(part);
  }
});

// --- buttons that scripts serve ---------------------------------------------------------------------------------

const served = [];

/** From now on these buttons are heard. They come disabled, so that no click is lost before their script is there. */
export function serves(selector) {
  served.push(selector);
  serve(document);
}

function serve(root) {
  for (const selector of served) for (const button of root.querySelectorAll(selector)) button.disabled = false;
}

// --- buttons that do one thing ------------------------------------------------------------------------------

document.addEventListener("click", async (clicked) => {
  const button = clicked.target.closest("[data-do]");
  if (!button || button.disabled) return;
  const [method, url] = button.dataset.do.split(" ");
  if (button.dataset.sure && !confirm(button.dataset.sure)) return;
  button.disabled = true;
  try {
    await api(method, url, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
    if (button.dataset.then) { location.href = button.dataset.then; return; } // which may take its time
    tell(button.dataset.done ?? "Done.");
  } catch (error) {
    tell(error.message, true);
  }
  button.disabled = false;
});
serves("[data-do]");

// --- the reader's own time, and the theme ---------------------------------------------------------------------

export function ownTimes(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.getAttribute("datetime"));
    if (!Number.isNaN(at.getTime())) {
      time.title = time.textContent;
      time.textContent = at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    }
  }
}

const stored = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
if (stored) document.documentElement.dataset.theme = stored;
document.getElementById("theme")?.addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", document.documentElement.dataset.theme); } catch { /* it lasts for this page */ }
});

ownTimes();
const run = document.querySelector("[data-events]");
if (run) follow(run);
