// A screen on the wall: nobody touches it. It shows as many lines as fit, and the others in turn. A display asks for its
// rows itself, and says over the whole screen when the server does not answer.
import { $, address, all, setText } from "./dom.js";
import { formatDuration, now } from "./clock.js";
import { unasked } from "./connection.js";

const turnMs = 15_000; // that a page of lines stands
const askMs = 4000; // between two questions
const retryMs = 500; // until a question that failed is asked again
const maxMissed = 2; // answers, after which the server is away

let page = 0;
let heardAt = now();
let missed = 0;

/** Turns the pages of a wall, and keeps a display up to date. */
export function startWall() {
  if (!$("body.wall")) return;
  show();
  setInterval(() => { page++; show(); }, turnMs);
  addEventListener("resize", show);
  new MutationObserver(show).observe($("main"), { childList: true, subtree: true });
  const display = $("#display");
  if (display) ask(display);
}

/**
 * @param {number} rows there are
 * @param {number} fit on the screen
 * @param {number} turn counts on
 * @returns {{pages: number, at: number}} how many pages there are, and which one is shown, from 0
 */
export function pageOf(rows, fit, turn) {
  const pages = Math.max(1, Math.ceil(rows / Math.max(1, fit)));
  return { pages, at: turn % pages };
}

/**
 * @param {number} least height of a row
 * @param {number} room that each row has on its page
 * @returns {number} how high it is: with few lines they are larger, up to a limit
 */
export const heightOf = (least, room) => Math.max(least, Math.min(room, 2 * least));

function show() {
  const list = $(".wall-rows");
  if (!list) return;
  const rows = all(".wall-row", list);
  list.style.gridAutoRows = "";
  const { rowGap, gridAutoRows } = getComputedStyle(list);
  const least = parseFloat(gridAutoRows);
  if (!least) return; // it is narrow: a person scrolls
  const gap = parseFloat(rowGap) || 0;
  const foot = $(".leave-wall");
  const bottom = innerHeight - (foot ? foot.offsetHeight + 2 * gap : 0);
  const room = bottom - list.getBoundingClientRect().top - scrollY + gap - 8;
  const fit = Math.max(1, Math.floor(room / (least + gap)));
  const { pages, at } = pageOf(rows.length, fit, page);
  list.style.gridAutoRows = `${heightOf(least, room / Math.min(fit, rows.length) - gap)}px`;
  rows.forEach((row, i) => {
    const isShown = Math.floor(i / fit) === at;
    if (row.hidden === isShown) row.hidden = !isShown;
  });
  const said = $(".wall-page");
  const text = pages > 1 ? `${at + 1}/${pages}` : "";
  if (said && said.textContent !== text) setText(said, text);
}

async function ask(display) {
  let wait = askMs;
  try {
    const answer = await fetch(address("/wall"), unasked({ Accept: "text/html" }));
    if (answer.status === 401) return location.reload(); // it is no display any more
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = $("#display", new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (!fresh) throw new Error("no display");
    if (missed >= maxMissed) return location.reload(); // the server may be a newer one
    heardAt = now();
    missed = 0;
    display.replaceChildren(...fresh.childNodes);
  } catch {
    missed++;
    wait = retryMs;
  }
  const lost = $("#display-lost");
  lost.hidden = missed < maxMissed;
  setText($("[data-heard]", lost), formatDuration(now() - heardAt));
  setTimeout(() => ask(display), wait);
}
