// SPDX-License-Identifier: GPL-3.0-or-later
// Filters and sorts the tables; the year's chart shows the tokens that are left, in their order.
"use strict";
(() => {
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const search = one("#search"), needy = one("#needy"), shown = one("#shown");
  const tokens = one("#tokens tbody");
  const first = new Map(all("details.block").map((block) => [block, block.open]));
  let index = null;

  // What a row is found by: its words, and in a matrix also the bot and the workspaces of its services.
  function text(row) {
    const table = row.closest("table");
    if (!table.dataset.bot) return row.textContent.toLowerCase();
    const heads = table.tHead.rows[0].cells;
    const used = [...row.cells].map((cell, at) => (at && cell.textContent ? `${table.dataset.bot}/${heads[at].textContent}` : ""));
    return `${row.textContent} ${used.join(" ")}`.toLowerCase();
  }

  function apply() {
    index ??= all("tbody tr").map((row) => ({ row, text: text(row), need: "need" in row.dataset }));
    const asked = search.value.trim().toLowerCase().split(/\s+/);
    for (const each of index) {
      const hidden = (needy.checked && !each.need) || !asked.every((word) => each.text.includes(word));
      if (each.row.hidden !== hidden) each.row.hidden = hidden;
    }
    const active = asked[0] !== "" || needy.checked;
    for (const [block, open] of first) {
      const left = one("tbody tr:not([hidden])", block) !== null;
      block.hidden = !left;
      block.open = active ? left && (block.open || tally(block) <= 60) : open;
    }
    for (const part of all(".scroll")) part.hidden = one("tbody tr:not([hidden])", part) === null;
    const count = (rows, name) => `${rows.filter((each) => !each.hidden).length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${name}`;
    shown.textContent = active ? `Shown: ${count([...tokens.rows], "tokens")}, ${count(all(".matrix tbody tr"), "services")}.` : "";
    draw();
  }
  const tally = (block) => all("tbody tr:not([hidden])", block).length;

  const name = (row) => [...row.cells[0].childNodes].filter((node) => node.nodeName !== "SMALL").map((node) => node.textContent).join("").trim();

  function draw() {
    const left = [...tokens.rows].filter((row) => !row.hidden);
    Year.draw(left.map((row) => ({
      name: name(row), from: Number(row.dataset.from), due: Number(row.dataset.due), window: Number(row.dataset.window ?? 0), state: row.dataset.s, show: () => show(row),
    })));
  }

  function show(row) {
    row.closest("details").open = true;
    row.tabIndex = -1;
    row.focus();
    row.scrollIntoView({ block: "center" });
  }

  function sort(table, head) {
    const column = head.cellIndex, down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const value = (row) => row.cells[column].dataset.k ?? row.cells[column].textContent;
    const order = new Intl.Collator("en", { numeric: true }).compare;
    const keyed = [...table.tBodies[0].rows].map((row) => [value(row), row]);
    const numbers = keyed.length > 0 && keyed[0][1].cells[column].dataset.k !== undefined;
    keyed.sort(([a], [b]) => down * (numbers ? a - b : order(a, b)));
    table.tBodies[0].append(...keyed.map(([, row]) => row));
    for (const each of head.parentElement.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    if (table.tBodies[0] === tokens) draw();
  }

  for (const table of all("table.sort"))
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  let wait = 0;
  search.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(apply, 120); });
  needy.addEventListener("change", apply);
  const form = one("#filter");
  form.addEventListener("submit", (event) => event.preventDefault());
  // A link to a row of a closed table opens it.
  addEventListener("hashchange", () => { const row = document.getElementById(location.hash.slice(1)); if (row?.matches("tr")) show(row); });
  form.hidden = false;
  draw();
})();
