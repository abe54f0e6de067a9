// Problems that only the page knows of, such as an answer that never came. They stand in the panel of the release.
import { $, all } from "./dom.js";

/**
 * Puts a problem into a panel, in place of the one that it has.
 * @param {HTMLElement} panel
 * @param {string} text
 * @param {{link: string, href: string, mark?: string}} way the link that leads on, and a class of the problem
 */
export function showProblem(panel, text, { link, href, mark = "" }) {
  if ($(".lost p", panel)?.textContent === text) return;
  clearProblems();
  const further = document.createElement("a");
  further.className = "button";
  further.href = href;
  further.textContent = link;
  const what = document.createElement("p");
  what.textContent = text;
  const way = document.createElement("p");
  way.append(further);
  const words = document.createElement("div");
  words.append(what, way);
  const box = document.createElement("div");
  box.className = `problem lost ${mark}`.trim();
  box.setAttribute("role", "alert");
  box.append(words);
  panel.append(box);
  box.scrollIntoView({ block: "nearest" });
}

/**
 * Says that the server could not be reached.
 * @param {Element} element what was pressed
 * @param {boolean} sent whether a release was on its way
 */
export function showUnreachable(element, sent) {
  const panel = element.closest?.("#release") ?? $("#release");
  const text = sent ? panel?.dataset.lost : panel?.dataset.lostPage;
  if (!text) return;
  showProblem(panel, text, {
    link: panel.dataset.reload, href: location.pathname, mark: sent ? "lost-sent" : "",
  });
}

/** Takes these problems away again. */
export function clearProblems() {
  for (const box of all("#release .lost")) box.remove();
}
