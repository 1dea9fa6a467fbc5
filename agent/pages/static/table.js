// The comparison table: sort, filter and columns at once, the panel of sources, the arrow keys, rejected ones.

// The same address as the page's own script tag has, so that there is one copy of it and one stream of events.
const { onEvent, ownTimes, signIn, tell } = await import(`./app.js${new URL(import.meta.url).search}`);

document.documentElement.classList.add("scripted");
const view = document.querySelector("[data-table]");

/** A part of a page as nodes: the service escaped what is in it. */
async function part(url) {
  const reply = await fetch(url, { headers: { Accept: "text/html, application/problem+json" } });
  if (reply.redirected) signIn();
  if (!reply.ok) {
    const problem = await reply.json().catch(() => ({}));
    throw new Error(problem.detail || "This cannot be shown now.");
  }
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
  ownTimes(fresh);
  return fresh.body.childNodes;
}

// --- sort, filter, columns ----------------------------------------------------------------------------------

const form = view?.querySelector("form.filters");
if (form && matchMedia("(max-width: 40rem)").matches) form.parentElement.open = false;
const grid = view?.querySelector(".grid");
const heads = [...(grid?.querySelectorAll("thead th") ?? [])];
const rows = [...(grid?.querySelectorAll("tr.candidate") ?? [])];
const cellOf = (row, column) => row.querySelector(`[data-column="${column}"]`);
const words = new Map(rows.map((row) => [row, `${row.dataset.key} ${row.dataset.family} ${row.dataset.lineage} ${row.textContent}`.toLowerCase()]));
const stood = new Map(rows.map((row, at) => [row, at]));

function sortBy(column, order) {
  const sign = order === "desc" ? -1 : 1;
  const value = (row) => {
    const at = cellOf(row, column)?.dataset.at ?? "";
    return at === "" || Number.isNaN(Number(at)) ? at : Number(at);
  };
  const compare = (one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === "" || b === "") return (a === "") - (b === "") || stood.get(one) - stood.get(other); // unknown comes last
    const way = typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
    return way * sign || stood.get(one) - stood.get(other);
  };
  for (const body of grid.tBodies) body.append(...[...body.querySelectorAll("tr.candidate")].sort(compare));
  for (const head of heads) {
    if (head.dataset.column === column) head.setAttribute("aria-sort", order === "desc" ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  form.elements.sort.value = column;
  form.elements.order.value = order;
}

function filter() {
  const wanted = form.elements;
  const sought = wanted.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const number = (field) => (field.value === "" ? null : Number(field.value));
  const [from, to] = [number(wanted.smallest), number(wanted.largest)];
  let fitting = 0;
  for (const row of rows) {
    const { family, lineage, licence, use, sizes } = row.dataset;
    const fits =
      (!wanted.eligible.checked || !row.closest(".excluded")) &&
      (!wanted.family.value || [family, lineage].some((name) => name.toLowerCase() === wanted.family.value)) &&
      (!wanted.licence.value || [licence, use].includes(wanted.licence.value)) &&
      ((from === null && to === null) || sizes.split(" ").filter(Boolean).some((size) => (from === null || Number(size) >= from) && (to === null || Number(size) <= to))) &&
      sought.every((word) => words.get(row).includes(word));
    row.hidden = !fits;
    fitting += fits;
  }
  const divider = grid.querySelector(".divider");
  if (divider) divider.hidden = ![...divider.parentElement.querySelectorAll("tr.candidate")].some((row) => !row.hidden);
  document.getElementById("fitting").textContent = `${fitting} of ${rows.length} shown`;
  document.getElementById("nobody").hidden = fitting > 0;
}

function address() {
  const query = new URLSearchParams();
  const first = heads.find((head) => head.dataset.column === form.elements.sort.value)?.dataset.first;
  for (const [name, value] of new FormData(form)) {
    const usual = value === "" || (name === "sort" && value === "fit") || (name === "order" && value === first);
    if (!usual) query.set(name, value);
  }
  const shown = columns();
  if (shown.length < heads.length) query.set("columns", shown.join(","));
  return `${view.dataset.table}${query.size ? `?${query}` : ""}`;
}

const remember = () => history.replaceState(history.state, "", address());
const columns = () => heads.filter((head) => !head.hidden).map((head) => head.dataset.column);

if (grid) {
  grid.tHead.addEventListener("click", (clicked) => {
    const head = clicked.target.closest("th");
    if (!head || clicked.ctrlKey || clicked.metaKey) return;
    clicked.preventDefault();
    const now = head.getAttribute("aria-sort");
    sortBy(head.dataset.column, now === null ? head.dataset.first : now === "ascending" ? "desc" : "asc");
    remember();
  });
  form.addEventListener("input", (changed) => {
    if (changed.target.name === "sort") sortBy(changed.target.value, changed.target.selectedOptions[0].dataset.first);
    else filter();
    remember();
  });
  form.addEventListener("submit", (sent) => { sent.preventDefault(); filter(); remember(); });
  document.getElementById("clear").addEventListener("click", (clicked) => {
    clicked.preventDefault();
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = false;
      else if (field.type !== "submit") field.value = "";
    }
    sortBy("fit", "desc");
    filter();
    remember();
  });
  view.querySelector("form.columns").addEventListener("change", (changed) => {
    const { column } = changed.target.dataset;
    for (const cell of grid.querySelectorAll(`[data-column="${column}"]`)) cell.hidden = !changed.target.checked;
    document.getElementById("how-many").textContent = `${columns().length} of ${heads.length}`;
    document.cookie = `bms_columns=${columns().join(".")}; Path=/runs; Max-Age=31536000; SameSite=Lax`;
    remember();
  });

  // What was written before this script was there, or is kept by the browser, counts as well.
  const changed = (field) => (field.type === "checkbox" ? field.checked !== field.defaultChecked
    : field.options ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected))
    : "defaultValue" in field && field.value !== field.defaultValue);
  if ([...form.elements].some(changed)) {
    sortBy(form.elements.sort.value, form.elements.order.value);
    filter();
    remember();
  }

  // Arrow keys go from cell to cell; Tab goes on as everywhere.
  grid.addEventListener("keydown", (pressed) => {
    const link = pressed.target.closest("td a, tbody th a");
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[pressed.key];
    if (!link || !step || pressed.altKey || pressed.ctrlKey || pressed.metaKey) return;
    const row = link.closest("tr");
    const lines = [...grid.querySelectorAll("tr.candidate:not([hidden])")];
    const cells = (line) => [...line.querySelectorAll("th:not([hidden]), td:not([hidden])")];
    const line = lines[lines.indexOf(row) + step[0]];
    const next = line && cells(line)[cells(row).indexOf(link.closest("th, td")) + step[1]];
    if (!next) return;
    pressed.preventDefault();
    next.querySelector("a").focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}

// --- the panel of sources -----------------------------------------------------------------------------------

const panel = document.getElementById("panel");
let opener = null;
let asked = 0; // cells: only the last one is shown, whichever comes last

async function open(cell, link) {
  const mine = ++asked;
  let nodes;
  try {
    const url = new URLSearchParams({ cell });
    nodes = await part(`${view.dataset.table}/cell?${url}`);
  } catch (error) {
    if (mine === asked) tell(error.message, true);
    return;
  }
  if (mine !== asked) return;
  panel.replaceChildren(...nodes);
  opener = link;
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  document.getElementById("panel-title").focus();
}

function settle() {
  const cell = new URL(location.href).searchParams.get("cell");
  if (cell) { open(cell, opener); return; }
  asked += 1; // one that is on its way is not wanted any more
  if (panel.open) panel.close();
}

if (panel) {
  grid.addEventListener("click", (clicked) => {
    // The whole cell is the way to its sources, not only the words in it.
    const link = clicked.target.closest("a[data-cell]") ?? clicked.target.closest("td")?.querySelector("a[data-cell]");
    if (!link || clicked.ctrlKey || clicked.metaKey || clicked.shiftKey) return;
    clicked.preventDefault();
    const cell = new URL(link.href).searchParams.get("cell");
    const here = new URL(location.href);
    here.searchParams.set("cell", cell);
    history.pushState({ panel: true }, "", here);
    open(cell, link);
  });
  panel.addEventListener("click", (clicked) => {
    const edge = panel.getBoundingClientRect();
    const outside = clicked.target === panel && (clicked.clientX < edge.left || clicked.clientX > edge.right || clicked.clientY < edge.top || clicked.clientY > edge.bottom);
    if (!outside && !clicked.target.closest("[data-close]")) return;
    clicked.preventDefault();
    panel.close();
  });
  panel.addEventListener("close", () => {
    if (new URL(location.href).searchParams.has("cell")) {
      if (history.state?.panel) history.back();
      else remember();
    }
    (opener?.isConnected ? opener : grid.querySelector("a[data-cell]"))?.focus();
  });
  addEventListener("popstate", settle);
  if (panel.open) {
    // Came by a deep link: the service has filled it in already.
    panel.removeAttribute("open");
    const cell = new URL(location.href).searchParams.get("cell") ?? "";
    opener = [...grid.querySelectorAll("a[data-cell]")].find((link) => new URL(link.href).searchParams.get("cell") === cell) ?? null;
    panel.showModal();
    document.getElementById("panel-title").focus();
  }
}

// --- rejected candidates ------------------------------------------------------------------------------------

const rejected = document.querySelector("[data-rejected]");
if (rejected) {
  const list = document.getElementById("rejected-list");
  let wanted = 0;
  const load = async (query, after) => {
    const mine = ++wanted;
    try {
      const nodes = await part(`${rejected.dataset.rejected}?${query}`);
      if (mine !== wanted) return;
      if (after) after.replaceWith(...nodes);
      else list.replaceChildren(...nodes);
    } catch (error) {
      tell(error.message, true);
    }
  };
  rejected.addEventListener("click", (clicked) => {
    const link = clicked.target.closest("a[data-reason], a[data-more]");
    if (!link || clicked.ctrlKey || clicked.metaKey) return;
    clicked.preventDefault();
    load(new URL(link.href).searchParams, link.matches("[data-more]") ? link.closest("p") : null);
  });
  rejected.querySelector("form").addEventListener("submit", (sent) => {
    sent.preventDefault();
    load(new URLSearchParams(new FormData(sent.target)), null);
  });
}

// --- news -----------------------------------------------------------------------------------------------------

onEvent((event) => {
  if (event.kind !== "table") return;
  if (document.querySelector("[data-wait]")) location.reload();
  else document.getElementById("changed")?.removeAttribute("hidden");
});
