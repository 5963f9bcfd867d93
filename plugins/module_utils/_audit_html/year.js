// SPDX-License-Identifier: GPL-3.0-or-later
// A bar for each token on the year's axis, drawn by Chart.js from the rows of the table of tokens.
"use strict";
const Year = (() => {
  const DAY = 86400000;
  const LABELLED = 60; // bars up to which each has its name and date
  const RIGHT = 80; // pixels for the date beside a bar
  const main = document.getElementById("main");
  const today = Number(main.dataset.today), ahead = Number(main.dataset.ahead), soon = main.dataset.soon;
  const PARTS = [
    ["lived", "since it was issued"], ["left", "until it is due"], ["soon", `due within ${soon} days`], ["over", "overdue"], ["dead", "dead"],
  ];
  let rows = [], chart = null;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const date = (day, options) => new Date(day * DAY).toLocaleDateString("en-GB", { timeZone: "UTC", ...options });
  const short = (day) => date(day, { day: "numeric", month: "short", year: "2-digit" });

  // Stripes in two directions, and a lattice: parts differ by more than their colour.
  function fill(name) {
    const base = color(name === "dead" ? "over" : name);
    if (name === "lived" || name === "left") return base;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = name === "dead" ? color("card") : base;
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = name === "dead" ? base : color("stripe");
    pen.lineWidth = name === "dead" ? 2.5 : 1.5;
    pen.beginPath();
    for (const at of [-8, 0, 8]) {
      if (name !== "soon") { pen.moveTo(at, 8); pen.lineTo(at + 8, 0); }
      if (name === "dead") { pen.moveTo(at, 0); pen.lineTo(at + 8, 8); }
    }
    if (name === "soon") { pen.moveTo(4, 0); pen.lineTo(4, 8); }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  // The part of a token's bar with this name: its first and its last day.
  function part(name, { from, due, state }) {
    if (!due) return null;
    if (state === "dead") return name === "dead" ? [from, due] : null;
    if (name === "lived") return [from, Math.min(due, today)];
    if (name === "over") return due < today ? [due, today] : null;
    return due >= today && name === (state === "soon" ? "soon" : "left") ? [Math.max(from, today), due] : null;
  }

  const SIGNS = { dead: "✕ dead, due ", overdue: "✕ ", soon: "◔ " };
  const words = ({ due, window, state }) =>
    (due ? (SIGNS[state] ?? "") + short(due) : "age unknown") + (window ? `, ◆ ${short(window)}` : "");

  function months(scale) {
    const room = scale.width / ((scale.max - scale.min) / 30.4); // pixels of a month
    const step = room < 14 ? 6 : room < 20 ? 3 : room < 40 ? 2 : 1;
    const ticks = [], at = new Date(scale.min * DAY);
    at.setUTCDate(1);
    for (; at / DAY <= scale.max; at.setUTCMonth(at.getUTCMonth() + 1))
      if (at / DAY >= scale.min && at.getUTCMonth() % step === 0) ticks.push({ value: at / DAY });
    scale.ticks = ticks;
  }

  const font = (size, weight = 400) => `${weight} ${size}px system-ui, sans-serif`;

  function write(pen, { x, y }, area) {
    const narrow = isNarrow();
    const put = (text, left, top) => {
      pen.strokeText(text, left, top); // a halo, so that no line goes through it
      pen.fillText(text, left, top);
    };
    pen.textBaseline = "middle";
    pen.strokeStyle = color("card");
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    rows.forEach((row, index) => {
      const at = y.getPixelForValue(index), odd = row.state === "dead" || row.state === "overdue" ? "bad" : row.state === "soon" ? "wait" : "";
      if (narrow) {
        pen.font = font(12);
        pen.fillStyle = color("text");
        put(row.name, area.left, at - 14);
      }
      pen.font = font(12, odd ? 600 : 400);
      pen.fillStyle = color(odd || "soft");
      const said = words(row), far = row.due ? Math.max(row.due, row.state === "dead" ? 0 : today) : today;
      const room = area.right + RIGHT - pen.measureText(said).width - 6;
      put(said, Math.min(x.getPixelForValue(far), room) + 6, at);
    });
  }

  const marks = {
    id: "marks",
    beforeDatasetsDraw({ ctx: pen, chartArea: area, scales: { x } }) {
      pen.fillStyle = color("band");
      pen.fillRect(x.getPixelForValue(today), area.top, x.getPixelForValue(today + ahead) - x.getPixelForValue(today), area.height);
    },
    afterDatasetsDraw({ ctx: pen, chartArea: area, scales }) {
      const now = scales.x.getPixelForValue(today);
      pen.save();
      pen.fillStyle = pen.strokeStyle = color("text");
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(now, area.top - 4);
      pen.lineTo(now, area.bottom);
      pen.stroke();
      pen.font = font(12, 600);
      pen.textAlign = "center";
      pen.fillText("today", now, area.top - 8);
      pen.textAlign = "left";
      if (rows.length <= LABELLED) write(pen, scales, area);
      pen.restore();
    },
  };

  const isNarrow = () => document.getElementById("year").clientWidth < 560;

  function options(narrow) {
    const known = rows.filter((row) => row.due);
    const first = Math.max(today - 550, Math.min(today - 365, ...known.map((row) => row.from)));
    const last = Math.max(today + 365, ...known.map((row) => row.due));
    const labelled = rows.length <= LABELLED;
    const text = { family: "system-ui, sans-serif", size: narrow ? 12 : 13 };
    return {
      indexAxis: "y", animation: false, responsive: true, maintainAspectRatio: false, grouped: false,
      layout: { padding: { right: labelled ? RIGHT : 8 } },
      interaction: { mode: "nearest", axis: "y", intersect: false },
      onClick: (_event, [hit]) => hit && rows[hit.index].show(),
      scales: {
        x: { type: "linear", min: first, max: last, position: "top", afterBuildTicks: months, grid: { color: color("line") }, border: { display: false },
          ticks: { autoSkip: false, maxRotation: 0, padding: 18, color: color("soft"), font: text, callback: (day) => date(day, new Date(day * DAY).getUTCMonth() ? { month: "short" } : { year: "numeric" }) } },
        y: { display: labelled && !narrow, grid: { display: false }, border: { display: false },
          ticks: { autoSkip: false, color: color("text"), font: text, crossAlign: "far", callback: (index) => cut(rows[index]?.name ?? "", 40) } },
      },
      plugins: {
        legend: { position: "bottom", align: "start", onClick: null, labels: { color: color("text"), font: text, boxWidth: 24, boxHeight: 12, filter: (item, data) => data.datasets[item.datasetIndex].data.some(Boolean) } },
        tooltip: { displayColors: false, filter: (item, index) => index === 0, callbacks: { title: ([item]) => item && rows[item.dataIndex].name, label: (item) => said(rows[item.dataIndex]) } },
      },
    };
  }

  const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  const said = (row) => (row.due ? `issued ${short(row.from)}, due ${short(row.due)}${row.state === "ok" ? "" : ", " + row.state}` : "its age is not known");

  // Draws these rows ({name, from, due, window, state, show}); days since 1970-01-01, 0 where unknown.
  function draw(given) {
    rows = given;
    const canvas = document.getElementById("chart"), box = canvas?.parentElement;
    if (!canvas) return; // of no token anything is known
    document.getElementById("year").hidden = false;
    const narrow = isNarrow();
    const each = rows.length <= LABELLED ? (narrow ? 38 : 26) : Math.max(1, 700 / rows.length);
    box.style.height = Math.round(Math.max(60, rows.length * each) + 100) + "px";
    chart?.destroy();
    chart = new Chart(canvas, {
      type: "bar",
      data: {
        labels: rows.map((row) => row.name),
        datasets: PARTS.map(([name, label]) => ({
          label, data: rows.map((row) => part(name, row)), backgroundColor: fill(name), borderColor: color("over"), borderWidth: name === "dead" && each > 8 ? 1 : 0, borderSkipped: false,
          grouped: false, barPercentage: each > 8 ? (narrow ? 0.34 : 0.62) : 1, categoryPercentage: 1, minBarLength: 1,
        })),
      },
      options: options(narrow),
      plugins: [marks],
    });
  }

  const again = () => chart && draw(rows);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  // Paper is light, and as wide as paper.
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("paper");
    again();
    chart?.resize(660, chart.height);
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    again();
  });
  return { draw };
})();
