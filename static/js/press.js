// A release is sent once, and not by the second tap of two. Every press shows until its page is there.
import { $, all, announce, setText } from "./dom.js";
import { isOffline } from "./offline.js";
import { showUnreachable } from "./problem.js";

const guardMs = 500; // in which what just appeared takes no press
const wayOutSeconds = 10; // after which a way out is offered

/** @type {WeakMap<Element, number>} when a form came into view, in ms */
const appearedAt = new WeakMap();

/** @type {WeakMap<HTMLFormElement, {label: string, timer: number}>} what a sent form said before, and its counter */
const sentForms = new WeakMap();

function labelOf(form) {
  const button = $("button", form);
  return $("span", button) ?? button;
}

/** Guards the forms of the page, and shows each press until its page is there. */
export function startPresses() {
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? performance.now();
  markAppeared(document, paint);
  document.addEventListener("submit", guardSubmit, true);
  document.addEventListener("submit", event => {
    if (!event.defaultPrevented) event.submitter?.classList.add("going");
  });
  document.addEventListener("htmx:beforeRequest", event => {
    if (event.target.matches?.("a[href]")) event.target.classList.add("going");
  });
  document.addEventListener("click", event => {
    const link = event.target.closest?.("a[href]");
    if (link && !event.defaultPrevented && leadsToPage(link, event)) link.classList.add("going");
  });
  addEventListener("pagehide", () => { // it may come back
    for (const pressed of all(".going")) pressed.classList.remove("going");
  });
  addEventListener("pageshow", event => { if (event.persisted) all("form.sent").forEach(restore); });
}

/**
 * Starts the guard of forms that have just appeared.
 * @param {ParentNode} root
 * @param {number} [at] in ms since the page was opened
 */
export function markAppeared(root, at = performance.now()) {
  for (const form of all("form[data-busy]", root)) appearedAt.set(form, at);
}

/**
 * @param {number} appeared when the form came into view, in ms
 * @param {number} at when it is pressed
 * @returns {boolean} whether the press may be the second tap of two
 */
export const isTooEarly = (appeared, at) => at - appeared < guardMs;

function guardSubmit(event) {
  const form = event.target;
  // What needs the server is not sent while it is away, and never later.
  if (isOffline() || form.matches("form[data-busy]") && isSecondTap(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (form.matches("form[data-busy]")) {
    showBusy(form);
  }
}

function isSecondTap(form) {
  if (form.classList.contains("sent")) return true;
  const isHarmless = "atOnce" in form.dataset; // such as a refresh
  return !isHarmless && isTooEarly(appearedAt.get(form) ?? 0, performance.now());
}

function showBusy(form) {
  const button = $("button", form);
  const label = labelOf(form);
  const { busy } = form.dataset;
  const since = performance.now();
  form.classList.add("sent");
  const timer = setInterval(() => {
    if (!form.isConnected) return clearInterval(timer); // answered
    const passed = Math.floor((performance.now() - since) / 1000);
    setText(label, `${busy} ${passed} s`);
    if (passed === wayOutSeconds) showUnreachable(form, true);
  }, 1000);
  sentForms.set(form, { label: label.textContent, timer });
  setText(label, busy);
  announce(busy);
  setTimeout(() => { button.disabled = form.classList.contains("sent"); }); // after the browser has taken the form
}

function stopCounting(form) {
  const sent = sentForms.get(form);
  if (!sent) return;
  clearInterval(sent.timer);
  setText(labelOf(form), sent.label);
}

// restore undoes showBusy, for a page that the browser brings back.
function restore(form) {
  stopCounting(form);
  sentForms.delete(form);
  $("button", form).disabled = false;
  form.classList.remove("sent", "stranded");
}

/**
 * Says that a request came to nothing. Its form says again what it would do, and stays disabled: whether the server has
 * the request is not known.
 * @param {Element} element what asked
 */
export function pressFailed(element) {
  if (element.matches?.("a[href]")) return location.assign(element.href); // the browser says what is the matter
  const form = element.closest?.("form.sent");
  if (form) {
    stopCounting(form);
    form.classList.add("stranded");
  }
  showUnreachable(element, Boolean(form));
}

function leadsToPage(link, event) {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  if (link.origin !== location.origin || link.target || link.hasAttribute("download")) return false;
  return !link.hash || link.href.split("#")[0] !== location.href.split("#")[0];
}
