// While the server is away, what needs it can't be pressed.
import { $, all, announce } from "./dom.js";

let offline = false;

/** @type {Map<HTMLElement, string>} what was disabled since, and the title that it had */
const disabled = new Map();

/** @type {(() => void)[]} */
const listeners = [];

/** @returns {boolean} whether the server is away */
export const isOffline = () => offline;

/**
 * @param {() => void} listener is called each time that the server is back
 */
export function onOnline(listener) {
  listeners.push(listener);
}

/** Says that the server is away, and disables what needs it. */
export function setOffline() {
  if (offline) return;
  offline = true;
  const link = $("#link");
  link.dataset.state = "lost";
  link.hidden = false;
  document.documentElement.classList.add("cut");
  for (const control of all("form button:not([data-copy], [data-copy-all]), a.release")) {
    if (control.disabled || control.hasAttribute("aria-disabled")) continue;
    disabled.set(control, control.title);
    control.title = link.dataset.needs;
    setDisabled(control, true);
  }
  announce(link.dataset.lost);
}

/** Says that the server is back, and enables again what {@link setOffline} disabled. */
export function setOnline() {
  if (!offline) return;
  offline = false;
  document.documentElement.classList.remove("cut");
  for (const [control, title] of disabled) {
    control.title = title;
    if (!title) control.removeAttribute("title");
    setDisabled(control, false);
  }
  disabled.clear();
  announce($("#link").dataset.back);
  for (const listener of listeners) listener();
}

function setDisabled(control, on) {
  if (!control.matches("a")) control.disabled = on;
  else if (on) control.setAttribute("aria-disabled", "true");
  else control.removeAttribute("aria-disabled");
}

/** Lets links that are disabled lead nowhere. */
export function startDisabledLinks() {
  document.addEventListener("click", event => {
    if (event.target.closest?.("a[aria-disabled]")) event.preventDefault();
  }, true);
}
