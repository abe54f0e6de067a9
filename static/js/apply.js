// Showing what changed: values change in place, and what would move under a finger waits for a button.
import { $, all, announce, setText } from "./dom.js";
import { begunFields, restoreFields } from "./fields.js";
import { isIdle, mayMove } from "./idle.js";
import { canPatch, patch } from "./patch.js";
import { addressOf } from "./parts.js";
import { clearProblems, showProblem } from "./problem.js";
import { afterSwap, hasFocus, wordsOf } from "./swap.js";

const updatedMs = 700; // for which the button says that the list is up to date

/** @type {WeakMap<HTMLElement, HTMLElement>} what takes the place of a part once no finger is on the screen */
const waiting = new WeakMap();

/** @type {WeakMap<HTMLElement, HTMLElement>} strips that take the place of a board's once no finger is on the screen */
const waitingStrips = new WeakMap();

/** @type {WeakMap<HTMLElement, HTMLElement>} what takes the place of a part once its button is pressed */
const queued = new WeakMap();

/**
 * Brings a part up to date.
 * @param {HTMLElement} part
 * @param {HTMLElement} fresh the part as the server shows it now
 */
export function apply(part, fresh) {
  part.dataset.version = fresh.dataset.version;
  waiting.delete(part);
  // A press came to nothing that is known: only what it did, if it did anything, takes the place of saying so.
  if ($("form.stranded", part) && $(".release-execute", fresh)) return;
  setStripsAside(part, fresh);
  if (canPatch(part, fresh)) {
    patch(part, fresh);
    removeUpdateButton(part);
  } else if (part.dataset.kind === "fresh") {
    waiting.set(part, fresh);
    applyWaiting(part);
  } else if (part.dataset.kind === "list" && fresh.dataset.kind === "list" && !mayMove()) {
    queueUpdates(part, fresh);
  } else {
    replacePage(part, fresh);
  }
}

/**
 * Shows what waits for a finger to go, if it has gone.
 * @param {HTMLElement} part
 */
export function applyWaiting(part) {
  applyStrips(part);
  const fresh = waiting.get(part);
  if (!fresh || !isIdle()) return;
  waiting.delete(part);
  replaceContent(part, fresh);
}

// setStripsAside lets the strips of a board come and go by themselves: only what is below them waits for a button.
function setStripsAside(part, fresh) {
  const strips = $(".strips", part);
  const freshStrips = $(".strips", fresh);
  waitingStrips.delete(part);
  if (!strips || !freshStrips || part.dataset.kind !== "list" || canPatch(strips, freshStrips)) return;
  waitingStrips.set(part, freshStrips.cloneNode(true));
  freshStrips.replaceWith(strips.cloneNode(true));
  applyStrips(part);
}

function applyStrips(part) {
  const fresh = waitingStrips.get(part);
  const strips = $(".strips", part);
  if (!fresh || !strips || !isIdle() || $("details[open], input:focus", strips)) return;
  waitingStrips.delete(part);
  strips.replaceWith(fresh);
  htmx.process(fresh);
  announce($("p", fresh)?.textContent.trim() ?? "");
}

// replaceContent keeps what a person has begun or unfolded.
function replaceContent(part, fresh) {
  const open = all("details[open] > summary", part).map(summary => summary.textContent);
  const begun = begunFields(part);
  part.replaceChildren(...fresh.childNodes);
  restoreFields(begun, part);
  for (const name of ["kind", "live", "version"]) part.dataset[name] = fresh.dataset[name];
  for (const summary of all("details > summary", part)) summary.parentNode.open ||= open.includes(summary.textContent);
  htmx.process(part);
}

// replacePage takes nothing from a person's hand.
function replacePage(part, fresh) {
  if (wordsOf(part) === wordsOf(fresh) && part.dataset.kind === fresh.dataset.kind) return updateTimes(part, fresh);
  const armed = $(".release-execute", part);
  const freshArmed = $(".release-execute", fresh);
  if (armed && freshArmed) {
    if (checkedOrder(armed) !== checkedOrder(freshArmed)) showChanged(part, fresh, armed);
    else if (isCloudDown(armed) === isCloudDown(freshArmed)) updateTimes(part, fresh);
    else showOutage(armed, freshArmed);
    return;
  }
  if (!armed && begunFields(part).length > 0) return showUpdateButton(part, 1, fresh);
  clearProblems();
  const hadFocus = hasFocus($("#release", part) ?? part);
  replaceContent(part, fresh);
  afterSwap(part, hadFocus);
}

// checkedOrder is what an armed release is for: the order as it was shown.
const checkedOrder = panel => all("input[type=hidden]", panel).map(input => `${input.name}=${input.value}`).join();

const isCloudDown = panel => Boolean($(".cloud-down", panel));

// showOutage says that no release can be sent now, or lets it be sent again. What a person has begun stays.
function showOutage(armed, freshArmed) {
  const freshReason = $(".cloud-down", freshArmed);
  const button = $("button.release", armed);
  $(".cloud-down", armed)?.remove();
  if (freshReason) button.before(freshReason.cloneNode(true));
  button.disabled = Boolean(freshReason);
  if (freshReason) button.setAttribute("aria-describedby", freshReason.id);
  else button.removeAttribute("aria-describedby");
  announce((freshReason ?? button).textContent.trim());
}

// What was checked is not what would be released any more. The server would refuse it too.
function showChanged(part, fresh, armed) {
  for (const button of all("button.release", armed)) button.disabled = true;
  const href = addressOf(fresh) + ($(".armed", fresh) ? "#release" : "");
  showProblem(armed, part.dataset.changed, { link: part.dataset.again, href });
}

// updateTimes brings the times in a page that says the same as before.
function updateTimes(part, fresh) {
  for (const selector of [".as-of", ".asked"]) {
    const times = all(selector, part);
    const freshTimes = all(selector, fresh);
    if (times.length !== freshTimes.length) continue;
    times.forEach((time, i) => {
      if (time.innerHTML !== freshTimes[i].innerHTML) time.innerHTML = freshTimes[i].innerHTML;
    });
  }
}

const rowsOf = part => all("[data-row]", part);

// queueUpdates changes values of a list in place, and counts the rows that would come, go or change their shape.
function queueUpdates(part, fresh) {
  const freshRows = new Map(rowsOf(fresh).map(row => [row.dataset.row, row]));
  const rows = rowsOf(part);
  const changed = new Set(freshRows.keys());
  for (const row of rows) changed.delete(row.dataset.row);
  for (const row of rows) {
    const freshRow = freshRows.get(row.dataset.row);
    if (freshRow && canPatch(row, freshRow)) {
      patch(row, freshRow);
    } else {
      changed.add(row.dataset.row);
      markChanged(row, freshRow);
    }
  }
  // In the same rows as before, some have gone before others.
  showUpdateButton(part, Math.max(1, changed.size), fresh);
}

// markChanged shows on a row that it is not as the list says, without moving anything.
function markChanged(row, freshRow) {
  row.classList.toggle("gone", !freshRow);
  for (const link of all("a.release", row)) link.setAttribute("aria-disabled", "true"); // it is not the next any more
  if (!freshRow || row.closest(".lane")) return;
  const mark = $(".mark", row);
  const freshMark = $(".mark", freshRow);
  if (mark && freshMark) mark.replaceWith(freshMark.cloneNode(true));
}

const updateButtonOf = part => $(":scope > .updates", part);

function removeUpdateButton(part) {
  queued.delete(part);
  updateButtonOf(part)?.remove();
}

function showUpdateButton(part, count, fresh) {
  queued.set(part, fresh);
  const button = updateButtonOf(part) ?? addUpdateButton(part);
  const { update, updates } = part.dataset;
  const text = count === 1 ? update : updates.replace("{n}", String(count));
  if (button.textContent === text) return;
  setText(button, text);
  announce(text);
}

function addUpdateButton(part) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "updates";
  button.addEventListener("click", () => showUpdates(part, button));
  part.append(button);
  return button;
}

function showUpdates(part, button) {
  const fresh = queued.get(part);
  if (!fresh) return;
  queued.delete(part);
  replaceContent(part, fresh);
  announce(part.dataset.updated);
  // The second tap of a double tap must not meet what lies under the button.
  button.disabled = true;
  setText(button, part.dataset.updated);
  part.append(button);
  setTimeout(() => {
    button.remove();
    const next = queued.get(part);
    if (next) showUpdateButton(part, 1, next);
  }, updatedMs);
}
