// SPDX-License-Identifier: GPL-3.0-or-later
// Asks once a second what has changed and puts new rows in place of old ones; without it the page loads itself again.
"use strict";
const home = document.body.dataset.home;
let version = document.body.dataset.version;
let misses = 0;

function put(key, html) {
  const old = document.getElementById("row-" + key);
  const made = document.createElement("template");
  made.innerHTML = html.trim();
  const fresh = made.content.firstElementChild;
  if (!old || old.outerHTML === fresh.outerHTML) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const isOpen = old.querySelector("details")?.open;
  old.replaceWith(fresh);
  if (isOpen) fresh.querySelector("details")?.setAttribute("open", "");
  if (focused) (document.getElementById(focused) || document.getElementById("rows")).focus();
}

async function look() {
  try {
    const answer = await fetch(home + "rows?since=" + version, { cache: "no-store" });
    if (answer.status === 200) {
      const told = await answer.json();
      for (const [key, html] of Object.entries(told.rows)) put(key, html);
      document.getElementById("summary").textContent = told.summary;
      version = told.version;
      if (told.ended) {
        document.querySelector("footer").replaceChildren();
        return;
      }
    } else if (answer.status !== 204) {
      throw new Error(String(answer.status));
    }
    misses = 0;
  } catch (error) {
    misses += 1;
    if (misses === 3) {
      document.getElementById("summary").textContent = "The page has ended; the terminal says what is next.";
      document.querySelector("footer").replaceChildren();
      return;
    }
  }
  setTimeout(look, 1000);
}
setTimeout(look, 1000);
