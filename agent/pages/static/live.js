// A run as it goes: forms that answer what it asks, and a line that says how long it has been quiet.
import { api, onEvent, serves, tell } from "./core.js";

// --- answers to what the run asks ---------------------------------------------------------------------------

document.addEventListener("submit", async (sent) => {
  const form = sent.target.closest("form[data-reply], form[data-extend]");
  if (!form) return;
  sent.preventDefault();
  const button = sent.submitter;
  if (button?.dataset.sure && !confirm(button.dataset.sure)) return;
  const problem = form.querySelector(".form-problem");
  problem.textContent = "";
  const body = form.dataset.extend ? extension(form) : { prompt_id: form.dataset.prompt, reply: reply(form, button) };
  const buttons = [...form.querySelectorAll("button")];
  for (const one of buttons) one.disabled = true;
  try {
    await api("POST", form.dataset.extend ?? form.dataset.url, body);
    tell("It is stored, and the run goes on.");
  } catch (error) {
    problem.textContent = error.message;
    for (const one of buttons) one.disabled = false;
  }
});

serves("form[data-reply] button, form[data-extend] button");

function extension(form) {
  return { further: Number(form.elements.further.value) };
}

function reply(form, button) {
  const given = { kind: form.dataset.reply };
  const without = (button?.dataset.without ?? "").split(" ");
  const set = button?.dataset.set ? JSON.parse(button.dataset.set) : {};
  for (const field of form.elements) {
    if (!field.name || without.includes(field.name) || field.name in set) continue;
    if (field.dataset.into) (given[field.dataset.into] ??= {})[field.name] = field.value;
    else if (field.dataset.number) { if (field.checked) given[field.name] = Number(field.dataset.number); }
    else if (field.type === "checkbox") given[field.name] = field.checked;
    else if ("unlessSame" in field.dataset) { if (field.value !== field.defaultValue) given[field.name] = field.value; }
    else given[field.name] = field.value;
  }
  return { ...given, ...set };
}

document.addEventListener("click", (clicked) => {
  const button = clicked.target.closest("[data-fill]");
  if (!button) return;
  const field = document.getElementById(button.dataset.fill);
  field.value = button.textContent;
  field.focus();
});

// What was written into a form is kept when the part that holds it is fetched anew, unless another question is asked.
document.addEventListener("renewing", (renewing) => {
  const form = renewing.target.querySelector("form[data-reply]");
  const fresh = renewing.detail.querySelector("form[data-reply]");
  if (!form || !fresh || form.dataset.prompt !== fresh.dataset.prompt) return;
  renewing.preventDefault();
});

// --- how long it has been quiet -------------------------------------------------------------------------------

let since = Date.now();
const place = () => document.querySelector(".heartbeat[data-active]");

function begin() {
  const line = place();
  if (line) since = Date.now() - 1000 * Number(line.dataset.quiet || 0);
}

function words(seconds) {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

setInterval(() => {
  const age = place()?.querySelector(".age");
  if (!age || document.hidden) return;
  age.textContent = `Last event ${words(Math.max(0, Math.round((Date.now() - since) / 1000)))} ago`;
}, 1000);
onEvent(() => { since = Date.now(); });
document.addEventListener("renewed", (renewed) => { if (renewed.target.querySelector(".heartbeat")) begin(); });
begin();
