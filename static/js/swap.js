// Parts of a page that take the place of others: by htmx after a press, or by an update.
import { $, all, announce } from "./dom.js";
import { showCopyButtons } from "./copy.js";
import { showCalendars } from "./dates.js";
import { markAppeared, pressFailed } from "./press.js";
import { clearProblems } from "./problem.js";

/** Looks after what htmx puts in place of an order. */
export function startSwaps() {
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:swapError"]) {
    document.addEventListener(failure, event => pressFailed(event.target));
  }
  let hadFocus = false;
  document.addEventListener("htmx:beforeSwap", event => {
    const { xhr, target, requestConfig } = event.detail;
    if (!isSubject(target)) return;
    if (!xhr.responseText.includes(`id="${target.id}"`)) { // not from Lineboard, or nothing at all: the page stays as it is
      event.detail.shouldSwap = false;
      pressFailed(requestConfig.elt);
      return;
    }
    clearProblems();
    hadFocus = requestConfig.elt.matches("form") || hasFocus($("#release") ?? target);
  });
  document.addEventListener("htmx:afterSwap", event => {
    const { target } = event.detail;
    const fresh = isSubject(target) && document.getElementById(target.id);
    if (fresh) afterSwap(fresh, hadFocus);
  });
}

// isSubject says whether a part is what the page is about: an order, or the board of a line.
const isSubject = part => part?.id === "order" || part?.id === "board";

/**
 * @param {Node} part
 * @returns {boolean} whether the focus is in the part, or nowhere
 */
export const hasFocus = part => document.activeElement === document.body || part.contains(document.activeElement);

/**
 * Looks after what has just taken the place of another part: its buttons, the focus, and what a screen reader says.
 * @param {HTMLElement} part
 * @param {boolean} hadFocus whether the focus was in the part that went
 */
export function afterSwap(part, hadFocus) {
  showCopyButtons(part);
  showCalendars(part);
  markAppeared(part);
  const result = $(".problem, .result, .strips .strip", part);
  const armed = $(".armed", part);
  const unsigned = $(".signing .problem", part);
  const heading = $("#release h2");
  unsigned?.scrollIntoView({ block: "center" });
  if (hadFocus) (armed ? heading : result ?? heading)?.focus({ preventScroll: true });
  if (unsigned) announce(unsigned.textContent.trim());
  if (!armed && result) announce(($(".what", result) ?? $("p", result) ?? result).textContent.trim());
}

/**
 * @param {Element} part
 * @returns {string} what the part says, without the times that pass and the problems that the page adds
 */
export function wordsOf(part) {
  const copy = part.cloneNode(true);
  for (const element of all("[data-age], .as-of, .lost, .asked, pre", copy)) element.remove();
  return copy.textContent.replace(/\s+/g, " ");
}
