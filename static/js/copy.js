// Copying one serial number, or the whole list.
import { all, announce } from "./dom.js";

const copyButtons = "[data-copy], [data-copy-all]";
const saidFor = 2000; // ms for which a button says what became of copying

/** @type {WeakMap<HTMLElement, number>} the timer that takes away what a button says */
const timers = new WeakMap();

/** Shows the copy buttons, and copies when one is pressed. */
export function startCopying() {
  showCopyButtons(document);
  document.addEventListener("click", event => {
    const button = event.target.closest?.(copyButtons);
    if (button) copyFor(button);
  });
}

/**
 * Without scripts the buttons stay hidden: they could do nothing.
 * @param {ParentNode} root
 */
export function showCopyButtons(root) {
  for (const button of all(copyButtons, root)) button.hidden = false;
}

async function copyFor(button) {
  const { copy: text, copyAll: url, done, failed } = button.dataset;
  let result = done;
  try {
    await copy(url ? fetchSerials(url) : text);
  } catch {
    result = failed;
  }
  button.dataset.said = result;
  announce(result);
  clearTimeout(timers.get(button));
  timers.set(button, setTimeout(() => delete button.dataset.said, saidFor));
}

/** @param {string | Promise<string>} text */
async function copy(text) {
  if (!isSecureContext || !navigator.clipboard) return copySelection(await text);
  // Firefox before 127 takes a text alone.
  if (!globalThis.ClipboardItem) return navigator.clipboard.writeText(await text);
  // Handed over as a promise: a browser lets a press copy only at once, and the list has yet to come.
  const blob = Promise.resolve(text).then(plain => new Blob([plain], { type: "text/plain" }));
  return navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
}

// Over plain HTTP there is no clipboard but that of a selection.
function copySelection(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden-text";
  area.readOnly = true;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus({ preventScroll: true });
  if (!copied) throw new Error("not copied");
}

async function fetchSerials(url) {
  const answer = await fetch(url);
  if (!answer.ok || answer.redirected) throw new Error("no list");
  return (await answer.json()).serials.join("\n");
}
