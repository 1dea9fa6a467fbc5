// The approval: what is chosen, one question before it counts, and what the service says to it.

// The same address as the page's own script tag has, so that there is one copy of it and one stream of events.
const { api, make, onEvent, ownTimes, serves, tell } = await import(`./app.js${new URL(import.meta.url).search}`);

const NOBODY = "-";
const place = document.getElementById("approval");
const sure = document.getElementById("sure");
const decision = () => place.querySelector("[data-hash]");
const field = (id) => document.getElementById(id);
const nameOf = (select) => {
  const option = select.selectedOptions[0];
  return option?.dataset.name ? `${option.dataset.name} (${option.value})` : "";
};

// --- what is chosen -----------------------------------------------------------------------------------------

const shown = { primary: "", backup: "" };

async function about(role) {
  const key = field(role).value;
  const card = field(`about-${role}`);
  shown[role] = key;
  card.replaceChildren(); // what stood there is told of another model
  if (key === NOBODY || key === "") return;
  let html = null;
  try {
    const reply = await fetch(`/runs/${decision().dataset.run}/approval/choice?${new URLSearchParams({ model: key })}`, { headers: { Accept: "text/html" } });
    if (reply.ok) html = await reply.text();
  } catch { /* told below */ }
  if (shown[role] !== key) return; // chosen again meanwhile
  if (html === null) { tell("What is known of this model cannot be shown now; the table has it.", true); return; }
  const fresh = new DOMParser().parseFromString(html, "text/html"); // the service's own, escaped there
  card.replaceChildren(...fresh.body.childNodes);
}

serves("[data-decide], [data-swap]");

function check() {
  const same = field("primary").value === field("backup").value;
  const wrong = field("wrong");
  wrong.hidden = !same;
  wrong.textContent = same ? "A model cannot be its own backup. Choose another one, or no backup." : "";
  return !same;
}

place.addEventListener("change", (changed) => {
  if (!["primary", "backup"].includes(changed.target.id)) return;
  about(changed.target.id);
  check();
});

place.addEventListener("click", (clicked) => {
  if (clicked.target.closest("[data-swap]")) {
    const [primary, backup] = [field("primary"), field("backup")];
    if (backup.value === NOBODY) { tell("There is no backup to exchange the primary with.", true); return; }
    [primary.value, backup.value] = [backup.value, primary.value];
    about("primary");
    about("backup");
    check();
    tell(`Primary is ${nameOf(primary)} now, backup ${nameOf(backup)}.`);
  }
  const button = clicked.target.closest("[data-decide]");
  if (button) ask(button.dataset.decide, button);
  const jump = clicked.target.closest('a[href="#more"]');
  if (jump) field("more").open = true;
});

// --- the question before it counts --------------------------------------------------------------------------

const pairs = (...lines) => {
  const list = make("dl", { class: "pairs" });
  for (const [term, value] of lines) if (value) list.append(make("dt", {}, term), make("dd", {}, value));
  return list;
};
const card = (role) => field(`about-${role}`).querySelector("[data-key]")?.dataset ?? {};

/** Action → what is sent, what is asked, and where the page goes then; null where something is missing. */
const answers = {
  approve() {
    const [primary, backup] = [field("primary"), field("backup")];
    if (!primary.value) return missing(primary, "Choose a primary first.");
    if (!check()) return missing(backup, "");
    const without = backup.value === NOBODY;
    const known = card("primary").key === primary.value ? card("primary") : {};
    return {
      body: { primary: primary.value, backup: without ? "" : backup.value, note: field("why").value },
      title: `Approve ${nameOf(primary)}?`,
      yes: `Approve ${primary.selectedOptions[0].dataset.name}`,
      about: [
        pairs(["Primary", nameOf(primary)], ["Backup", without ? "none" : nameOf(backup)], ["Download", known.download], ["Licence", known.licence]),
        known.warnings ? make("p", { class: "note warn" }, known.warnings) : null,
        make("p", {}, "The primary is downloaded and evaluated now. The backup runs only if you ask for it later."),
      ],
      then: "",
    };
  },
  edit() {
    const add = field("add").value.split(/[\s,]+/).filter(Boolean);
    const left = [...place.querySelectorAll('input[name="exclude"]:checked')];
    if (!add.length && !left.length) return missing(field("add"), "Name a repository to add, or mark one to leave out.");
    return {
      body: { add, exclude: left.map((box) => box.value) },
      title: "Change the table?",
      yes: "Change the table",
      about: [pairs(["Add", add.join(", ")], ["Leave out", left.map((box) => `${box.dataset.name} (${box.value})`).join(", ")])],
      then: "/research",
    };
  },
  more() {
    const note = field("more-note").value.trim();
    return {
      body: { note },
      title: "Research more?",
      yes: "Research more",
      about: [make("p", {}, note ? `It looks for: ${note}` : "Without a note it looks further in all directions.")],
      then: "/research",
    };
  },
  reject() {
    const note = field("reject-note").value.trim();
    if (!note) return missing(field("reject-note"), "Say why, so that others can follow it.");
    return {
      body: { note },
      title: "Reject all of them?",
      yes: "Reject, and end the run",
      about: [make("p", {}, `No model is evaluated, and the run ends. Reason: ${note}`)],
      then: "",
    };
  },
};

function missing(where, sentence) {
  if (sentence) tell(sentence, true);
  where.focus();
  return null;
}

let asked = null;

function ask(action, button) {
  const answer = answers[action]();
  if (!answer) return;
  asked = { action, button, ...answer };
  field("sure-title").textContent = answer.title;
  field("sure-body").replaceChildren(...answer.about.filter(Boolean));
  const yes = field("sure-yes");
  yes.textContent = answer.yes;
  yes.className = action === "reject" ? "danger" : "primary";
  sure.showModal();
  field("sure-no").focus();
}

field("sure-no").addEventListener("click", () => sure.close());
sure.addEventListener("close", () => asked?.button.focus());
field("sure-yes").addEventListener("click", async () => {
  const { action, body, then } = asked;
  const { run, hash } = decision().dataset;
  const yes = field("sure-yes");
  yes.disabled = true;
  try {
    await api("POST", `/api/runs/${run}/approval`, { action, table_hash: hash, ...body });
    location.href = `/runs/${run}${then}`; // which may take its time
  } catch (error) {
    sure.close();
    refused(error, run);
    yes.disabled = false;
  }
});

/** Stars as a number: not every machine has a font with them. */
const plainStars = (text) => text.replace(/⭐+½?\s*(?=\d\.\d)/g, "");

/** What the service says, where the person decided; a changed table with all that has changed. */
function refused(error, run) {
  const { problem } = error;
  const told = make("div", { class: "note bad", role: "alert", tabindex: "-1", id: "refused" });
  if (problem?.type === "urn:bms:problem:table-changed") {
    told.append(
      make("p", {}, make("b", {}, "The table has changed since you saw it, so nothing was approved.")),
      make("ul", {}, ...(problem.errors?.length ? problem.errors.map((one) => make("li", {}, plainStars(one.why))) : [make("li", {}, plainStars(problem.detail))])),
      make("p", {}, make("a", { href: `/runs/${run}/table` }, "Look at the table again"), ", then ", make("a", { href: `/runs/${run}/approval` }, "decide"), "."),
    );
  } else {
    told.append(make("p", {}, make("b", {}, error.status === 409 ? "This was not taken. " : "This cannot be approved. "), error.message));
    if (error.status === 409) told.append(make("p", {}, make("a", { href: `/runs/${run}/approval` }, "See where the run is.")));
  }
  field("refused")?.remove();
  decision().prepend(told);
  told.scrollIntoView({ block: "center" });
  told.focus();
}

// --- news -----------------------------------------------------------------------------------------------------

const NEWS = new Set(["table", "approval", "order", "ended", "stage", "refused"]);
onEvent((event) => {
  // A form that somebody is filling in is never taken away.
  if (decision() && NEWS.has(event.kind) && !sure.open) field("changed").hidden = false;
});
place.addEventListener("renewed", () => {
  if (!decision()) return;
  delete place.dataset.part;
  ownTimes(place);
});
if (location.hash && decision()) {
  const target = document.querySelector(location.hash.replace(/[^#\w-]/g, ""));
  if (target?.tagName === "DETAILS") target.open = true;
}
