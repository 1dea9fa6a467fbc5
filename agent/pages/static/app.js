// What every page has: parts that follow the run's events, calls to the API, the reader's own time, the theme.

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
    throw new Error("The service does not answer. It may be restarting; what you sent was not taken.");
  }
  const text = await reply.text();
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* an error page, or nothing */ }
  if (!reply.ok) {
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

function follow(run) {
  let last = Number(new URL(run.dataset.events, location.href).searchParams.get("after")) || 0;
  const address = run.dataset.events.split("?")[0];
  let wait = 500;
  let source;
  const open = () => {
    source = new EventSource(`${address}?after=${last}`);
    const heard = (message) => {
      const seq = Number(message.lastEventId);
      if (seq <= last) return; // a reconnect may repeat what was on its way
      last = seq;
      wait = 500;
      const event = JSON.parse(message.data);
      for (const listener of listeners) listener(event);
    };
    KINDS.split(" ").forEach((kind) => source.addEventListener(kind, heard));
    source.onmessage = heard;
    source.onopen = () => { if (document.body.dataset.offline) { delete document.body.dataset.offline; tell(""); } };
    source.onerror = () => {
      document.body.dataset.offline = "1";
      tell("The connection to the service is interrupted; it is tried again.", true);
      if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(open, wait = Math.min(wait * 2, 10000)); }
    };
  };
  open();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (shown) => { if (shown.persisted) open(); });
}

/** Kinds of events that there are: a browser hears only those that it names. A test holds this against the docs. */
const KINDS = "created order stage request enumerated census leaderboard page query read wave table approval " +
  "refused proving artefact progress pulled loaded worded scenarios agreed answer preflight " +
  "assessment decision review improved_prompt extension document warning retry waiting stopped " +
  "ended";

// --- parts: pieces of the page that are fetched anew when something happened that they show ----------------

const renewing = new Map();

/** Fetch a part again, soon; many calls make one request. */
export function renew(part, delay = 250) {
  if (renewing.has(part)) return;
  renewing.set(part, setTimeout(async () => {
    try {
      const reply = await fetch(part.dataset.part, { headers: { Accept: "text/html" } });
      if (reply.status === 401 || reply.redirected) { location.reload(); return; }
      if (reply.ok) replace(part, await reply.text());
    } catch { /* the stream says that the service is away, and the next event comes here again */
    } finally { renewing.delete(part); }
  }, delay));
}

function replace(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
  const open = new Set([...part.querySelectorAll("details[open][id]")].map((one) => one.id));
  const fresh = new DOMParser().parseFromString(html, "text/html"); // the service's own, escaped there
  part.replaceChildren(...fresh.body.childNodes);
  for (const one of part.querySelectorAll("details[id]")) if (open.has(one.id)) one.open = true;
  if (focused) document.getElementById(focused)?.focus();
  ownTimes(part);
  part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
}

onEvent((event) => {
  for (const part of document.querySelectorAll("[data-part]")) {
    const kinds = (part.dataset.on ?? "").split(" ");
    if (kinds.includes(event.kind) || kinds.includes("*")) renew(part);
  }
});

// --- buttons that do one thing ------------------------------------------------------------------------------

document.addEventListener("click", async (clicked) => {
  const button = clicked.target.closest("[data-do]");
  if (!button || button.disabled) return;
  const [method, url] = button.dataset.do.split(" ");
  if (button.dataset.sure && !confirm(button.dataset.sure)) return;
  button.disabled = true;
  try {
    await api(method, url, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
    if (button.dataset.then) location.href = button.dataset.then;
    else tell(button.dataset.done ?? "Done.");
  } catch (error) {
    tell(error.message, true);
  } finally {
    button.disabled = false;
  }
});

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
